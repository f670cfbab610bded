"""Optical flow by geometry: where each pixel of the second frame was in the first.

A pixel's hit point is carried back by its surface's rigid motion and projected by the
first camera. It was visible there when the first frame's depth agrees. Nothing is
estimated from the pictures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.scene.camera import Camera
from train.scene.march import BODIES, SKY
from train.scene.noise import Field, Reals

Pose = tuple[Reals, Reals]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FlowPair:
    """Two frames and the flow that takes the second back to the first.

    Attributes:
        first: (H, W, 3) uint8 RGB.
        second: (H, W, 3) uint8 RGB.
        flow: (H, W, 2) float32, pixels, (dx, dy): second[y, x] shows what first shows
            at (x + dx, y + dy), so sampling the first frame there warps it to the second.
        valid: (H, W), False where that point was hidden or out of the first frame, along
            silhouettes, where a pixel mixes two surfaces, and on the sun's glitter.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    flow: Field
    valid: Mask


@dataclass(frozen=True)
class Sight:
    """The geometry one frame sees at its pixels' centres.

    Attributes:
        camera: the frame's.
        depth: (H, W), metres; inf is sky.
        surface: (H, W), as in `View`.
        steady: (H, W), False on the sun's glitter, which follows the camera.
        poses: rotation and position of each body.
    """

    camera: Camera
    depth: Field
    surface: NDArray[np.int32]
    steady: Mask
    poses: list[Pose]


def backward_flow(first: Sight, second: Sight) -> tuple[Field, Mask]:
    """Flow (H, W, 2) from the second frame to the first, and where it holds (H, W)."""
    rays = second.camera.rays()
    sky = second.surface == SKY
    points = np.array(second.camera.position) + rays * np.where(sky, 1.0, second.depth)[..., None]
    for number, poses in enumerate(zip(second.poses, first.poses, strict=True)):
        mine = second.surface == BODIES + number
        if mine.any():
            points[mine] = _carry(points[mine], *poses)
    column, row, depth = first.camera.project(points)
    column[sky], row[sky], _ = first.camera.project_direction(rays[sky])
    height, width = sky.shape
    y, x = np.mgrid[:height, :width]
    flow = np.stack([column - x, row - y], axis=-1).astype(np.float32)
    nearness = np.where(sky, 0.0, 1.0 / np.maximum(depth, 1e-3))
    seen = _seen(first, column, row, nearness, second.surface)
    return flow, seen & second.steady & ~silhouettes(second)


def _carry(points: Reals, now: Pose, then: Pose) -> Reals:
    """Move points fixed to a body from its pose `now` to its pose `then`."""
    own = (points - now[1]) @ now[0]
    return own @ then[0].T + then[1]


def _seen(
    first: Sight, column: Reals, row: Reals, nearness: Reals, surface: NDArray[np.int32]
) -> Mask:
    """True where all four pixels around the target show the same surface at its depth."""
    height, width = surface.shape
    # Rounding must not cost a still camera the border of its frame.
    slack = 1e-3
    inside = (column >= -slack) & (column <= width - 1 + slack)
    inside &= (row >= -slack) & (row <= height - 1 + slack)
    left = np.clip(np.floor(column), 0, width - 2).astype(np.int64)
    top = np.clip(np.floor(row), 0, height - 2).astype(np.int64)
    u, v = np.clip(column - left, 0, 1), np.clip(row - top, 0, 1)
    edge = silhouettes(first)
    drawn = np.zeros(surface.shape)
    for dy, dx, weight in (
        (0, 0, (1 - v) * (1 - u)),
        (0, 1, (1 - v) * u),
        (1, 0, v * (1 - u)),
        (1, 1, v * u),
    ):
        spot = (top + dy, left + dx)
        inside &= (first.surface[spot] == surface) & ~edge[spot]
        # Inverse depth is linear in the picture for a plane: interpolating it is exact.
        drawn += weight / first.depth[spot]
    return np.asarray(inside & (np.abs(drawn - nearness) <= 0.02 * nearness + 1e-9))


def silhouettes(sight: Sight) -> Mask:
    """Pixels (H, W) whose 3x3 neighbourhood holds two surfaces or a jump in depth."""
    nearness = 1.0 / sight.depth.astype(np.float64)
    edge = np.zeros(nearness.shape, dtype=bool)
    for axis in (0, 1):
        change = np.diff(sight.surface, axis=axis) != 0
        edge |= _either_side(change, axis)
        middle = np.moveaxis(nearness, axis, 0)
        bend = np.abs(middle[2:] - 2 * middle[1:-1] + middle[:-2]) > 0.06 * middle[1:-1] + 1e-9
        np.moveaxis(edge, axis, 0)[1:-1] |= bend
    grown = edge.copy()
    grown[1:] |= edge[:-1]
    grown[:-1] |= edge[1:]
    wide = grown.copy()
    wide[:, 1:] |= grown[:, :-1]
    wide[:, :-1] |= grown[:, 1:]
    return wide


def _either_side(change: Mask, axis: int) -> Mask:
    """Mark both pixels of each changed neighbour pair."""
    before = [(0, 0), (0, 0)]
    after = [(0, 0), (0, 0)]
    before[axis], after[axis] = (0, 1), (1, 0)
    return np.asarray(np.pad(change, before) | np.pad(change, after))
