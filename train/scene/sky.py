"""The sky: a picture at infinity, painted once on a cylinder around the camera.

Clouds have no parallax here. At the flight's 24 m/s a cloud 5 km away would move a
tenth of a pixel a frame, and a sky at infinity has exact flow by rotation alone.
"""

from dataclasses import dataclass

import numpy as np

from train.scene.ground import colour
from train.scene.noise import Field, bilinear, mix, smoothstep, wrapped

HALF_WIDTH = 1.05  # radians of azimuth each side of north
TOP = 0.85  # highest tangent of elevation painted
BOTTOM = -0.10
SUN_AZIMUTH = -0.36
SUN_RISE = 0.135  # tangent of its elevation


@dataclass(frozen=True)
class Sky:
    """A painted panorama; `picture` is (rows, columns, 3), linear light."""

    picture: Field

    def shade(self, azimuth: Field, rise: Field) -> Field:
        """Radiance (n, 3) towards an azimuth (radians) and tangent of elevation."""
        rows, columns = self.picture.shape[:2]
        return bilinear(
            self.picture,
            (TOP - rise) * ((rows - 1) / (TOP - BOTTOM)),
            (azimuth + HALF_WIDTH) * ((columns - 1) / (2 * HALF_WIDTH)),
        )


def air(azimuth: Field, rise: Field) -> Field:
    """Clear sky radiance (..., 3): teal above, peach near the horizon, gold at the sun."""
    up = np.clip(rise, 0.0, 1.0)
    zenith, middle = colour(0.13, 0.34, 0.62), colour(0.46, 0.67, 0.80)
    horizon = colour(0.98, 0.74, 0.56)
    sky = mix(middle, zenith, smoothstep(0.12, 0.85, up))
    sky = mix(horizon, sky, smoothstep(-0.02, 0.26, up))
    distance = np.hypot(azimuth - SUN_AZIMUTH, (rise - SUN_RISE) * 1.25)
    glow = np.exp(-distance / 0.30)[..., None] * np.array([0.95, 0.42, 0.08], dtype=np.float32)
    halo = np.exp(-((distance / 0.085) ** 2))[..., None] * np.array([1.5, 1.1, 0.6])
    return np.asarray(sky + glow + halo, dtype=np.float32)


def paint_sky(rng: np.random.Generator, grain: Field, fineness: float) -> Sky:
    """Paint air, sun, high streaks and heaped clouds."""
    rows, columns = int(1000 * fineness), int(2200 * fineness)
    azimuth, rise = np.meshgrid(
        np.linspace(-HALF_WIDTH, HALF_WIDTH, columns, dtype=np.float32),
        np.linspace(TOP, BOTTOM, rows, dtype=np.float32),
    )
    picture = air(azimuth, rise)
    distance = np.hypot(azimuth - SUN_AZIMUTH, rise - SUN_RISE)
    disc = smoothstep(0.030, 0.025, distance)[..., None]
    picture = picture + disc * np.array([6.0, 4.6, 2.6], dtype=np.float32)
    _streaks(picture, azimuth, rise, grain)
    _heaps(rng, picture, azimuth, rise, grain)
    return Sky(np.ascontiguousarray(picture, dtype=np.float32))


def _streaks(picture: Field, azimuth: Field, rise: Field, grain: Field) -> None:
    """Add thin high cloud, drawn out along the horizon by perspective."""
    far = 1.0 / (np.maximum(rise, 0.0) + 0.12)
    x, y = azimuth * far * 36.0, far * 60.0 + azimuth * far * 22.0
    veil = wrapped(grain, y, x * 0.9) + 0.6 * wrapped(grain, y * 2.3 + 40, x * 2.1)
    amount = smoothstep(0.1, 2.2, veil) * smoothstep(0.16, 0.42, rise) * 0.75
    lit = colour(1.0, 0.90, 0.80) * 1.1
    picture[:] = mix(picture, lit, amount)


def _heaps(
    rng: np.random.Generator, picture: Field, azimuth: Field, rise: Field, grain: Field
) -> None:
    """Pile up cumulus clouds, far ones first, each a heap of lit spheres."""
    count = 17
    bases = np.sort(rng.uniform(0.075, 0.40, count))
    spots = (np.arange(count) * 0.618034 + rng.uniform()) % 1.0
    for base, spot in zip(bases, spots, strict=True):
        centre = (spot * 2.0 - 1.0) * 0.98 * HALF_WIDTH
        size = 0.05 + 0.28 * base * rng.uniform(0.6, 1.2)
        left, right = np.searchsorted(azimuth[0], [centre - 2.4 * size, centre + 2.4 * size])
        top, bottom = np.searchsorted(-rise[:, 0], [-(base + 1.5 * size), -(base - 0.4 * size)])
        part = (slice(int(top), int(bottom)), slice(int(left), int(right)))
        if picture[part].size:
            picture[part] = _heap(
                rng, picture[part], azimuth[part] - centre, rise[part] - base, size, centre, grain
            )


def _heap(
    rng: np.random.Generator,
    back: Field,
    x: Field,
    y: Field,
    size: float,
    centre: float,
    grain: Field,
) -> Field:
    """One cloud of angular half-width 1.6 `size` with a flat base at y = 0."""
    x, y = x / size, y / size
    shift = rng.uniform(0, 512, 2)
    rough = wrapped(grain, y * 70.0 + shift[0], x * 70.0 + shift[1])
    swelling = np.full(x.shape, 1e-9, dtype=np.float32)
    for _ in range(30):
        px = rng.normal() * 0.62
        py = rng.uniform(0.0, 0.80) * np.exp(-px * px * 1.1)
        radius = rng.uniform(0.22, 0.46) * (1.05 - 0.35 * min(abs(px), 2.0))
        swelling += np.exp(9.0 * radius * (1.0 - ((x - px) ** 2 + (y - py) ** 2) / radius**2))
    bulge = np.log(swelling) / 9.0 + 0.085 * rough
    slope_y, slope_x = np.gradient(bulge, y[:, 0], x[0])
    side = np.clip((centre - SUN_AZIMUTH) * 4.0, -1.0, 1.0)
    steepness = np.sqrt(1.0 + 0.2 * (slope_x**2 + slope_y**2))
    facing = (0.26 * side * slope_x - 0.20 * slope_y) / steepness
    light = np.clip(0.42 + facing + 0.30 * y, 0.0, 1.1).astype(np.float32)
    cover = smoothstep(-0.02, 0.20, bulge) * smoothstep(-0.12, 0.12, y + 0.06 * rough)
    dark, pale = colour(0.52, 0.53, 0.68), colour(1.0, 0.85, 0.69) * 1.25
    lit = mix(dark, pale, smoothstep(0.05, 0.95, light))
    rim = smoothstep(0.30, 0.02, bulge) * np.exp(-abs(centre - SUN_AZIMUTH) / 0.35)
    lit = lit + rim[..., None] * np.array([0.9, 0.55, 0.22], dtype=np.float32)
    return mix(back, lit, (cover * 0.95).astype(np.float32))
