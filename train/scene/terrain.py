"""The coast: one height map and one baked colour map, fine near the flight, coarse far off.

The grid is not uniform. Its cells grow with the distance from the flight path, about
one metre below the camera and tens of metres at the mountains, so that one map serves
the whole view and no detail exists where a pixel could not hold it.
"""

from dataclasses import dataclass

import numpy as np

from train.scene.noise import Field, Reals, bilinear, fractal, smoothstep


@dataclass(frozen=True)
class Axis:
    """A map coordinate whose cells grow away from a centre: metres = centre + a sinh(b i)."""

    centre: float
    scale: float
    rate: float
    offset: float
    values: Field

    def index(self, metres: Reals) -> Field:
        """Fractional index of a coordinate in metres."""
        place = np.arcsinh((metres - self.centre) / self.scale) / self.rate + self.offset
        return np.asarray(place, dtype=np.float32)

    def cell(self, metres: Reals) -> Field:
        """Cell size in metres at a coordinate."""
        size = np.hypot(metres - self.centre, self.scale) * self.rate
        return np.asarray(size, dtype=np.float32)


def axis(low: float, high: float, centre: float, count: int, scale: float) -> Axis:
    """Spread `count` cells over low..high, finest at `centre`, doubling about `scale` away."""
    ends = np.arcsinh((np.array([low, high]) - centre) / scale)
    rate = float(ends[1] - ends[0]) / (count - 1)
    values = centre + scale * np.sinh(np.linspace(ends[0], ends[1], count))
    return Axis(centre, scale, rate, float(-ends[0]) / rate, values.astype(np.float32))


def coastline(y: Field) -> Field:
    """Easting of the shore: a bay, a near headland for the lighthouse, two far capes."""
    bay = 95.0 + 38.0 * np.sin(y / 120.0 + 0.4) + 60.0 * smoothstep(420.0, 900.0, y)
    near = 215.0 * np.exp(-(((y - 585.0) / 75.0) ** 2))
    middle = 620.0 * np.exp(-(((y - 1750.0) / 260.0) ** 2))
    far = 1900.0 * np.exp(-(((y - 4600.0) / 900.0) ** 2))
    return np.asarray(bay - near - middle - far, dtype=np.float32)


@dataclass(frozen=True)
class Terrain:
    """The map.

    Attributes:
        rows: northing of the map's rows.
        columns: easting of its columns.
        height: (rows, columns) metres above the sea; negative is sea floor.
        inland: (rows, columns) signed distance-like measure from the shore, metres.
    """

    rows: Axis
    columns: Axis
    height: Field
    inland: Field

    @property
    def far(self) -> float:
        """How far north the map can be traced, metres."""
        return float(self.rows.values[-1]) - 300.0

    def height_at(self, x: Reals, y: Reals) -> Field:
        """Height in metres at map positions of any shape."""
        return bilinear(self.height, self.rows.index(y), self.columns.index(x))

    def inland_at(self, x: Reals, y: Reals) -> Field:
        """Signed distance from the shore, metres, at map positions of any shape."""
        return bilinear(self.inland, self.rows.index(y), self.columns.index(x))


def raise_terrain(rng: np.random.Generator, fineness: float) -> Terrain:
    """Build the height map: sea floor, beach, cliffs, hills, then mountains behind."""
    rows = axis(-60.0, 9000.0, 260.0, int(2048 * fineness), 330.0)
    columns = axis(-4200.0, 4200.0, 90.0, int(1792 * fineness), 260.0)
    y, x = rows.values[:, None], columns.values[None, :]
    inland = x - coastline(y) + 22.0 * fractal(rng, rows.values, columns.values, 170.0, 4, 0.5)
    island = 260.0 - np.hypot((x + 1250.0) * 0.7, y - 2900.0)
    inland = np.maximum(inland, island).astype(np.float32)
    rough = fractal(rng, rows.values, columns.values, 520.0, 6, 0.46)
    peaks = 1.0 - np.abs(fractal(rng, rows.values, columns.values, 2300.0, 7, 0.43))
    headland = np.exp(-(((y - 585.0) / 100.0) ** 2)) * smoothstep(200.0, 20.0, x)
    wild = smoothstep(900.0, 1500.0, y)
    shore = np.where(inland < 0, np.maximum(inland * 0.11, -30.0), np.minimum(inland * 0.07, 3.0))
    cliff = smoothstep(11.0, 29.0, inland + 9.0 * rough) * (26.0 * headland + 42.0 * wild)
    hills = (135.0 + 62.0 * rough) * smoothstep(30.0, 640.0, inland)
    ridge = np.maximum(peaks, 0.0) ** 2 * (0.8 + 0.35 * rough)
    mountains = 1500.0 * ridge * smoothstep(2300.0, 6200.0, y + 0.75 * x)
    mountains *= smoothstep(0.0, 1500.0, inland)
    rolling = 5.0 * rough * smoothstep(15.0, 90.0, inland)
    height = shore + cliff + hills + mountains + rolling
    return Terrain(rows, columns, height.astype(np.float32), inland)
