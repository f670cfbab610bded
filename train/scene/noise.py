"""Smooth random fields: the one source of irregularity in the landscape.

Noise is a cubic B-spline over a random lattice: twice differentiable, so that slopes
have no creases and no stair-steps, and separable, so that a map costs eight
multiplications a cell however coarse the lattice is.
"""

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Reals = NDArray[np.floating]


def smoothstep(low: float, high: float, value: Reals) -> Field:
    """Rise from 0 at `low` to 1 at `high` with flat ends; `high` < `low` falls."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def mix(first: Reals, second: Reals, amount: Reals) -> Field:
    """Blend colours (..., 3) by a field (...) that is 0 for the first, 1 for the second."""
    return np.asarray(first + (second - first) * amount[..., None], dtype=np.float32)


def _spline_rows(lattice: Field, position: Field) -> Field:
    """Evaluate a periodic B-spline along the first axis: (n, m) -> (len(position), m)."""
    base = np.floor(position).astype(np.int64)
    t = (position - base).astype(np.float32)[:, None]
    weights = (
        (1 - t) ** 3,
        3 * t**3 - 6 * t**2 + 4,
        -3 * t**3 + 3 * t**2 + 3 * t + 1,
        t**3,
    )
    total = sum(w * lattice[(base + k) % len(lattice)] for k, w in enumerate(weights))
    return np.asarray(total / 6.0, dtype=np.float32)


def value_noise(rng: np.random.Generator, ys: Field, xs: Field, wavelength: float) -> Field:
    """One octave on the grid ys by xs.

    Args:
        rng: advances by one lattice.
        ys: (rows,), metres.
        xs: (columns,), metres.
        wavelength: lattice spacing, metres.

    Returns:
        (rows, columns), mean 0, deviation about 1/3.
    """
    rows = int(np.ceil(np.ptp(ys) / wavelength)) + 5
    columns = int(np.ceil(np.ptp(xs) / wavelength)) + 5
    lattice = rng.uniform(-1.0, 1.0, (rows, columns)).astype(np.float32)
    along_y = _spline_rows(lattice, (ys - ys.min()) / wavelength)
    return np.ascontiguousarray(_spline_rows(along_y.T, (xs - xs.min()) / wavelength).T)


def fractal(
    rng: np.random.Generator, ys: Field, xs: Field, wavelength: float, octaves: int, gain: float
) -> Field:
    """Sum octaves from `wavelength` down, each half as long and `gain` as strong.

    An octave fades out where the grid is too coarse to hold it, so a distant hillside
    has no detail that could alias.
    """
    total = np.zeros((len(ys), len(xs)), dtype=np.float32)
    for octave in range(octaves):
        length = wavelength / 2**octave
        held_y = smoothstep(0.6, 0.25, np.gradient(ys) / length)
        held_x = smoothstep(0.6, 0.25, np.gradient(xs) / length)
        wave = value_noise(rng, ys, xs, length)
        total += np.float32(2.0 * gain**octave) * wave * held_y[:, None] * held_x
    return total


def tile(rng: np.random.Generator, size: int, octaves: int, gain: float, cells: int = 8) -> Field:
    """Make a (size, size) fractal that repeats seamlessly; mean 0, deviation 1."""
    total = np.zeros((size, size), dtype=np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        position = np.arange(size, dtype=np.float32) * (count / size)
        lattice = rng.uniform(-1.0, 1.0, (count, count)).astype(np.float32)
        total += gain**octave * _spline_rows(_spline_rows(lattice, position).T, position).T
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)


def bilinear(grid: Field, rows: Reals, columns: Reals) -> Field:
    """Read (H, W) or (H, W, C) at fractional indices; beyond the border, the border."""
    height, width = grid.shape[:2]
    rows = np.clip(rows, 0, height - 1.001)
    columns = np.clip(columns, 0, width - 1.001)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    return _blend(grid, top * width + left, rows - top, columns - left, 1, width)


def wrapped(grid: Field, rows: Reals, columns: Reals) -> Field:
    """Read a seamless square tile (size a power of two) at fractional indices."""
    size = len(grid)
    top, left = np.floor(rows).astype(np.int32), np.floor(columns).astype(np.int32)
    y0, x0 = top & (size - 1), left & (size - 1)
    y1, x1 = (y0 + 1) & (size - 1), (x0 + 1) & (size - 1)
    flat = grid.ravel()
    down, right = rows - top, columns - left
    upper = flat[y0 * size + x0] * (1 - right) + flat[y0 * size + x1] * right
    lower = flat[y1 * size + x0] * (1 - right) + flat[y1 * size + x1] * right
    return np.asarray(upper + (lower - upper) * down, dtype=np.float32)


def _blend(
    grid: Field, base: NDArray[np.int32], down: Reals, right: Reals, dx: int, dy: int
) -> Field:
    flat = grid.reshape(-1, *grid.shape[2:])
    if grid.ndim == 3:
        down, right = down[..., None], right[..., None]
    upper = flat[base] + (flat[base + dx] - flat[base]) * right
    lower = flat[base + dy] + (flat[base + dx + dy] - flat[base + dy]) * right
    return np.asarray(upper + (lower - upper) * down, dtype=np.float32)
