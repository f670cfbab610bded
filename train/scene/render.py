"""The scene: geometry first, then colour, so that flow and picture share one truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import TrainingError
from train.scene.camera import Camera, flight
from train.scene.flow import FlowPair, Sight, backward_flow
from train.scene.ground import SKYLIGHT, SUN, SUNLIGHT, build_ground
from train.scene.march import BODIES, LAND, PROPS, SKY, WATER, Hits, march
from train.scene.mesh import Mesh, join
from train.scene.movers import bodies
from train.scene.noise import Field, tile
from train.scene.raster import rasterise
from train.scene.sky import air, paint_sky
from train.scene.terrain import raise_terrain
from train.scene.water import glitters, shade_water
from train.scene.world import scatter, shadows, standing_mesh

SAMPLES = 2  # per pixel along each axis: 4 rays a pixel
HAZE_M = 7000.0


@dataclass(frozen=True)
class View:
    """One frame.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        depth: (H, W) float32, metres along the camera's forward axis at the pixel's
            centre; inf is sky.
        surface: (H, W) int32: 0 sky, 1 water, 2 land, 3 what stands on it, 4 and up
            the moving bodies.
    """

    pixels: NDArray[np.uint8]
    depth: Field
    surface: NDArray[np.int32]


class Scene:
    """A coast at the golden hour; the same seed gives the same world.

    Args:
        seed: 0 or more.
        fineness: 0.1..2, resolution of the maps; below 1 builds faster and looks softer.

    Raises:
        TrainingError: an argument is out of range.
    """

    def __init__(self, seed: int = 7, *, fineness: float = 1.0) -> None:
        if seed < 0 or not 0.1 <= fineness <= 2.0:
            raise TrainingError(
                f"scene: seed = {seed}, fineness = {fineness}, but no such world can be built",
                hint="set seed to 0 or more and fineness to 0.1..2",
            )
        land, things, sky, movers = (np.random.default_rng([seed, k]) for k in range(4))
        self._grain = tile(things, 512, 5, 0.62)
        terrain = raise_terrain(land, fineness)
        standing = scatter(things, terrain)
        self._terrain = terrain
        self._ground = build_ground(land, terrain, self._grain, shadows(terrain, standing, SUN))
        self._sky = paint_sky(sky, self._grain, fineness)
        self._props = standing_mesh(standing)
        self._props_lit = _lit(self._props)
        self._bodies = bodies(movers)

    def render(self, time_s: float, height: int, width: int) -> View:
        """Render the frame at a time of the flight."""
        sight = self._look(time_s, height, width)
        return View(self._picture(time_s, height, width), sight.depth, sight.surface)

    def pair(self, time_s: float, dt_s: float, height: int, width: int) -> FlowPair:
        """Render the frames at `time_s` and `time_s + dt_s` with the exact flow between."""
        before = self._look(time_s, height, width)
        after = self._look(time_s + dt_s, height, width)
        flow, valid = backward_flow(before, after)
        first = self._picture(time_s, height, width)
        second = self._picture(time_s + dt_s, height, width)
        return FlowPair(first, second, flow, valid)

    def _look(self, time_s: float, height: int, width: int) -> Sight:
        """Geometry at the pixels' centres."""
        _check_size(height, width)
        camera = flight(time_s, height, width)
        hits, _ = self._trace(camera, time_s)
        steady = (hits.surface != WATER) | ~glitters(camera.rays().astype(np.float32))
        poses = [body.pose(time_s) for body in self._bodies]
        return Sight(camera, hits.depth, hits.surface, steady, poses)

    def _trace(self, camera: Camera, time_s: float) -> tuple[Hits, Field]:
        """Terrain, then models over it; returns hits and the models' radiance (H, W, 3)."""
        hits = march(self._terrain, camera)
        mesh, light, owner = self._models(time_s)
        seen = rasterise(camera, mesh.corners, hits.depth)
        hits.depth.ravel()[seen.pixels] = seen.depth
        hits.surface.ravel()[seen.pixels] = owner[seen.triangle]
        radiance = np.zeros((camera.height * camera.width, 3), dtype=np.float32)
        radiance[seen.pixels] = np.einsum("nk,nkc->nc", seen.weights, light[seen.triangle])
        return hits, radiance.reshape(camera.height, camera.width, 3)

    def _models(self, time_s: float) -> tuple[Mesh, Field, NDArray[np.int32]]:
        meshes, lights, owners = [self._props], [self._props_lit], [PROPS]
        for number, body in enumerate(self._bodies):
            turn, place = body.pose(time_s)
            corners = (body.mesh.corners @ turn.T + place).astype(np.float32)
            normals = (body.mesh.normals @ turn.T).astype(np.float32)
            meshes.append(Mesh(corners, normals, body.mesh.colours))
            lights.append(_lit(meshes[-1]))
            owners.append(BODIES + number)
        owner = np.repeat(np.array(owners, np.int32), [len(m.corners) for m in meshes])
        return join(meshes), np.concatenate(lights), owner

    def _picture(self, time_s: float, height: int, width: int) -> NDArray[np.uint8]:
        camera = flight(time_s, height * SAMPLES, width * SAMPLES)
        hits, radiance = self._trace(camera, time_s)
        rays = camera.rays().astype(np.float32)
        azimuth = np.arctan2(rays[..., 0], rays[..., 1])
        rise = rays[..., 2] / np.hypot(rays[..., 0], rays[..., 1])
        sky = hits.surface == SKY
        radiance[sky] = self._sky.shade(azimuth[sky], rise[sky])
        self._shade_ground(camera, hits, rays, radiance)
        some = ~sky
        fade = 1.0 - np.exp(-hits.depth[some] / HAZE_M)
        haze = air(azimuth[some], np.full_like(fade, 0.06)) * 0.78
        radiance[some] += (haze - radiance[some]) * fade[:, None]
        return _develop(radiance, height, width)

    def _shade_ground(self, camera: Camera, hits: Hits, rays: Field, radiance: Field) -> None:
        for kind in (LAND, WATER):
            some = hits.surface == kind
            depth, stretch, ray = hits.depth[some], hits.stretch[some], rays[some]
            x = camera.position[0] + depth * ray[:, 0]
            y = camera.position[1] + depth * ray[:, 1]
            across = depth / camera.focal_px
            if kind == LAND:
                radiance[some] = self._ground.shade(x, y, across**0.4 * stretch**0.6)
            else:
                body = self._ground.shade(x, y, stretch)
                radiance[some] = shade_water(self._grain, body, x, y, stretch, ray)


