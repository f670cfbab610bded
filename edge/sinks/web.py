"""The web sink: the newest frame, as a JPEG made once for any number of viewers.

`write` only swaps a reference and wakes the viewers' event loop. The JPEG is made by one
worker thread when a viewer asks for it, so an appliance that nobody watches encodes
nothing, and a viewer who lags skips frames instead of queueing them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import simplejpeg

from edge.pixels import Frame, Pixels
from edge.sinks import Video

Kind: TypeAlias = Literal["styled", "camera", "pair"]
"""`pair` is the camera's picture above the styled one: both of the very same instant."""

# 4:2:0 codes colour in blocks of 16 rows and smooths it over 2 when it is decoded.
_BLOCK, _SMOOTHED = 16, 2


@dataclass(frozen=True, slots=True)
class Picture:
    """One JPEG, shared by all viewers of its kind.

    Attributes:
        jpeg: the file; in a pair the camera's picture is its first `height` rows, the
            styled one its last.
        height, width: of one picture, without the rows between a pair's two.
        sequence, captured_ns: the frame's own.
        turn: counts the sink's frames from 1, also across a source that starts again.
    """

    jpeg: bytes
    height: int
    width: int
    sequence: int
    captured_ns: int
    turn: int


@dataclass(frozen=True, slots=True)
class WebStats:
    """What the web costs: viewers now, JPEGs made so far, milliseconds for one (smoothed)."""

    viewers: int
    encodes: int
    encode_ms: float


class WebSink:
    """The hub between the pipeline's thread and the viewers' event loop.

    Attributes:
        quality: of the next JPEG, 1..100.
    """

    lossless = False

    def __init__(self, quality: int = 85) -> None:
        self.quality = quality
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._turn = 0
        self._written_ns = 0
        self._closed = False
        self._jpegs: dict[Kind, tuple[int, Future[Picture]]] = {}
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="web-jpeg")
        self._seats: dict[asyncio.AbstractEventLoop, set[asyncio.Event]] = {}
        self._encodes = 0
        self._encode_ms = 0.0

    def write(self, frame: Frame) -> None:
        """Take the newest frame; it replaces the one before, seen or not."""
        with self._lock:
            self._frame, self._turn = frame, self._turn + 1
            self._written_ns = time.monotonic_ns()
        self._wake()

    def close(self) -> None:
        """End every stream at once."""
        with self._lock:
            self._closed = True
            self._frame = None
        self._wake()
        self._encoder.shutdown(wait=False)

    def discard(self) -> None:
        """End every stream: there is nothing half-written."""
        self.close()

    @property
    def closed(self) -> bool:
        """Whether the last frame has come."""
        return self._closed

    @property
    def shape(self) -> tuple[int, int] | None:
        """The newest frame's (height, width); None before the first and after close."""
        frame = self._frame
        return None if frame is None else (frame.pixels.shape[0], frame.pixels.shape[1])

    @property
    def age_s(self) -> float | None:
        """Seconds since the last frame was written; None before the first one."""
        if not self._written_ns:
            return None
        return (time.monotonic_ns() - self._written_ns) / 1e9

    def stats(self) -> WebStats:
        """Return viewers and encoding cost as of now."""
        with self._lock:
            viewers = sum(len(seats) for seats in self._seats.values())
            return WebStats(viewers, self._encodes, round(self._encode_ms, 2))

    async def watch(self, kind: Kind) -> AsyncIterator[Picture]:
        """Yield the newest picture, then a newer one each time the viewer is ready for it."""
        turn = 0
        with self._seat() as fresh:
            while not self._closed:
                await fresh.wait()
                fresh.clear()
                picture = await self.picture(kind)
                if picture is not None and picture.turn > turn:
                    turn = picture.turn
                    yield picture

    async def picture(self, kind: Kind) -> Picture | None:
        """Return the newest frame as a JPEG; None before the first frame and after close."""
        with self._lock:
            if self._frame is None:
                return None
            turn, future = self._jpegs.get(kind, (0, None))
            if future is None or turn != self._turn:
                future = self._encoder.submit(self._encode, kind, self._frame, self._turn)
                self._jpegs[kind] = (self._turn, future)
        # Shielded: a viewer who leaves must not cancel what others wait for.
        return await asyncio.shield(asyncio.wrap_future(future))

    def _encode(self, kind: Kind, frame: Frame, turn: int) -> Picture:
        started = time.perf_counter()
        pixels = _arrange(kind, frame)
        jpeg = simplejpeg.encode_jpeg(pixels, self.quality, "RGB", "420")
        took_ms = (time.perf_counter() - started) * 1e3
        with self._lock:
            self._encodes += 1
            smooth = 0.9 if self._encode_ms else 0.0
            self._encode_ms = smooth * self._encode_ms + (1 - smooth) * took_ms
        height, width = frame.pixels.shape[:2]
        return Picture(jpeg, height, width, frame.sequence, frame.captured_ns, turn)

    @contextlib.contextmanager
    def _seat(self) -> Iterator[asyncio.Event]:
        """Register a viewer of the running loop; its event is set when a frame is new."""
        loop, fresh = asyncio.get_running_loop(), asyncio.Event()
        fresh.set()
        with self._lock:
            self._seats.setdefault(loop, set()).add(fresh)
        try:
            yield fresh
        finally:
            with self._lock:
                self._seats[loop].discard(fresh)
                if not self._seats[loop]:
                    del self._seats[loop]

    def _wake(self) -> None:
        """Wake each loop once, however many viewers it has."""
        with self._lock:
            loops = tuple(self._seats)
        for loop in loops:
            # A loop that was closed under its viewers has nobody left to wake.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake_seats, loop)

    def _wake_seats(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            for fresh in self._seats.get(loop, ()):
                fresh.set()


def _arrange(kind: Kind, frame: Frame) -> Pixels:
    """Lay out the picture of a kind; a frame without its original stands in for it."""
    camera = frame.pixels if frame.original is None else frame.original
    if kind == "styled":
        return frame.pixels
    return camera if kind == "camera" else _stack(camera, frame.pixels)


def _stack(upper: Pixels, lower: Pixels) -> Pixels:
    """Stack two pictures with rows between them that keep their colours apart."""
    end = upper.shape[0] + _SMOOTHED
    upper_edge = np.repeat(upper[-1:], _SMOOTHED + -end % _BLOCK, axis=0)
    lower_edge = np.repeat(lower[:1], _SMOOTHED, axis=0)
    return np.concatenate((upper, upper_edge, lower_edge, lower))


def open_sink(uri: str, video: Video) -> WebSink:
    """Open the hub; `web` takes no options, and a viewer is told each picture's size."""
    del uri, video
    return WebSink()
