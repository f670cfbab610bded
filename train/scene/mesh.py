"""Triangle models, as an unshared list of triangles with a colour each.

Unshared corners keep everything a plain array: models are joined by concatenation,
and a sharp edge is simply two triangles with different normals.
"""

from dataclasses import dataclass

import numpy as np

from train.scene.noise import Field, Reals


@dataclass(frozen=True)
class Mesh:
    """Triangles.

    Attributes:
        corners: (T, 3, 3) float32, metres.
        normals: (T, 3, 3) float32, unit, pointing out.
        colours: (T, 3) float32, linear albedo.
    """

    corners: Field
    normals: Field
    colours: Field

    def scaled(self, factor: float) -> "Mesh":
        """Grow about the origin."""
        return Mesh(self.corners * np.float32(factor), self.normals, self.colours)

    def tinted(self, tint: Reals) -> "Mesh":
        """Multiply the albedo by a colour (3,)."""
        return Mesh(self.corners, self.normals, (self.colours * tint).astype(np.float32))

    def placed(self, position: Reals, heading_rad: float = 0.0) -> "Mesh":
        """Turn about z, then move."""
        turn = turn_about_z(heading_rad)
        corners = self.corners @ turn.T + np.asarray(position)
        return Mesh(
            corners.astype(np.float32), (self.normals @ turn.T).astype(np.float32), self.colours
        )


def turn_about_z(angle_rad: float) -> Reals:
    """Rotation matrix (3, 3): heading 0 leaves +y pointing north, positive turns right."""
    sine, cosine = np.sin(angle_rad), np.cos(angle_rad)
    return np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def join(meshes: list[Mesh]) -> Mesh:
    """Put models together into one."""
    return Mesh(
        np.concatenate([m.corners for m in meshes]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.colours for m in meshes]),
    )


def lathe(profile: list[tuple[float, float]], colours: Reals, sides: int) -> Mesh:
    """Turn a profile about z.

    Args:
        profile: (radius, height) pairs from the bottom up, metres.
        colours: (bands, stripes, 3): one band per profile segment, stripes repeat around.
        sides: facets around.
    """
    radius, z = np.array(profile).T
    angle = np.arange(sides + 1) * (2 * np.pi / sides)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    slope = np.gradient(radius) / np.where(np.abs(np.gradient(z)) < 1e-6, 1e-6, np.gradient(z))
    points = np.concatenate(
        [radius[:, None, None] * ring, np.broadcast_to(z[:, None, None], (len(z), sides + 1, 1))],
        axis=-1,
    )
    normals = np.concatenate(
        [
            np.broadcast_to(ring, (len(z), sides + 1, 2)),
            np.broadcast_to(-slope[:, None, None], (len(z), sides + 1, 1)),
        ],
        axis=-1,
    )
    normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    bands, stripes = np.indices((len(z) - 1, sides))
    paint = colours[bands % colours.shape[0], stripes % colours.shape[1]]
    return Mesh(_split(points), _split(normals), _twice(paint))


def _split(grid: Reals) -> Field:
    """Cut each quad of a (rows, columns, 3) net into two triangles."""
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    pairs = np.stack([np.stack([a, b, c], axis=-2), np.stack([a, c, d], axis=-2)], axis=-3)
    return pairs.reshape(-1, 3, 3).astype(np.float32)


def _twice(paint: Reals) -> Field:
    return np.repeat(paint.reshape(-1, 3), 2, axis=0).astype(np.float32)


def facets(triangles: list[list[tuple[float, float, float]]], paint: Reals) -> Mesh:
    """Flat triangles or convex quads of one colour, listed counter-clockwise from outside."""
    corners = []
    for shape in triangles:
        corners += [[shape[0], shape[k], shape[k + 1]] for k in range(1, len(shape) - 1)]
    points = np.array(corners, dtype=np.float32)
    normal = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return Mesh(
        points,
        np.repeat(normal[:, None], 3, axis=1).astype(np.float32),
        np.repeat(np.asarray(paint, dtype=np.float32)[None], len(points), axis=0),
    )


def box(size: tuple[float, float, float], paint: Reals, base: float = 0.0) -> Mesh:
    """A box centred on the z axis, standing on height `base`; walls and top only."""
    x, y, top = size[0] / 2, size[1] / 2, base + size[2]
    ring = [(-x, -y), (x, -y), (x, y), (-x, y)]
    walls = []
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        walls.append([(x0, y0, base), (x1, y1, base), (x1, y1, top), (x0, y0, top)])
    return facets([*walls, [(px, py, top) for px, py in ring]], paint)


def gable(size: tuple[float, float, float], base: float, roof: Reals, wall: Reals) -> Mesh:
    """A pitched roof along y above `base`, with its two gable walls."""
    x, y, top = size[0] / 2, size[1] / 2, base + size[2]
    slopes = [
        [(x, -y, base), (x, y, base), (0.0, y, top), (0.0, -y, top)],
        [(-x, y, base), (-x, -y, base), (0.0, -y, top), (0.0, y, top)],
    ]
    ends = [
        [(-x, -y, base), (x, -y, base), (0.0, -y, top)],
        [(x, y, base), (-x, y, base), (0.0, y, top)],
    ]
    return join([facets(slopes, roof), facets(ends, wall)])
