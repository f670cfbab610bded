"""The sea's surface: sky mirrored on waves that stay where they are.

The waves do not travel, and what they mirror is drawn as seen from one fixed point: a
patch of water then keeps its brightness while the camera comes nearer, and its flow can
be checked against pixels as the land's can. Only the sun's path follows the camera; it
is left out of what is valid.
"""

import numpy as np
from numpy.typing import NDArray

from train.scene.noise import Field, smoothstep, wrapped
from train.scene.sky import SUN_AZIMUTH, air

# Texels per metre of copies of one tile, their strength, and their shortest wave in metres.
WAVES = ((1.0, 0.25, 45.0), (10.0, 0.50, 5.0), (26.0, 0.65, 1.8), (64.0, 0.60, 0.8))
EYE = (0.0, -60.0, 125.0)  # behind the flight's start, so that it suits all of it
GLITTER = np.array([1.9, 1.02, 0.36], dtype=np.float32)


def sun_path(ray: Field) -> Field:
    """Share (...) of the sun's reflection seen along rays (..., 3): 1 in its middle."""
    down = -ray[..., 2] / np.hypot(ray[..., 0], ray[..., 1])
    aside = (np.arctan2(ray[..., 0], ray[..., 1]) - SUN_AZIMUTH) / (0.045 + 0.20 * down)
    return np.asarray(np.exp(-0.5 * aside**2) * smoothstep(0.62, 0.0, down), dtype=np.float32)


def glitters(ray: Field) -> NDArray[np.bool_]:
    """Where (...) water changes its brightness with the view by more than a trace."""
    return np.asarray(sun_path(ray) > 0.008)


def shade_water(grain: Field, body: Field, x: Field, y: Field, stretch: Field, ray: Field) -> Field:
    """Radiance (n, 3) of the sea.

    Args:
        grain: a seamless noise tile.
        body: (n, 3), light from under the surface, foam included.
        x: (n,) easting, metres.
        y: (n,) northing, metres.
        stretch: (n,) metres of sea along the ray in one sample.
        ray: (n, 3) direction of view.
    """
    waves = _waves(grain, x, y, stretch)
    ahead = np.maximum(np.hypot(x - EYE[0], y - EYE[1]), 1.0)
    down = EYE[2] / ahead
    azimuth = np.arctan2(x - EYE[0], np.maximum(y - EYE[1], 1.0))
    sky = air(azimuth, np.clip(down * 0.8 + 0.08 + 0.05 * waves, 0.01, 1.0))
    fresnel = 0.03 + 0.80 * np.clip(0.93 - down + 0.035 * waves, 0.0, 1.0) ** 5
    mixed = body * (1.0 + 0.10 * waves)[:, None]
    mixed = mixed + (sky - mixed) * np.clip(fresnel, 0.0, 1.0)[:, None]
    sparkle = sun_path(ray) * (0.15 + 1.05 * smoothstep(-0.3, 2.0, waves))
    return np.asarray(mixed + sparkle[:, None] * GLITTER, dtype=np.float32)


def _waves(grain: Field, x: Field, y: Field, stretch: Field) -> Field:
    """Wave slope (n,), about -2..2; waves shorter than a sample are left out."""
    total = np.zeros_like(x)
    for number, (rate, strength, finest) in enumerate(WAVES):
        slant = 0.35 * number - 0.4
        u, v = x * np.cos(slant) - y * np.sin(slant), x * np.sin(slant) + y * np.cos(slant)
        shown = strength * smoothstep(finest, finest * 0.15, stretch)
        total += shown * wrapped(grain, v * (rate * 1.4), u * (rate * 0.6))
    return total
