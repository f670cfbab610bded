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
    return _intersect(camera, s, rise, ground, first, up)


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
    camera: Camera, s: Field, rise: Field, ground: Field, first: NDArray[np.int64], up: Field
) -> Hits:
    columns = np.arange(len(rise))[:, None]
    after = np.clip(first, 1, len(s) - 1)
    before = after - 1
    low, high = rise[columns, before], rise[columns, after]
    slope = (high - low) / (s[after] - s[before])
    steep = np.maximum(slope - up, 1e-6)
    depth = np.clip(s[before] + (up * s[before] - low) / steep, s[before], s[after])
    part = (depth - s[before]) / (s[after] - s[before])
    wet = ground[columns, before] * (1 - part) + ground[columns, after] * part <= 0.0
    missed = first == len(s)
    # Where the last samples saw no land, the sea goes on to the horizon.
    open_sea = (missed | wet) & (up < -1e-5)
    flat = np.float32(camera.position[2]) / np.maximum(-up, np.float32(1e-5))
    depth = np.where(open_sea, np.broadcast_to(flat, depth.shape), depth)
    surface = np.where(open_sea, WATER, np.where(missed, SKY, LAND))
    depth = np.where(surface == SKY, np.inf, depth)
    steep = np.where(open_sea, np.maximum(-up, 1e-5), steep)
    stretch = np.where(missed & ~open_sea, 0.0, depth / (steep * camera.focal_px))
    return Hits(
        np.ascontiguousarray(depth.T, dtype=np.float32),
        np.ascontiguousarray(surface.T, dtype=np.int32),
        np.ascontiguousarray(stretch.T, dtype=np.float32),
    )
