"""Pixel conversions shared by training, calibration and the device.

One definition, so that a calibration photo passes through the very arithmetic that a
camera frame passes through later. Scaling is FFmpeg's (through PyAV), as it is the one
fast scaler that every machine of ours has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
from av.video.reformatter import Colorspace, Interpolation
from numpy.typing import NDArray

from edge.errors import SourceError

_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_HEIGHT = 720

Pixels: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB, C-contiguous."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture on its way from a source to the sinks.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, C-contiguous.
        sequence: counts the source's frames from 0; a gap is a dropped frame.
        captured_ns: monotonic clock (time.monotonic_ns) at capture.
        original: what the camera saw, same shape as `pixels`; None before the engine.
    """

    pixels: Pixels
    sequence: int
    captured_ns: int
    original: Pixels | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture lies inside an engine's frame: scaled, centred, edges repeated.

    Nothing is cropped away, so that a file comes out showing all that went in.

    Attributes:
        height, width: the engine's frame, pixels.
        inner_height, inner_width: the scaled picture inside it.
        top, left: its upper left corner.
    """

    height: int
    width: int
    inner_height: int
    inner_width: int
    top: int
    left: int

    @classmethod
    def inside(cls, source: tuple[int, int], frame: tuple[int, int]) -> Fit:
        """Return the largest centred placing of a (height, width) picture in a frame."""
        (height, width), (frame_height, frame_width) = source, frame
        scale = min(frame_height / height, frame_width / width)
        inner_height = max(1, min(frame_height, round(height * scale)))
        inner_width = max(1, min(frame_width, round(width * scale)))
        top, left = (frame_height - inner_height) // 2, (frame_width - inner_width) // 2
        return cls(frame_height, frame_width, inner_height, inner_width, top, left)

    def place(self, pixels: Pixels) -> Pixels:
        """Scale a picture into the frame and repeat its edges outward."""
        inner = resize(pixels, self.inner_height, self.inner_width)
        if inner.shape[:2] == (self.height, self.width):
            return inner
        bottom = self.height - self.inner_height - self.top
        right = self.width - self.inner_width - self.left
        return np.pad(inner, ((self.top, bottom), (self.left, right), (0, 0)), mode="edge")

    def cut(self, pixels: Pixels) -> Pixels:
        """Take the picture back out of the engine's frame (no copy when it fills it)."""
        rows = slice(self.top, self.top + self.inner_height)
        return np.ascontiguousarray(pixels[rows, self.left : self.left + self.inner_width])


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Scale (H, W, 3) RGB to (height, width, 3): area averaging down, bicubic up."""
    if pixels.shape[:2] == (height, width):
        return np.ascontiguousarray(pixels)
    shrinks = height * width < pixels.shape[0] * pixels.shape[1]
    scaled = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
        width,
        height,
        interpolation=Interpolation.AREA if shrinks else Interpolation.BICUBIC,
    )
    return np.asarray(scaled.to_ndarray(format="rgb24"), dtype=np.uint8)


def cover(pixels: Pixels, height: int, width: int) -> Pixels:
    """Scale a picture until it covers (height, width), then crop its centre."""
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    scaled = resize(
        pixels,
        max(height, round(pixels.shape[0] * scale)),
        max(width, round(pixels.shape[1] * scale)),
    )
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def mix(original: Pixels, styled: Pixels, strength: float) -> Pixels:
    """Blend two pictures of one shape: strength 0.0 is the camera's, 1.0 the style's."""
    if strength >= 1.0:
        return styled
    if strength <= 0.0:
        return original
    # 8-bit fixed point: the sum of both products fits 16 bits, so nothing is widened to float.
    weight = round(strength * 256)
    blended = original.astype(np.uint16) * (256 - weight) + styled.astype(np.uint16) * weight
    return (blended >> 8).astype(np.uint8)


def to_rgb(picture: av.VideoFrame) -> Pixels:
    """Convert a decoded picture to RGB, turned as its display matrix says (phones).

    One pass of FFmpeg's scaler, one thread: a second one only doubles the CPU time.
    A picture that does not say which colour matrix it was made with gets BT.709 from 720
    lines on and BT.601 below, as players and browsers assume.
    """
    guess = None
    if picture.colorspace == _UNSPECIFIED and not picture.format.is_rgb:
        guess = Colorspace.ITU709 if picture.height >= _HD_HEIGHT else Colorspace.ITU601
    rgb = picture.reformat(format="rgb24", src_colorspace=guess, threads=1).to_ndarray()
    # rotation counts degrees counter-clockwise, as rot90 does
    return np.ascontiguousarray(np.rot90(rgb, round(picture.rotation / 90) % 4))


def at_size(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return the picture at a source's size, should a stream or folder change midway."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return Fit.inside(pixels.shape[:2], (height, width)).place(pixels)


def read_image(path: Path) -> Pixels:
    """Decode one picture file (JPEG, PNG, WebP, BMP, TIFF) to upright RGB.

    Raises:
        SourceError: the file is missing or cannot be decoded; the message names it.
    """
    try:
        # absolute: FFmpeg takes what stands before a colon (12:30.jpg) for a protocol
        with av.open(str(path.absolute())) as container:
            decoded = next(container.decode(video=0), None)
    except (OSError, av.FFmpegError, IndexError) as error:
        raise SourceError(
            f"{path}: not a picture that can be read ({error})",
            hint="give a JPEG, PNG, WebP, BMP or TIFF file",
        ) from error
    if decoded is None:
        raise SourceError(f"{path}: holds no picture", hint="give a JPEG or PNG file")
    return to_rgb(decoded)
