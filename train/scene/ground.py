"""The land's colours, with the evening light baked in.

Light is baked into the map because it is then fixed to the ground: a point of the
landscape has one colour in every frame, which is what an exact flow needs to be
checked against pixels.
"""

from dataclasses import dataclass

import numpy as np

from train.scene.noise import Field, bilinear, fractal, mix, smoothstep, wrapped
from train.scene.terrain import Terrain

# The light comes from further left than the sun in the picture: true backlight would
# leave every slope that faces the camera black.
SUN = np.array([-0.90, 0.16, 0.405], dtype=np.float32)
SUNLIGHT = np.array([2.75, 1.70, 0.82], dtype=np.float32)
SKYLIGHT = np.array([0.27, 0.38, 0.62], dtype=np.float32)


def colour(red: float, green: float, blue: float) -> Field:
    """A linear-light colour from sRGB-like 0..1 values."""
    return (np.array([red, green, blue], dtype=np.float32) ** 2.2).astype(np.float32)


@dataclass(frozen=True)
class Ground:
    """Baked radiance at several finenesses (mip levels), and a tile of fine texture."""

    terrain: Terrain
    levels: list[Field]
    grain: Field

    def shade(self, x: Field, y: Field, spread: Field) -> Field:
        """Radiance (n, 3) at map positions (n,), averaged over `spread` metres."""
        rows, columns = self.terrain.rows.index(y), self.terrain.columns.index(x)
        cell = np.maximum(self.terrain.rows.cell(y), self.terrain.columns.cell(x))
        level = np.clip(np.log2(np.maximum(spread / cell, 1e-3)), 0, len(self.levels) - 1.001)
        result = np.empty((len(x), 3), dtype=np.float32)
        whole = level.astype(np.int32)
        for number in np.unique(whole):
            some = whole == number
            fine, coarse = (
                bilinear(self.levels[k], *_on_level(rows[some], columns[some], k))
                for k in (number, number + 1)
            )
            result[some] = mix(fine, coarse, level[some] - number)
        detail = wrapped(self.grain, x * 7.0, y * 7.0) * smoothstep(0.5, 0.12, spread)
        detail += wrapped(self.grain, x * 1.7, y * 1.7) * smoothstep(2.4, 0.6, spread)
        result *= (1.0 + 0.11 * np.clip(detail, -2.5, 2.5))[:, None]
        return result


def _on_level(rows: Field, columns: Field, level: int) -> tuple[Field, Field]:
    scale = 0.5**level
    return (rows + 0.5) * scale - 0.5, (columns + 0.5) * scale - 0.5


def _halve(image: Field) -> Field:
    image = image[: len(image) // 2 * 2, : image.shape[1] // 2 * 2]
    four = image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]
    return np.asarray(four / 4, dtype=np.float32)


def normals(terrain: Terrain) -> Field:
    """Unit normals (rows, columns, 3) of the height map."""
    dy, dx = np.gradient(terrain.height, terrain.rows.values, terrain.columns.values)
    length = np.sqrt(dx**2 + dy**2 + 1.0)
    return np.stack([-dx / length, -dy / length, 1.0 / length], axis=-1).astype(np.float32)


def sun_visible(terrain: Terrain) -> Field:
    """Soft shadow of the terrain on itself: (rows, columns), 0 in shadow, 1 in the sun."""
    rows, columns = terrain.rows.values[::2], terrain.columns.values[::2]
    y, x = np.meshgrid(rows, columns, indexing="ij")
    start = terrain.height[::2, ::2]
    clear = np.full_like(start, 1.0)
    for reach in np.geomspace(6.0, 1500.0, 22).astype(np.float32):
        beam = start + reach * SUN[2]
        blocked = terrain.height_at(x + reach * SUN[0], y + reach * SUN[1])
        clear = np.minimum(clear, 0.5 + (beam - blocked) / (0.10 * reach + 1.0))
    low, wide = np.arange(len(terrain.rows.values)), np.arange(len(terrain.columns.values))
    return bilinear(np.clip(clear, 0, 1), *np.meshgrid(low / 2, wide / 2, indexing="ij"))


def build_ground(rng: np.random.Generator, terrain: Terrain, grain: Field, shade: Field) -> Ground:
    """Colour and light the whole map.

    Args:
        rng: seeds the patches of vegetation.
        terrain: the height map.
        grain: a seamless noise tile.
        shade: (rows, columns), 0..1, light left by what stands on the ground.
    """
    normal = normals(terrain)
    albedo = _land_colour(rng, terrain, normal[..., 2], grain)
    lambert = np.maximum(normal @ SUN, 0.0) * sun_visible(terrain) * shade
    sky = (0.55 + 0.45 * normal[..., 2]) * (0.5 + 0.5 * shade)
    image = albedo * (lambert[..., None] * SUNLIGHT + sky[..., None] * SKYLIGHT)
    image = _sea_floor(terrain, image, grain)
    levels = [image]
    for _ in range(5):
        levels.append(_halve(levels[-1]))
    return Ground(terrain, levels, grain)


