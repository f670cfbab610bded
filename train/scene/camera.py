"""The pinhole camera and its flight path.

The camera never rolls, and it looks down by shifting the image plane, as a view
camera does, not by turning: every image column is then a vertical plane in the
world, which is what lets `march.py` trace a whole column at once. It is an exact
projective camera all the same, so the optical flow is exact too.
World axes: x east, y north (the flight's direction), z up; metres.
"""

from dataclasses import dataclass

import numpy as np

from train.scene.noise import Field, Reals

FOCAL = 0.80  # image widths: 64 degrees across, a phone's main lens
SPEED_M_S = 24.0


@dataclass(frozen=True)
class Camera:
    """Where the camera is and how it projects.

    Attributes:
        position: x, y, z in metres.
        yaw_rad: heading, positive to the right of north.
        drop: downward shift of the image plane, in focal lengths.
        height: image rows.
        width: image columns.
    """

    position: tuple[float, float, float]
    yaw_rad: float
    drop: float
    height: int
    width: int

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return FOCAL * self.width

    @property
    def forward(self) -> tuple[float, float]:
        """Unit vector of the heading: east, north."""
        return float(np.sin(self.yaw_rad)), float(np.cos(self.yaw_rad))

    def columns(self) -> Field:
        """Sideways slope of the ray through each column's centre, (width,)."""
        x = np.arange(self.width) + 0.5 - self.width / 2
        return (x / self.focal_px).astype(np.float32)

    def rows(self) -> Field:
        """Upward slope of the ray through each row's centre, (height,), falling."""
        y = np.arange(self.height) + 0.5 - self.height / 2
        return (-y / self.focal_px - self.drop).astype(np.float32)

    def project(self, points: Reals) -> tuple[Reals, Reals, Reals]:
        """Map world points (..., 3) to column, row (pixels, centres at integers) and depth.

        Depth is along the horizontal forward axis, metres; negative behind the camera.
        """
        sine, cosine = self.forward
        dx = points[..., 0] - self.position[0]
        dy = points[..., 1] - self.position[1]
        return self._to_pixels(
            dx * cosine - dy * sine, dx * sine + dy * cosine, points[..., 2] - self.position[2]
        )

    def project_direction(self, directions: Reals) -> tuple[Reals, Reals, Reals]:
        """Map directions (..., 3), points infinitely far away, as `project` does."""
        sine, cosine = self.forward
        dx, dy = directions[..., 0], directions[..., 1]
        return self._to_pixels(dx * cosine - dy * sine, dx * sine + dy * cosine, directions[..., 2])

    def _to_pixels(self, right: Reals, ahead: Reals, up: Reals) -> tuple[Reals, Reals, Reals]:
        scale = self.focal_px / np.where(np.abs(ahead) < 1e-6, 1e-6, ahead)
        column = right * scale + (self.width / 2 - 0.5)
        row = self.height / 2 - 0.5 - self.focal_px * self.drop - up * scale
        return column, row, ahead

    def rays(self) -> Reals:
        """World direction of each pixel's ray for one metre of depth, (height, width, 3)."""
        sine, cosine = self.forward
        across, up = np.meshgrid(self.columns().astype(np.float64), self.rows().astype(np.float64))
        return np.stack([sine + across * cosine, cosine - across * sine, up], axis=-1)


def flight(time_s: float, height: int, width: int) -> Camera:
    """Fly north along the coast, weaving gently; the path is defined for any time."""
    beat = 2 * np.pi * time_s / 10.0
    position = (
        14.0 * np.sin(beat) - 10.0,
        SPEED_M_S * time_s,
        62.0 + 5.0 * np.sin(beat + 0.6),
    )
    yaw = 0.06 + 0.045 * np.sin(beat - 0.5)
    # Sixteen hundredths put the horizon at about two fifths of a 4:3 picture.
    return Camera(
        (float(position[0]), float(position[1]), float(position[2])),
        float(yaw),
        0.085 + 0.01 * float(np.sin(beat)),
        height,
        width,
    )
