"""What stands on the coast: the village, the lighthouse, the woods, and their shadows."""

from dataclasses import dataclass

import numpy as np

from train.scene import models
from train.scene.ground import colour
from train.scene.mesh import Mesh, join
from train.scene.noise import Field, Reals, smoothstep
from train.scene.terrain import Terrain


@dataclass(frozen=True)
class Standing:
    """One thing fixed to the ground: where, and how big a shadow it throws."""

    mesh: Mesh
    x: float
    y: float
    tall: float
    wide: float


def scatter(rng: np.random.Generator, terrain: Terrain) -> list[Standing]:
    """Build the village, the lighthouse and the woods."""
    things = _village(rng, terrain)
    taken = np.array([(thing.x, thing.y) for thing in things])
    return things + _woods(rng, terrain, taken)


def _stand(
    terrain: Terrain, mesh: Mesh, x: float, y: float, heading: float, tall: float, wide: float
) -> Standing:
    ground = float(terrain.height_at(np.array([x]), np.array([y]))[0])
    return Standing(mesh.placed(np.array([x, y, ground - 0.2]), heading), x, y, tall, wide)


def _shore(terrain: Terrain, y: float, inland: float) -> float:
    """Easting at which the ground at northing `y` first lies `inland` from the shore."""
    xs = np.linspace(-260.0, 700.0, 961, dtype=np.float32)
    return float(xs[np.argmax(terrain.inland_at(xs, np.full_like(xs, y)) > inland)])


def _village(rng: np.random.Generator, terrain: Terrain) -> list[Standing]:
    tip_x = _shore(terrain, 585.0, 40.0)
    things = [_stand(terrain, models.lighthouse(), tip_x, 585.0, 0.3, 34.0, 6.0)]
    place = _shore(terrain, 330.0, 85.0)
    things.append(_stand(terrain, models.church(), place, 330.0, 0.5, 22.0, 9.0))
    walls = [
        colour(0.95, 0.90, 0.80),
        colour(0.93, 0.80, 0.62),
        colour(0.90, 0.72, 0.62),
        colour(0.78, 0.84, 0.86),
    ]
    roofs = [colour(0.76, 0.34, 0.20), colour(0.66, 0.26, 0.18), colour(0.82, 0.46, 0.26)]
    spots = [(things[0].x, things[0].y), (place, 330.0)]
    for _ in range(900):
        y = float(rng.uniform(150.0, 520.0))
        x = _shore(terrain, y, 18.0 + float(rng.gamma(2.0, 26.0)))
        gap = min(np.hypot(x - px, y - py) for px, py in spots)
        if gap < 14.0 or len(things) > 62:
            continue
        spots.append((x, y))
        mesh = models.house(
            walls[rng.integers(4)], roofs[rng.integers(3)], float(rng.uniform(8.0, 13.0))
        )
        heading = float(rng.choice([0.2, 0.2 + np.pi / 2]) + rng.normal() * 0.12)
        things.append(_stand(terrain, mesh, x, y, heading, 8.0, 8.0))
    return things


def _woods(rng: np.random.Generator, terrain: Terrain, taken: Reals) -> list[Standing]:
    kinds = [(models.conifer(), 9.0), (models.broadleaf(), 8.0), (models.cypress(), 11.0)]
    greens = [
        colour(0.22, 0.36, 0.20),
        colour(0.42, 0.50, 0.20),
        colour(0.24, 0.38, 0.22),
        colour(0.74, 0.52, 0.20),
        colour(0.55, 0.55, 0.22),
    ]
    count = 12000
    y = (60.0 + 1500.0 * rng.uniform(0.0, 1.0, count) ** 1.5).astype(np.float32)
    x = (rng.uniform(0.0, 1.0, count) ** 1.3 * (260.0 + 0.62 * y) - 60.0).astype(np.float32)
    inland, height = terrain.inland_at(x, y), terrain.height_at(x, y)
    grove = np.sin(x / 47.0 + 2.0 * np.sin(y / 80.0)) + np.sin(y / 39.0 + 1.3 * np.sin(x / 66.0))
    wanted = smoothstep(0.1, 1.0, grove.astype(np.float32)) * smoothstep(20.0, 60.0, inland)
    kept = (rng.uniform(size=count) < wanted + 0.03) & (inland > 16.0) & (height > 3.0)
    things = []
    for px, py in zip(x[kept].tolist(), y[kept].tolist(), strict=True):
        if np.hypot(taken[:, 0] - px, taken[:, 1] - py).min() < 9.0:
            continue
        kind = int(rng.choice(3, p=[0.45, 0.45, 0.10]))
        (trunk, crown), tall = kinds[kind]
        size = float(rng.uniform(0.7, 1.35))
        green = greens[0] if kind == 0 else greens[int(rng.integers(1, 5))]
        tint = green * rng.uniform(0.8, 1.2)
        mesh = join([trunk, crown.tinted(tint)]).scaled(size)
        things.append(
            _stand(terrain, mesh, px, py, float(rng.uniform(0, 6.28)), tall * size, 2.6 * size)
        )
    return things


def shadows(terrain: Terrain, things: list[Standing], sun: Reals) -> Field:
    """Light left on the ground by what stands on it: (rows, columns), 0.25..1."""
    light: Field = np.ones(terrain.height.shape, dtype=np.float32)
    rows = [(thing.x, thing.y, thing.tall, thing.wide) for thing in things]
    x, y, tall, wide = np.array(rows, dtype=np.float32).T
    length = tall * np.hypot(sun[0], sun[1]) / sun[2]
    toward = -sun[:2] / np.hypot(sun[0], sun[1])
    for along in np.linspace(-0.05, 1.0, 40).tolist():
        for across in np.linspace(-0.5, 0.5, 9).tolist():
            spread = across * wide * (1.0 - 0.5 * max(along, 0.0))
            px = x + toward[0] * along * length - toward[1] * spread
            py = y + toward[1] * along * length + toward[0] * spread
            row = np.clip(terrain.rows.index(py) + 0.5, 0, light.shape[0] - 1).astype(np.int64)
            column = np.clip(terrain.columns.index(px) + 0.5, 0, light.shape[1] - 1)
            light[row, column.astype(np.int64)] = 0.25
    for axis in (0, 1):
        blurred = np.roll(light, 1, axis) + 2 * light + np.roll(light, -1, axis)
        light = np.asarray(blurred / 4, dtype=np.float32)
    return light


def standing_mesh(things: list[Standing]) -> Mesh:
    """Everything fixed to the ground as one model."""
    return join([thing.mesh for thing in things])