def _check_size(height: int, width: int) -> None:
    if height < 16 or width < 16:
        raise TrainingError(
            f"scene: a frame of {height}x{width} (height x width) is too small",
            hint="ask for at least 16x16",
        )


def _lit(mesh: Mesh) -> Field:
    """Radiance at each corner, (T, 3, 3): sun, sky, and light from the ground."""
    facing = np.clip(mesh.normals @ SUN * 0.8 + 0.2, 0.0, None)
    upward = 0.6 + 0.4 * mesh.normals[..., 2]
    light = facing[..., None] * SUNLIGHT + upward[..., None] * SKYLIGHT
    return np.asarray(light * mesh.colours[:, None, :], dtype=np.float32)


def _develop(radiance: Field, height: int, width: int) -> NDArray[np.uint8]:
    """Compress highlights, encode for the screen, and average the samples of a pixel."""
    exposed = radiance * np.float32(0.92)
    mapped = exposed * (2.51 * exposed + 0.03) / (exposed * (2.43 * exposed + 0.59) + 0.14)
    encoded = np.clip(mapped, 0.0, 1.0) ** np.float32(1 / 2.2)
    pixel = encoded.reshape(height, SAMPLES, width, SAMPLES, 3).mean(axis=(1, 3))
    return np.asarray(pixel * 255.0 + 0.5, dtype=np.uint8)
