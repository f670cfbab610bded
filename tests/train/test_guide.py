"""The guide paints in the painting's colours, and the same picture the same way."""

from __future__ import annotations

import torch

from tests.train.conftest import draw
from train.data import to_tensor
from train.guide import Guide, GuideRecipe, blur, hatching, palette_of

PHOTO = to_tensor(draw(1))


def test_a_painting_of_one_colour_paints_in_that_colour() -> None:
    style = torch.tensor([0.2, 0.3, 0.6]).view(1, 3, 1, 1).expand(1, 3, 64, 64)
    painted = Guide(style, GuideRecipe(saturation=1.0)).paint(PHOTO)
    assert torch.allclose(painted, style[:, :, :1, :1].expand_as(painted), atol=1e-4)


def test_the_palette_goes_from_dark_to_light_and_from_cool_to_warm() -> None:
    palette = palette_of(to_tensor(draw(4)))
    assert palette[0, :, 0].mean() < palette[0, :, -1].mean()
    warmth = palette[0, 0] - palette[0, 2]
    assert bool((warmth[:, 0] <= warmth[:, -1]).all())


def test_contours_darken_edges_only() -> None:
    photo = torch.full((1, 3, 64, 64), 0.9)
    photo[..., 32:] = 0.3
    plain, inked = (
        Guide(to_tensor(draw(2)), GuideRecipe(ink=ink, hatching=0.0)).paint(photo)
        for ink in (0.0, 1.0)
    )
    changed = (plain - inked).abs().amax((0, 1, 2))
    assert changed[26:38].max() > 0.05
    assert changed[:20].max() < 0.01


def test_flat_light_is_not_hatched() -> None:
    assert hatching(torch.full((1, 1, 48, 48), 0.5), 11.0, 4.0).abs().max() < 1e-3
    ramp = torch.linspace(0, 1, 96).view(1, 1, 1, 96).expand(1, 1, 48, 96)
    assert hatching(ramp, 11.0, 4.0).std() > 0.3


def test_blur_keeps_the_mean_and_lowers_the_contrast() -> None:
    blurred = blur(PHOTO, 3.0)
    assert abs(float(blurred.mean() - PHOTO.mean())) < 0.02
    assert blurred.std() < PHOTO.std()
