"""What moves: boats, balloons and gulls, each rigid, so that its flow is exact."""

from dataclasses import dataclass

import numpy as np

from train.scene import models
from train.scene.ground import colour
from train.scene.mesh import Mesh, turn_about_z
from train.scene.noise import Reals

BOB_S = 3.3


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

    def pose(self, time_s: float) -> tuple[Reals, Reals]:
        """Rotation (3, 3) and position (3,) at a time."""
        place = np.array(self.start) + time_s * np.array(self.velocity)
        place[2] += self.bob_m * np.sin(2 * np.pi * time_s / BOB_S + self.start[0])
        return turn_about_z(self.heading_rad + self.turn_rad_s * time_s), place


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
