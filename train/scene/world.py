"""Who stands where, and how the moving ones move."""

from dataclasses import dataclass

import numpy as np

from train.scene import models
from train.scene.ground import colour
from train.scene.mesh import Array, Mesh, join, turn_about_z
from train.scene.noise import Field, smoothstep
from train.scene.terrain import Terrain


@dataclass(frozen=True)
class Body:
    """A rigid moving thing.

    Attributes:
        mesh: in its own coordinates.
        start: position at time 0, metres.
        velocity: metres per second.
        heading_rad: at time 0.
        turn_rad_s: how fast it turns about its own vertical axis.
        bob_m: how far it rises and falls, every `BOB_S` seconds.
    """

    mesh: Mesh
    start: tuple[float, float, float]
    velocity: tuple[float, float, float]
    heading_rad: float
    turn_rad_s: float
    bob_m: float

    def pose(self, time_s: float) -> tuple[Array, Array]:
        """Rotation (3, 3) and position (3,) at a time."""
        place = np.array(self.start) + time_s * np.array(self.velocity)
        place[2] += self.bob_m * np.sin(2 * np.pi * time_s / BOB_S + self.start[0])
        return turn_about_z(self.heading_rad + self.turn_rad_s * time_s), place


BOB_S = 3.3


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
    ground = float(terrain.height_at(np.float32([x]), np.float32([y]))[0])
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


def _woods(rng: np.random.Generator, terrain: Terrain, taken: Array) -> list[Standing]:
    kinds = [(models.conifer, 9.0), (models.broadleaf, 8.0), (models.cypress, 11.0)]
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
        make, tall = kinds[kind]
        size = float(rng.uniform(0.7, 1.35))
        green = greens[0] if kind == 0 else greens[int(rng.integers(1, 5))]
        tint = green * rng.uniform(0.8, 1.2)
        mesh = make(tint).scaled(size)
        things.append(
            _stand(terrain, mesh, px, py, float(rng.uniform(0, 6.28)), tall * size, 2.6 * size)
        )
    return things


def shadows(terrain: Terrain, things: list[Standing], sun: Array) -> Field:
    """Light left on the ground by what stands on it: (rows, columns), 0.25..1."""
    light = np.ones(terrain.height.shape, dtype=np.float32)
    x, y, tall, wide = np.array([(t.x, t.y, t.tall, t.wide) for t in things], np.float32).T
    length = tall * np.hypot(sun[0], sun[1]) / sun[2]
    toward = -sun[:2] / np.hypot(sun[0], sun[1])
    for along in np.linspace(-0.05, 1.0, 40, dtype=np.float32):
        for across in np.linspace(-0.5, 0.5, 9, dtype=np.float32):
            spread = across * wide * (1.0 - 0.5 * max(along, 0.0))
            px = x + toward[0] * along * length - toward[1] * spread
            py = y + toward[1] * along * length + toward[0] * spread
            row = np.clip(terrain.rows.index(py) + 0.5, 0, light.shape[0] - 1).astype(np.int64)
            column = np.clip(terrain.columns.index(px) + 0.5, 0, light.shape[1] - 1)
            light[row, column.astype(np.int64)] = 0.25
    for axis in (0, 1):
        light = (np.roll(light, 1, axis) + 2 * light + np.roll(light, -1, axis)) / 4
    return light


def standing_mesh(things: list[Standing]) -> Mesh:
    """Everything fixed to the ground as one model."""
    return join([thing.mesh for thing in things])


def bodies(rng: np.random.Generator) -> list[Body]:
    """Boats in the bay, balloons over the coast, gulls ahead of the camera."""
    return _boats(rng) + _balloons(rng) + _gulls(rng)


def _boats(rng: np.random.Generator) -> list[Body]:
    sails = [
        colour(0.98, 0.95, 0.88),
        colour(0.84, 0.30, 0.18),
        colour(0.97, 0.84, 0.52),
        colour(0.98, 0.95, 0.90),
        colour(0.36, 0.54, 0.62),
    ]
    hulls = [colour(0.16, 0.24, 0.40), WHITE_HULL, colour(0.56, 0.18, 0.14)]
    spots = [
        (-30, 150),
        (14, 235),
        (-92, 300),
        (-44, 420),
        (-190, 470),
        (-150, 760),
        (-330, 900),
        (-520, 1250),
        (-75, 960),
    ]
    fleet = []
    for k, (x, y) in enumerate(spots):
        heading = float(rng.uniform(-0.9, 0.9) + (np.pi if k % 3 == 1 else 0.0))
        speed = float(rng.uniform(2.0, 4.0))
        mesh = models.sailboat(hulls[k % 3], sails[k % 5]).scaled(1.0 + 0.25 * (k % 2))
        velocity = (speed * np.sin(heading), speed * np.cos(heading), 0.0)
        fleet.append(Body(mesh, (x, y, 0.0), velocity, heading, 0.01, 0.12))
    return fleet


WHITE_HULL = colour(0.94, 0.92, 0.88)


def _balloons(rng: np.random.Generator) -> list[Body]:
    red, gold, cream = colour(0.84, 0.20, 0.15), colour(0.98, 0.74, 0.22), colour(0.97, 0.92, 0.80)
    blue, green, plum = colour(0.16, 0.34, 0.60), colour(0.20, 0.50, 0.46), colour(0.50, 0.22, 0.45)
    skins = [(red, cream), (blue, gold), (gold, red, cream), (green, cream, gold), (plum, gold)]
    spots = [(62, 330, 88), (-55, 520, 122), (205, 640, 165), (20, 900, 175), (-260, 1050, 150)]
    drifts = rng.uniform([-1.2, -2.0, 0.1], [1.2, 1.0, 0.9], (5, 3))
    return [
        Body(
            models.balloon(np.stack(skin)),
            spot,
            (float(d[0]), float(d[1]), float(d[2])),
            0.4 * k,
            0.05,
            0.0,
        )
        for k, (skin, spot, d) in enumerate(zip(skins, spots, drifts, strict=True))
    ]


def _gulls(rng: np.random.Generator) -> list[Body]:
    flock = []
    for _ in range(7):
        start = (float(rng.uniform(-34, 8)), float(rng.uniform(34, 78)), float(rng.uniform(58, 75)))
        velocity = (
            float(rng.normal() * 0.8),
            22.0 + float(rng.normal()),
            float(rng.normal() * 0.2),
        )
        heading = float(np.arctan2(velocity[0], velocity[1]) + rng.normal() * 0.3)
        flock.append(Body(models.gull().scaled(1.5), start, velocity, heading, 0.0, 0.5))
    return flock
