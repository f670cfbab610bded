"""Each loss is zero where it should be, and relative, so that weights carry over."""

from __future__ import annotations

import pytest
import torch

from train import losses
from train.temporal import Motion, disturb, temporal_loss

PICTURE = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_style_loss_is_zero_for_the_style_itself_and_blind_to_its_scale() -> None:
    features = torch.rand(1, 8, 10, 10)
    other = torch.rand(1, 8, 12, 9)

    def loss(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(losses.style_loss({"x": losses.gram(a)}, {"x": losses.gram(b)}, {"x": 1.0}))

    assert loss(features, features) == 0
    assert loss(other * 5, features * 5) == pytest.approx(loss(other, features), rel=1e-4)
    assert loss(0 * features, features) == pytest.approx(1.0, rel=1e-4)


def test_gram_does_not_grow_with_the_picture() -> None:
    features = torch.rand(1, 4, 8, 8)
    assert torch.allclose(
        losses.gram(features), losses.gram(features.repeat(1, 1, 2, 2)), atol=1e-5
    )


def test_structure_loss_forgives_contrast_but_not_another_picture() -> None:
    same = losses.structure_loss(PICTURE * 0.5 + 0.2, PICTURE)
    assert same < 0.05 < losses.structure_loss(PICTURE.flip(0), PICTURE)


def test_low_frequency_loss_leaves_strokes_free() -> None:
    strokes = PICTURE.clone()
    strokes[..., ::2] += 0.1
    strokes[..., 1::2] -= 0.1
    assert losses.low_frequency_loss(strokes, PICTURE) < 1e-6
    assert losses.low_frequency_loss(PICTURE + 0.1, PICTURE) == pytest.approx(0.1, rel=1e-3)


def test_guide_loss_sees_a_blur_that_keeps_the_mean() -> None:
    assert losses.guide_loss(PICTURE, PICTURE) == 0
    assert losses.guide_loss(PICTURE.mean((2, 3), keepdim=True).expand_as(PICTURE), PICTURE) > 0.3


def test_no_motion_leaves_a_picture_alone() -> None:
    motion = Motion.random(2, torch.Generator().manual_seed(0), shift=0.0, turn=0.0)
    assert torch.allclose(motion.warp(PICTURE), PICTURE, atol=1e-4)
    assert motion.valid(64, 64).min() == 1


def test_temporal_loss_is_zero_for_strokes_that_move_with_the_scene() -> None:
    motion = Motion.random(2, torch.Generator().manual_seed(3))
    assert temporal_loss(PICTURE, motion.warp(PICTURE), motion, 4) < 1e-8
    assert temporal_loss(PICTURE, PICTURE, motion, 4) > 1e-2


def test_disturbed_pictures_stay_in_range_and_near() -> None:
    noisy = disturb(PICTURE, torch.Generator().manual_seed(0), noise=0.03, exposure=0.0)
    assert 0 <= noisy.min() < noisy.max() <= 1
    assert 0 < (noisy - PICTURE).std() < 0.03
