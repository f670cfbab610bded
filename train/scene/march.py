"""Trace a height field column by column.

In an upright camera one image column looks along one line on the map. The terrain's
slope as seen from the camera, its running maximum along that line, says for each row
where the ray first meets the ground: no marching per pixel, and exact occlusion.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.scene.camera import Camera
from train.scene.noise import Field
from train.scene.terrain import Terrain

SKY, WATER, LAND, PROPS, BODIES = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class Hits:
    """What each pixel's ray meets first.

    Attributes:
        depth: (H, W) float32, metres along the forward axis; inf is sky.
        surface: (H, W) int32: SKY, WATER, LAND, PROPS, or BODIES + the body's number.
        stretch: (H, W) float32, metres of ground along the ray that one pixel covers.
    """

    depth: Field
    surface: NDArray[np.int32]
    stretch: Field


def _distances(far: float) -> Field:
    """Growing steps: about one map cell near the camera, at most 1/200 of the distance."""
    count = int(np.log(far / 14.0) / 0.0062)
    return np.geomspace(14.0, far, count).astype(np.float32)


def march(terrain: Terrain, camera: Camera) -> Hits:
    """Find the ground, the water or the sky behind every pixel centre."""
    across, up = camera.columns(), camera.rows()
    sine, cosine = camera.forward
    s = _distances(terrain.far)
    x = camera.position[0] + s * (sine + across[:, None] * cosine)
    y = camera.position[1] + s * (cosine - across[:, None] * sine)
    ground = terrain.height_at(x.astype(np.float32), y.astype(np.float32))
    rise = np.maximum(ground, 0.0) - np.float32(camera.position[2])
    crest = np.maximum.accumulate(rise / s, axis=1)
    first = _first_sample(crest, up)
    return _intersect(terrain, camera, s, ground, first)


def _first_sample(crest: Field, up: Field) -> NDArray[np.int64]:
    """Index (W, H) of the first sample at or above each row's ray; the count means none."""
    columns, samples = crest.shape
    height = len(up)
    step = up[0] - up[1] if height > 1 else np.float32(1.0)
    covered = np.floor((crest - up[-1]) / step).astype(np.int64) + 1
    covered = np.clip(covered, 0, height)
    counts = np.diff(covered, axis=1, prepend=0, append=height)
    index = np.broadcast_to(np.arange(samples + 1), (columns, samples + 1))
    return np.repeat(index.ravel(), counts.ravel()).reshape(columns, height)[:, ::-1]


def _intersect(
    terrain: Terrain,
    camera: Camera,
    s: Field,
    ground: Field,
    first: NDArray[np.int64],
) -> Hits:
    """Meet each ray with the surface between the two samples around its first crossing."""
    up = camera.rows()
    columns = np.arange(len(ground))[:, None]
    after = np.clip(first, 1, len(s) - 1)
    near, far = s[after - 1], s[after]
    low, high = ground[columns, after - 1], ground[columns, after]
    eye = np.float32(camera.position[2])
    under = np.maximum(low, 0) - eye - up * near
    over = np.maximum(high, 0) - eye - up * far
    part = np.clip(under / np.minimum(under - over, -1e-6), 0, 1)
    missed = first == len(s)
    wet = low + (high - low) * part <= 0
    # Where the last samples saw no land, the sea goes on to the horizon.
    sea = (missed | wet) & (up < -1e-5)
    surface = np.where(sea, WATER, np.where(missed, SKY, LAND))
    fall = np.broadcast_to(np.maximum(-up, np.float32(1e-5)), part.shape)
    depth = np.where(sea, eye / fall, np.where(missed, np.inf, near + (far - near) * part))
    steep = np.where(sea, fall, np.maximum((over - under) / (far - near), 1e-6))
    stretch = np.where(np.isinf(depth), 0, depth / (steep * camera.focal_px))
    land = np.nonzero(surface == LAND)
    bracket = near[land], far[land], under[land], over[land]
    depth[land] = _refine(terrain, camera, land, bracket, depth[land])
    return Hits(
        np.ascontiguousarray(depth.T, dtype=np.float32),
        np.ascontiguousarray(surface.T, dtype=np.int32),
        np.ascontiguousarray(stretch.T, dtype=np.float32),
    )


def _refine(
    terrain: Terrain,
    camera: Camera,
    land: tuple[NDArray[np.int64], ...],
    bracket: tuple[Field, ...],
    depth: Field,
) -> Field:
    """Close in on the map itself: a cliff narrower than a step would show the steps.

    Args:
        terrain: the map.
        camera: the eye.
        land: columns and rows of the n pixels.
        bracket: near and far depth and the ground's height over the ray at each, (n,).
        depth: (n,), the first guess.
    """
    near, far, under, over = bracket
    sine, cosine = camera.forward
    across, up = camera.columns()[land[0]], camera.rows()[land[1]]
    east, north = sine + across * cosine, cosine - across * sine
    for _ in range(3):
        x = camera.position[0] + depth * east
        y = camera.position[1] + depth * north
        gap = terrain.height_at(x, y) - np.float32(camera.position[2]) - up * depth
        short = gap < 0
        near, under = np.where(short, depth, near), np.where(short, gap, under)
        far, over = np.where(short, far, depth), np.where(short, over, gap)
        part = np.clip(under / np.minimum(under - over, -1e-6), 0.05, 0.95)
        depth = near + (far - near) * part
    return depth
