"""`pattern:640x480@30`: a moving test picture that needs no camera.

Colour bars, a white block that moves, and the frame's number as a bar code in the lowest
eighth, so that a test can tell which frame it sees, also after a video codec.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import numpy as np

from edge.address import Address, parse_rate, parse_size
from edge.errors import ConfigError
from edge.pixels import Frame, Pixels
from edge.sources.pace import Pace

# SMPTE's seven bars at 75 %.
BARS = ((191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0),
        (0, 0, 191))  # fmt: skip
BITS = 16
SMALLEST = 2 * BITS


def draw(height: int, width: int, number: int) -> Pixels:
    """Return the pattern's picture of that number; the same number, the same picture."""
    columns = np.arange(width) * len(BARS) // width
    pixels = np.repeat(np.array(BARS, np.uint8)[columns][None], height, axis=0)
    code = height - height // 8
    side = height // 4
    left = number * max(1, width // 160) % max(1, width - side)
    pixels[height // 3 : height // 3 + side, left : left + side] = 255
    bits = number >> np.arange(BITS)[::-1] & 1
    pixels[code:] = (255 * bits[np.arange(width) * BITS // width]).astype(np.uint8)[:, None]
    return pixels


def read_number(pixels: Pixels) -> int:
    """Read the bar code of a pattern's picture: its number modulo 65536."""
    height, width = pixels.shape[:2]
    middles = (np.arange(BITS) * 2 + 1) * width // (2 * BITS)
    bits = pixels[height - height // 16, middles].mean(axis=1) > 127
    return int("".join("1" if bit else "0" for bit in bits), 2)


class PatternSource:
    """Draws the test picture, at its rate or as fast as it is read.

    Args:
        live: behave as a camera: frames come at the rate, late ones are lost.
        limit: stop after so many frames; 0 means never.
    """

    def __init__(self, height: int, width: int, fps: float, *, live: bool, limit: int) -> None:
        self.height, self.width, self.fps, self.live = height, width, fps, live
        self._limit = limit
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """Yield the pictures 0, 1, 2 and so on."""
        pace = Pace(self.fps, self._closed) if self.live else None
        for number in range(self._limit) if self._limit else itertools.count():
            if self._closed.is_set():
                return
            if pace is None or pace.wait(number / self.fps):
                pixels = draw(self.height, self.width, number)
                yield Frame(pixels, number, time.monotonic_ns())

    def close(self) -> None:
        """End frames() at once."""
        self._closed.set()


def open_source(uri: str) -> PatternSource:
    """Open `pattern:WIDTHxHEIGHT@FPS`; options: live=0, frames=N.

    Raises:
        ConfigError: the size, the rate or an option is not one.
    """
    address = Address(uri, ["live", "frames"])
    size_text, _, rate_text = (address.place or "640x480").partition("@")
    size, fps = parse_size(size_text), parse_rate(rate_text or "30")
    if size is None or min(size) < SMALLEST or fps is None or not 0 < fps <= 1000:
        raise ConfigError(
            f"{uri}: {address.place!r} is not WIDTHxHEIGHT@FPS",
            hint=f"at least {SMALLEST}x{SMALLEST}, such as pattern:640x480@30",
        )
    live = address.flag("live", default=True)
    return PatternSource(*size, fps, live=live, limit=address.count("frames", 0, 0, 10**9))
