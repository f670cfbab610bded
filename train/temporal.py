"""Steadiness: two views of one scene must be painted with the same strokes.

A pair is a crop and the same crop moved by a random affine motion, with fresh sensor noise
and a slightly other exposure. What the generator makes of the second must be what it made
of the first, moved the same way. No optical flow is needed: the motion is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Motion:
    """A random affine motion for every picture of a batch.

    Attributes:
        theta: (N, 2, 3), as `affine_grid` takes it: output position to input position.
    """

    theta: Tensor

    @classmethod
    def random(
        cls, count: int, random: torch.Generator, *, shift: float = 0.04, turn: float = 0.04
    ) -> Motion:
        """Draw shifts (of the crop's half side), rotations (radians) and zooms (as turn)."""
        draws = torch.rand(count, 4, generator=random) * 2 - 1
        dx, dy = draws[:, 0] * shift, draws[:, 1] * shift
        angle, zoom = draws[:, 2] * turn, 1 + draws[:, 3] * turn
        cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
        rows = [torch.stack([cos, -sin, dx], 1), torch.stack([sin, cos, dy], 1)]
        return cls(torch.stack(rows, 1))

    @classmethod
    def none(cls, count: int) -> Motion:
        """A camera that stands still: only noise and exposure differ between its frames."""
        return cls(torch.eye(2, 3).expand(count, -1, -1))

    def warp(self, x: Tensor) -> Tensor:
        """Move (N, C, H, W); what comes in from outside repeats the edge."""
        grid = affine_grid(self.theta, list(x.shape), align_corners=False)
        return grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def valid(self, height: int, width: int, margin: int = 0) -> Tensor:
        """(N, 1, H, W): 1 where the warped pixel came from inside, `margin` px from the edge."""
        inside = torch.zeros(self.theta.shape[0], 1, height, width)
        inside[:, :, margin : height - margin, margin : width - margin] = 1
        grid = affine_grid(self.theta, list(inside.shape), align_corners=False)
        warped = grid_sample(inside, grid, mode="nearest", align_corners=False)
        return warped * inside


def disturb(x: Tensor, random: torch.Generator, *, noise: float, exposure: float) -> Tensor:
    """Add what a camera adds between two frames: noise and a change of exposure.

    Args:
        x: (N, 3, H, W) in 0..1.
        random: draws come from here.
        noise: largest standard deviation, in 0..1; each picture draws its own.
        exposure: largest relative change of brightness.
    """
    count = x.shape[0]
    sigma = torch.rand(count, 1, 1, 1, generator=random) * noise
    gain = 1 + (torch.rand(count, 1, 1, 1, generator=random) * 2 - 1) * exposure
    return (x * gain + torch.randn(x.shape, generator=random) * sigma).clamp(0, 1)


def temporal_loss(first: Tensor, second: Tensor, motion: Motion, margin: int) -> Tensor:
    """Mean squared difference of G(moved x) and moved G(x), where the motion stayed inside.

    Source: Wang et al. 2020, "Consistent video style transfer via compound regularization".
    """
    valid = motion.valid(first.shape[2], first.shape[3], margin)
    difference = (second - motion.warp(first)) ** 2 * valid
    return difference.sum() / (3 * valid.sum()).clamp_min(1)
