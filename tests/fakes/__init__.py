"""Small real implementations of a pipeline's parts, which can fail when told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np

from edge.engines import EngineReport
from edge.errors import SinkError, SourceError
from edge.pixels import Frame, Pixels


class Negative:
    """An engine that inverts colours, at a given pace."""

    def __init__(self, height: int = 48, width: int = 64, delay_s: float = 0.0) -> None:
        self.height, self.width, self._delay_s = height, width, delay_s

    def __call__(self, pixels: Pixels) -> Pixels:
        time.sleep(self._delay_s)
        return 255 - pixels

    def describe(self) -> EngineReport:
        return EngineReport("negative", "numpy", "1", "CPU", "int8", 1, self.height, self.width)


class Camera:
    """A source of numbered grey frames.

    Args:
        count: frames before it ends; None never ends.
        fails_at: raises SourceError instead of this frame.
    """

    height, width = 48, 64

    def __init__(
        self,
        count: int | None = None,
        *,
        fps: float = 200.0,
        live: bool = True,
        fails_at: int | None = None,
    ) -> None:
        self.fps, self.live, self._count, self._fails_at = fps, live, count, fails_at
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        sequence = 0
        while sequence != self._count and not self._closed.is_set():
            if self.live:
                self._closed.wait(1 / self.fps)
            if sequence == self._fails_at:
                raise SourceError("the camera was pulled", hint="plug it in")
            pixels = np.full((self.height, self.width, 3), sequence % 256, np.uint8)
            yield Frame(pixels, sequence, time.monotonic_ns())
            sequence += 1

    def close(self) -> None:
        self._closed.set()


class Recorder:
    """A sink that keeps what it gets, slowly if told to, and can run out of space."""

    def __init__(
        self, *, lossless: bool = False, delay_s: float = 0.0, full_at: int | None = None
    ) -> None:
        self.lossless, self._delay_s, self._full_at = lossless, delay_s, full_at
        self.frames: list[Frame] = []
        self.closed = self.discarded = False

    def write(self, frame: Frame) -> None:
        if len(self.frames) == self._full_at:
            raise SinkError("the disk is full", hint="free some space")
        time.sleep(self._delay_s)
        self.frames.append(frame)

    def close(self) -> None:
        self.closed = True

    def discard(self) -> None:
        self.discarded = True
