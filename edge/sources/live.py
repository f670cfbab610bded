"""Frames of a camera or stream that FFmpeg reads, with a deadline on every wait.

A container must never be closed under the thread that reads it (FFmpeg crashes), so
close() only raises a flag; the reader sees it at the next frame or the read deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

import av
from av.container import InputContainer

from edge.errors import SourceError
from edge.pixels import Frame, at_size, to_rgb
from edge.sources.pace import Pace

OPEN_TIMEOUT_S = READ_TIMEOUT_S = 5.0
TIMEOUTS_S = (OPEN_TIMEOUT_S, READ_TIMEOUT_S)
# A camera may send a whole picture only every ten seconds; the others cannot be decoded alone.
PICTURE_TIMEOUT_S = 12.0
_USUAL_FPS = 25.0

Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Do what may block without a deadline of its own; TimeoutError when it takes longer.

    The thread that does it is left to itself then: it cannot be stopped.
    """
    outcome: Future[Result] = Future()

    def settle() -> None:
        try:
            outcome.set_result(work())
        except (av.FFmpegError, OSError, UnicodeError) as error:
            outcome.set_exception(error)

    threading.Thread(target=settle, name="open", daemon=True).start()
    try:
        return outcome.result(seconds)
    except FutureTimeoutError as error:  # Python 3.10 has two
        raise TimeoutError(f"not done in {seconds:g} s") from error


class LiveVideo:
    """A source whose frames come at their own time.

    Args:
        container: opened with TIMEOUTS_S; this takes it over.
        name: what to call it in errors; no password in it.
        explain: makes a SourceError of what FFmpeg raised.
        paced: it comes in bursts (HLS, a file over HTTP): hold frames back to their time.
        captured_ns: tells when a picture was taken; None means when it arrived.
        ready: waits for data where FFmpeg would wait for ever; raises TimeoutError.

    Raises:
        SourceError: no picture comes.
    """

    live = True

    def __init__(
        self,
        container: InputContainer,
        name: str,
        explain: Callable[[Exception], SourceError],
        *,
        paced: bool = False,
        captured_ns: Callable[[av.VideoFrame], int] | None = None,
        ready: Callable[[], None] | None = None,
    ) -> None:
        self._container, self._name, self._explain = container, name, explain
        self._paced, self._captured_ns, self._ready = paced, captured_ns, ready
        self._closed, self._reading = threading.Event(), threading.Lock()
        try:
            self._start()
        except SourceError:
            container.close()
            raise

    def _start(self) -> None:
        if not self._container.streams.video:
            raise SourceError(f"{self._name}: sends no video", hint="is it an audio stream?")
        self._stream = self._container.streams.video[0]
        # One slice after another: threads by frame would add a frame of delay each.
        self._stream.thread_type = "SLICE"
        self.fps = float(self._stream.average_rate or self._stream.guessed_rate or _USUAL_FPS)
        self.height, self.width = to_rgb(next(self._pictures())).shape[:2]

    def frames(self) -> Iterator[Frame]:
        """Yield frames as they come until close(); it may be called once.

        Raises:
            SourceError: the stream ended or broke, or nothing came for READ_TIMEOUT_S.
        """
        with self._reading:
            try:
                yield from self._frames()
            finally:
                self._container.close()

    def _frames(self) -> Iterator[Frame]:
        pace = Pace(self.fps, self._closed) if self._paced else None
        for sequence, picture in enumerate(self._pictures()):
            if pace is None or picture.time is None or pace.wait(picture.time):
                moment = self._captured_ns(picture) if self._captured_ns else time.monotonic_ns()
                pixels = at_size(to_rgb(picture), self.height, self.width)
                yield Frame(pixels, sequence, moment)

    def _pictures(self) -> Iterator[av.VideoFrame]:
        """Yield pictures until close(); what cannot be decoded is left out."""
        latest = time.monotonic()
        while not self._closed.is_set():
            try:
                pictures = self._read()
            except (av.FFmpegError, OSError, EOFError) as error:
                if self._closed.is_set():
                    return
                raise self._explain(error) from error
            if pictures:
                yield from pictures
                latest = time.monotonic()
            elif time.monotonic() - latest > PICTURE_TIMEOUT_S:
                raise SourceError(
                    f"{self._name}: no picture in {PICTURE_TIMEOUT_S:.0f} s of data",
                    hint="is its video format H.264, H.265 or MJPEG?",
                )

    def _read(self) -> list[av.VideoFrame]:
        if self._ready is not None:
            self._ready()
        began = time.monotonic()
        packet = next(self._container.demux(self._stream))
        # At the deadline FFmpeg first hands out a packet that it was still putting together.
        if time.monotonic() - began > READ_TIMEOUT_S:
            raise TimeoutError("nothing came")
        if not packet.size:
            raise EOFError("the stream ended")
        try:
            return self._stream.decode(packet)
        except av.InvalidDataError:
            return []

    def close(self) -> None:
        """End frames() at the next frame, or READ_TIMEOUT_S later at the latest."""
        self._closed.set()
        if self._reading.acquire(blocking=False):
            self._container.close()
            self._reading.release()