def _land_colour(rng: np.random.Generator, terrain: Terrain, upright: Field, grain: Field) -> Field:
    ys, xs = terrain.rows.values, terrain.columns.values
    y, x = np.meshgrid(ys, xs, indexing="ij")
    height, inland = terrain.height, terrain.inland
    patch = fractal(rng, ys, xs, 130.0, 6, 0.6)
    broad = fractal(rng, ys, xs, 420.0, 5, 0.5)
    grass = mix(colour(0.45, 0.52, 0.20), colour(0.72, 0.64, 0.30), smoothstep(-0.6, 0.9, patch))
    tufts = np.clip(wrapped(grain, x * 3.1, y * 3.1) + wrapped(grain, y * 0.9, x * 0.9), -2.5, 2.5)
    grass = grass * (1.0 + 0.13 * tufts)[..., None]
    forest = smoothstep(0.02, 0.22, broad + 0.45 * patch)
    land = mix(grass, colour(0.19, 0.31, 0.15), forest)
    fields, sown = _fields(rng, x, y)
    gentle = smoothstep(0.86, 0.92, upright) * smoothstep(60.0, 110.0, inland)
    open_land = smoothstep(0.60, 0.40, broad + 0.25 * patch)
    farmed = gentle * open_land * smoothstep(240.0, 190.0, height)
    land = mix(land, fields, farmed * sown)
    crown = np.clip(wrapped(grain, x * 5.0, y * 5.0), -2.0, 2.0) * forest
    land = land * (1.0 + 0.22 * crown)[..., None]
    layers = 0.3 * np.sin(height * 0.45 + 4.0 * patch) + 0.4 * wrapped(grain, x * 2.6, y * 2.6)
    rock = mix(
        colour(0.56, 0.47, 0.38), colour(0.78, 0.66, 0.50), np.clip(0.5 + 0.5 * layers, 0, 1)
    )
    bare = smoothstep(0.66, 0.52, upright + 0.04 * patch)
    high = smoothstep(330.0, 480.0, height + 60.0 * patch)
    land = mix(land, rock, np.maximum(bare, 0.75 * high))
    snow = smoothstep(430.0, 520.0, height + 70.0 * patch) * smoothstep(0.45, 0.68, upright)
    land = mix(land, colour(0.95, 0.95, 0.97), snow)
    sand = smoothstep(4.8, 3.3, height + 0.4 * patch)
    return mix(land, colour(0.88, 0.77, 0.56), sand)


def _fields(rng: np.random.Generator, x: Field, y: Field) -> tuple[Field, Field]:
    """A patchwork of strips: colours (rows, columns, 3), and 0 on the hedges between."""
    turn = 0.35
    bend = 9.0 * np.sin(x / 90.0) + 7.0 * np.sin(y / 70.0)
    u = (x * np.cos(turn) + y * np.sin(turn) + bend) / 62.0
    v = (y * np.cos(turn) - x * np.sin(turn) + bend) / 44.0
    crops = np.stack(
        [
            colour(0.86, 0.72, 0.34),
            colour(0.55, 0.62, 0.24),
            colour(0.60, 0.44, 0.66),
            colour(0.74, 0.56, 0.34),
            colour(0.40, 0.55, 0.24),
            colour(0.93, 0.83, 0.40),
            colour(0.50, 0.38, 0.28),
        ]
    )
    chosen = rng.integers(0, len(crops), 4096)
    cell = (np.floor(u).astype(np.int64) * 73 + np.floor(v).astype(np.int64) * 151) & 4095
    furrows = 0.88 + 0.12 * np.sin(v * (44.0 * 2 * np.pi / 5.5))
    edge = np.minimum(np.abs(u % 1.0 - 0.5) * 62.0, 99.0)
    across = np.abs(v % 1.0 - 0.5) * 44.0
    hedge = smoothstep(31.0, 29.6, edge) * smoothstep(22.0, 20.6, across)
    return (crops[chosen[cell]] * furrows[..., None]).astype(np.float32), hedge


def _sea_floor(terrain: Terrain, image: Field, grain: Field) -> Field:
    """Replace what lies under water by the colour of the water above it, with surf."""
    y, x = np.meshgrid(terrain.rows.values, terrain.columns.values, indexing="ij")
    depth = np.maximum(-terrain.height, 0.0)
    shallow = np.exp(-depth / 2.6)
    water = mix(colour(0.03, 0.25, 0.36), colour(0.22, 0.66, 0.64), shallow)
    water = mix(water, image * 0.8, np.exp(-depth / 0.35) * 0.8)
    ragged = wrapped(grain, x * 2.2, y * 2.2)
    lines = np.sin(terrain.inland * 0.55 + 1.2 * wrapped(grain, x * 0.5, y * 0.5))
    near = smoothstep(2.2, 0.3, depth) * smoothstep(0.25, 0.95, lines + 0.2 * ragged)
    foam = np.clip(near + smoothstep(0.28, 0.02, depth + 0.1 * ragged), 0.0, 0.9)
    water = mix(water, np.array([1.15, 1.02, 0.90], dtype=np.float32), foam.astype(np.float32))
    return np.where(terrain.height[..., None] <= 0.0, water, image)
