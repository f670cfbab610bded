"""The measures have the right ends and the right signs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.train.conftest import draw, random_squeezenet_weights
from train.data import to_tensor
from train.generator import Generator, GeneratorSpec
from train.metrics import (
    Marks,
    StyleScale,
    grid_on_flat,
    noise_gain,
    recolour,
    scene_steadiness,
    steadiness,
    warp_by_flow,
)
from train.perceptual import CAFFE, SqueezeNet

PHOTO, STYLE = to_tensor(draw(1)), to_tensor(draw(2))


class Unchanged(Generator):
    """Gives the picture back."""

    def forward(self, x: Tensor, shift: tuple[int, int] = (0, 0)) -> Tensor:
        return x


class Grid(Generator):
    """Darkens every fourth column."""

    def forward(self, x: Tensor, shift: tuple[int, int] = (0, 0)) -> Tensor:
        x = x.clone()
        x[..., ::4] -= 0.05
        return x


def test_the_style_scale_runs_from_recolouring_to_painting() -> None:
    style = torch.cat([STYLE, STYLE], 3)
    scale = StyleScale(style, [PHOTO], SqueezeNet(random_squeezenet_weights(), CAFFE))
    assert scale.marks.half < 0.1 * scale.marks.recolouring
    assert scale.place(recolour(PHOTO, style)) == pytest.approx(1.0)
    assert scale.place(style) < 0.05


def test_marks_in_the_wrong_order_are_no_scale() -> None:
    assert math.isnan(Marks(recolouring=0.1, half=0.2).place(0.15))


def test_recolouring_gives_the_paintings_mean() -> None:
    grey = PHOTO * 0.2 + 0.4
    assert torch.allclose(recolour(PHOTO, grey).mean((2, 3)), grey.mean((2, 3)), atol=0.02)


def test_a_network_that_changes_nothing_neither_adds_noise_nor_grid_nor_flicker() -> None:
    unchanged = Unchanged(GeneratorSpec())
    assert noise_gain(unchanged, PHOTO) == pytest.approx(1.0)
    assert grid_on_flat(unchanged) == 0
    frames = [PHOTO, PHOTO.roll(1, 3) + 0.01, PHOTO.roll(2, 3)]
    flow = torch.zeros(1, 2, 96, 128)
    flow[:, 0] = -1
    valid = torch.ones(1, 1, 96, 128)
    valid[..., :4] = 0
    assert steadiness(unchanged, frames, [flow] * 2, [valid] * 2) == pytest.approx(1.0)


def test_the_rendered_flight_is_as_steady_as_itself_and_a_pattern_on_the_glass_is_not() -> None:
    assert scene_steadiness(Unchanged(GeneratorSpec()), 120, 160) == pytest.approx(1.0)
    assert scene_steadiness(Grid(GeneratorSpec()), 120, 160) > 1.05


def test_a_grid_is_seen() -> None:
    assert grid_on_flat(Grid(GeneratorSpec())) > 3


def test_flow_fetches_from_where_it_points() -> None:
    flow = torch.zeros(1, 2, 96, 128)
    flow[:, 0], flow[:, 1] = 3, -2
    warped = warp_by_flow(PHOTO, flow)
    assert torch.allclose(
        warped[..., 4:-4, 4:-4], PHOTO.roll((2, -3), (2, 3))[..., 4:-4, 4:-4], atol=1e-3
    )
