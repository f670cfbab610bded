"""Draw triangles into a depth buffer, all of them at once.

Every triangle's bounding box becomes a run in one long list of fragments; numpy then
tests, orders and writes the whole list, so there is no loop over triangles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.scene.camera import Camera
from train.scene.noise import Field


@dataclass(frozen=True)
class Fragments:
    """The visible fragments of a set of triangles.

    Attributes:
        pixels: (n,) flat pixel indices, each at most once.
        depth: (n,) float32, metres.
        triangle: (n,) index of the triangle.
        weights: (n, 3) float32, share of each corner.
    """

    pixels: NDArray[np.int64]
    depth: Field
    triangle: NDArray[np.int64]
    weights: Field


def rasterise(camera: Camera, corners: Field, behind: Field) -> Fragments:
    """Find where triangles are the nearest thing.

    Args:
        camera: projects; triangles that reach behind it or nearer than 1 m are left out.
        corners: (T, 3, 3), world metres.
        behind: (H, W), depth already drawn, metres; inf where there is nothing.
    """
    column, row, depth = camera.project(corners)
    low_x, high_x = np.ceil(column.min(1)), np.floor(column.max(1))
    low_y, high_y = np.ceil(row.min(1)), np.floor(row.max(1))
    kept = (depth.min(1) > 1.0) & (high_x >= 0) & (high_y >= 0)
    kept &= (low_x < camera.width) & (low_y < camera.height)
    kept &= (low_x <= high_x) & (low_y <= high_y)
    chosen = np.flatnonzero(kept)
    column, row, inverse = column[chosen], row[chosen], 1.0 / depth[chosen]
    left = np.maximum(low_x[chosen], 0).astype(np.int64)
    top = np.maximum(low_y[chosen], 0).astype(np.int64)
    wide = np.minimum(high_x[chosen], camera.width - 1).astype(np.int64) - left + 1
    tall = np.minimum(high_y[chosen], camera.height - 1).astype(np.int64) - top + 1
    triangle, offset = _runs(wide * tall)
    x = left[triangle] + offset % wide[triangle]
    y = top[triangle] + offset // wide[triangle]
    weights, inside = _barycentric(column, row, triangle, x, y)
    x, y, triangle, weights = x[inside], y[inside], triangle[inside], weights[inside]
    nearness = (weights * inverse[triangle]).sum(1)
    return _nearest(camera, y * camera.width + x, nearness, chosen[triangle], weights, behind)


def _runs(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the members of runs: which run, and the place in it."""
    which = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return which, np.arange(len(which)) - starts[which]


def _barycentric(
    column: Field,
    row: Field,
    triangle: NDArray[np.int64],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
) -> tuple[Field, NDArray[np.bool_]]:
    x0, x1, x2 = column.T
    y0, y1, y2 = row.T
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    area = np.where(np.abs(area) < 1e-9, np.inf, area)
    dx, dy = x - x0[triangle], y - y0[triangle]
    second = (dx * (y2 - y0)[triangle] - dy * (x2 - x0)[triangle]) / area[triangle]
    third = (dy * (x1 - x0)[triangle] - dx * (y1 - y0)[triangle]) / area[triangle]
    first = 1.0 - second - third
    inside = (first >= 0) & (second >= 0) & (third >= 0) & np.isfinite(area)[triangle]
    return np.stack([first, second, third], axis=1), inside


def _nearest(
    camera: Camera,
    pixel: NDArray[np.int64],
    nearness: Field,
    triangle: NDArray[np.int64],
    weights: Field,
    behind: Field,
) -> Fragments:
    best = 1.0 / behind.ravel().astype(np.float64)
    np.maximum.at(best, pixel, nearness)
    won = np.flatnonzero(nearness == best[pixel])
    # Two triangles that share an edge tie on it: the first one keeps the pixel.
    pixels, first = np.unique(pixel[won], return_index=True)
    won = won[first]
    return Fragments(
        pixels,
        (1.0 / nearness[won]).astype(np.float32),
        triangle[won],
        weights[won].astype(np.float32),
    )
