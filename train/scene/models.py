"""What stands, sails and flies: each model a function of a few colours, metres, z up."""

from itertools import pairwise

import numpy as np

from train.scene.ground import colour
from train.scene.mesh import Mesh, box, facets, gable, join, lathe
from train.scene.noise import Reals

WHITE = colour(0.94, 0.91, 0.86)
WOOD = colour(0.42, 0.27, 0.17)


def ball(radius: float, lift: float, paint: Reals, sides: int = 8, bands: int = 4) -> Mesh:
    """A squat ball whose underside is darker, as a tree's crown is."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, bands + 1)
    profile = [(float(radius * np.cos(a)), float(lift + radius * 0.9 * np.sin(a))) for a in angle]
    shade = np.linspace(0.6, 1.12, bands)[:, None, None]
    return lathe(profile, np.asarray(paint) * shade, sides)


def conifer() -> tuple[Mesh, Mesh]:
    """A fir of two skirts, 9 m high: the trunk, and a white crown to tint."""
    low, high = (np.full((1, 1, 3), tone) for tone in (0.85, 1.05))
    crown = [lathe([(2.5, 1.2), (0.9, 5.2)], low, 7), lathe([(1.9, 4.2), (0.0, 9.0)], high, 7)]
    return lathe([(0.3, 0.0), (0.3, 1.5)], WOOD[None, None], 4), join(crown)


def broadleaf() -> tuple[Mesh, Mesh]:
    """A round tree of three crowns, 8 m high: the trunk, and white crowns to tint."""
    crowns = [
        ball(2.9, 4.6, np.ones(3)),
        ball(2.0, 5.2, np.full(3, 1.1), 7, 3).placed(np.array([-1.7, 0.6, 0.6])),
        ball(1.9, 4.0, np.full(3, 0.9), 7, 3).placed(np.array([1.7, -0.7, 0.2])),
    ]
    return lathe([(0.35, 0.0), (0.3, 2.6)], WOOD[None, None], 4), join(crowns)


def cypress() -> tuple[Mesh, Mesh]:
    """A slender column, 11 m high: the trunk inside it, and a white crown to tint."""
    profile = [(0.3, 0.0), (1.15, 1.6), (1.25, 4.5), (0.8, 8.0), (0.0, 11.0)]
    trunk = lathe([(0.2, 0.0), (0.2, 1.6)], WOOD[None, None], 4)
    return trunk, lathe(profile, np.ones((1, 1, 3)), 7)


def house(wall: Reals, roof: Reals, length: float) -> Mesh:
    """A cottage 7 m wide with a pitched roof, windows and a chimney."""
    parts = [
        box((7.0, length, 8.0), wall, -3.5),
        gable((8.0, length + 0.9, 3.4), 4.4, roof, wall),
        box((0.9, 0.9, 3.2), roof * 0.7, 5.6).placed(np.array([1.4, length * 0.25, 0.0])),
    ]
    dark = colour(0.20, 0.20, 0.26)
    for y in np.arange(-length / 2 + 1.6, length / 2 - 1.0, 2.9):
        for side in (-1.0, 1.0):
            parts.append(_pane(side * 3.54, float(y), dark))
    for x in (-1.8, 1.8):
        front = -length / 2 - 0.04
        window = [
            (x - 0.5, front, 1.4),
            (x + 0.5, front, 1.4),
            (x + 0.5, front, 3.0),
            (x - 0.5, front, 3.0),
        ]
        parts.append(facets([window], dark))
    return join(parts)


def _pane(x: float, y: float, paint: Reals) -> Mesh:
    ends = (y + 0.5, y - 0.5) if x < 0 else (y - 0.5, y + 0.5)
    corners = [(x, ends[0], 1.4), (x, ends[1], 1.4), (x, ends[1], 3.0), (x, ends[0], 3.0)]
    return facets([corners], paint)


def church() -> Mesh:
    """A nave and a tower with a spire, 31 m high."""
    slate = colour(0.36, 0.42, 0.52)
    tower = join(
        [
            box((6.0, 6.0, 19.0), WHITE, -3.0),
            box((6.6, 6.6, 1.0), slate, 14.0),
            lathe([(4.4, 16.0), (0.0, 31.0)], slate[None, None], 4).placed(np.zeros(3), np.pi / 4),
        ]
    )
    nave = join(
        [
            box((10.0, 20.0, 12.0), WHITE, -4.0),
            gable((11.2, 21.0, 5.5), 8.0, colour(0.66, 0.30, 0.20), WHITE),
        ]
    )
    return join([nave, tower.placed(np.array([0.0, -12.0, 0.0]))])


def lighthouse() -> Mesh:
    """A banded tower with a lantern, 36 m high, and the keeper's house."""
    red = colour(0.80, 0.17, 0.13)
    bands = np.stack([WHITE, red, WHITE, red, WHITE])[:, None]
    edges = np.linspace(0.0, 27.0, 6)
    profile = [(float(4.3 - 1.7 * e / 27.0), float(e)) for e in edges]
    iron = colour(0.20, 0.22, 0.25)
    lamp = np.array([2.4, 1.9, 1.0])
    return join(
        [
            box((9.0, 9.0, 6.0), WHITE, -5.5),
            lathe(profile, bands, 16),
            lathe([(3.9, 27.0), (3.9, 28.2)], iron[None, None], 16),
            lathe([(0.0, 28.1), (3.9, 28.2)], iron[None, None], 16),
            lathe([(1.9, 28.2), (1.9, 31.2)], np.stack([lamp, iron * 2])[None], 12),
            lathe([(2.5, 31.2), (1.6, 33.4), (0.0, 35.0)], red[None, None], 12),
            house(WHITE, red, 11.0).placed(np.array([11.0, 6.0, 0.0])),
        ]
    )


def sailboat(hull: Reals, sail: Reals) -> Mesh:
    """A sloop 9 m long under main and jib; it sails towards +y."""
    deck, keel = 1.0, -0.5
    rim = [(0.0, 4.8), (1.15, 1.8), (1.4, -1.2), (1.0, -4.2)]
    sides = []
    for (x0, y0), (x1, y1) in pairwise(rim):
        quad = [(x1 * 0.7, y1, keel), (x0 * 0.7, y0, keel), (x0, y0, deck), (x1, y1, deck)]
        sides += [quad, [(-x, y, z) for x, y, z in reversed(quad)]]
    sides.append([(-0.7, -4.2, keel), (0.7, -4.2, keel), (1.0, -4.2, deck), (-1.0, -4.2, deck)])
    top = [(x, y, deck) for x, y in rim[::-1]] + [(-x, y, deck) for x, y in rim[1:]]
    main = [(0.0, 0.5, 2.2), (0.9, -4.0, 2.0), (0.35, -2.1, 6.5), (0.0, 0.4, 12.2)]
    jib = [(0.0, 4.6, 1.6), (0.8, 0.9, 1.9), (0.0, 0.5, 10.4)]
    cloth = join([_both_sides(main, sail), _both_sides(jib, np.asarray(sail) * 0.96)])
    mast = lathe([(0.09, 1.0), (0.06, 12.6)], WOOD[None, None], 5).placed(np.array([0.0, 0.5, 0.0]))
    foam = colour(0.50, 0.66, 0.72)
    wash = [(0.0, 5.2), (-1.4, 1.4), (-1.4, -4.4), (-0.3, -8.5)]
    outline = [(x, y, 0.05) for x, y in wash] + [(-x, y, 0.05) for x, y in wash[:0:-1]]
    trail = _both_sides(outline, foam)
    deck_wood = colour(0.66, 0.48, 0.32)
    return join([facets(sides, hull), facets([top], deck_wood), cloth, mast, trail])


def _both_sides(shape: list[tuple[float, float, float]], paint: Reals) -> Mesh:
    """Cloth: seen from both sides and, as light passes through it, lit the same on both."""
    cloth = join([facets([shape], paint), facets([shape[::-1]], paint)])
    upward = np.broadcast_to(np.array([0.0, 0.0, 1.0], np.float32), cloth.normals.shape)
    return Mesh(cloth.corners, upward, cloth.colours)


def balloon(stripes: Reals) -> Mesh:
    """A hot-air balloon 22 m across; stripes (n, 3) run from crown to mouth."""
    angle = np.linspace(-1.18, np.pi / 2, 15)
    radius = 11.0 * np.cos(angle) ** np.where(angle < 0, 0.8, 1.0)
    lift = np.where(angle < 0, 14.5, 11.0) * np.sin(angle)
    profile = [(float(r), float(z) + 24.0) for r, z in zip(radius, lift, strict=True)]
    around = np.repeat(np.asarray(stripes), 2, axis=0)
    skin = np.repeat(around[None], len(profile) - 1, axis=0)
    skin[9:11] = np.asarray(stripes)[0]
    basket = box((2.6, 2.6, 2.2), colour(0.50, 0.33, 0.18), 3.0)
    ropes = [
        lathe([(0.07, 0.0), (0.07, 6.0)], WOOD[None, None], 3).placed(np.array([x, y, 5.0]))
        for x in (-1.2, 1.2)
        for y in (-1.2, 1.2)
    ]
    return join([lathe(profile, skin, 24), basket, *ropes])


def gull() -> Mesh:
    """A gull gliding towards +y on bent wings, 1.6 m across."""
    grey, tip = colour(0.80, 0.80, 0.84), colour(0.25, 0.25, 0.30)
    wings = []
    for side in (-1.0, 1.0):
        inner = [
            (0.0, 0.22, 0.0),
            (side * 0.42, 0.30, 0.17),
            (side * 0.42, 0.0, 0.15),
            (0.0, -0.14, 0.0),
        ]
        outer = [(side * 0.42, 0.30, 0.17), (side * 0.95, 0.02, 0.08), (side * 0.42, 0.0, 0.15)]
        wings += [_both_sides(inner, grey), _both_sides(outer, tip)]
    profile = [(0.0, -0.5), (0.10, -0.2), (0.11, 0.1), (0.0, 0.5)]
    body = lathe(profile, WHITE[None, None], 6)
    along = Mesh(body.corners[..., [0, 2, 1]], body.normals[..., [0, 2, 1]], body.colours)
    return join([*wings, along])
