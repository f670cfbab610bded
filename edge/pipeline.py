"""The pipeline: source, engine, sinks, each in a thread of its own.

    source ──slot──▶ fit · engine · mix ──slot──▶ sink
                                        └─slot──▶ sink

A slot holds one frame. In real time the newest wins and drops are counted, so that
latency cannot grow; from a file to a file every stage waits for the next, and none is lost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from edge.engines import Engine
from edge.errors import SourceError, StylecamError
from edge.health import Health
from edge.pixels import Fit, Frame, mix
from edge.sinks import Sink
from edge.sources import Source
from edge.sources.pace import Pace

log = logging.getLogger(__name__)
# A USB camera is back about two seconds after it is plugged in again.
RETRY_S = (0.5, 1.0, 2.0, 5.0)


class Slot:
    """Holds at most one frame between two threads."""

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits
        self._frame: Frame | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, frame: Frame) -> bool:
        """Hand a frame on; False if it, or the one it replaced, is lost."""
        with self._changed:
            if self._waits:
                self._changed.wait_for(lambda: self._frame is None or self._closed)
            lost = self._frame is not None or self._closed
            if not self._closed:
                self._frame = frame
                self._changed.notify_all()
            return not lost

    def take(self) -> Frame | None:
        """Wait for the next frame; None once the slot is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """Let the frame in it be taken, and then end both sides."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@dataclass
class Look:
    """What is done to a frame; replaced as a whole, between two frames."""

    engine: Engine
    strength: float


class Pipeline:
    """Runs until its source ends, `frames` are styled, a part fails, or `stop` is called.

    Args:
        source: opened; it is closed at the end.
        look: the engine and the strength to begin with.
        sinks: opened; each is closed when all went well, else discarded.
        reopen: opens a live source again after it failed; None makes a failure final.
        frames: stop after so many styled frames; None means no limit.
    """

    def __init__(
        self,
        source: Source,
        look: Look,
        sinks: list[Sink],
        *,
        reopen: Callable[[], Source] | None = None,
        frames: int | None = None,
    ) -> None:
        self.source, self.sinks, self.look, self.health = source, sinks, look, Health()
        self._reopen, self._limit = reopen, frames
        self._stopping, self._done = threading.Event(), threading.Event()
        self._interrupted = False
        self._error: StylecamError | None = None
        # A file waits for a sink that keeps every frame; all else runs in real time.
        self._lossless = not source.live and any(sink.lossless for sink in sinks)
        self._captured = Slot(waits=self._lossless)
        self._outgoing = [Slot(waits=self._lossless and sink.lossless) for sink in sinks]
        self._threads = [
            self._thread("capture", self._capture),
            self._thread("engine", self._style),
            *(
                self._thread("sink", self._deliver, sink, slot)
                for sink, slot in zip(sinks, self._outgoing, strict=True)
            ),
        ]

    def _thread(self, name: str, step: Callable[..., None], *rest: object) -> threading.Thread:
        return threading.Thread(target=self._guard, args=(step, *rest), name=name, daemon=True)

    def start(self) -> None:
        """Start every thread."""
        for thread in self._threads:
            thread.start()
        threading.Thread(target=self._finish, name="finish", daemon=True).start()

    def stop(self) -> None:
        """Ask every thread to end; a recording is kept, a half-converted file is not."""
        self._interrupted = True
        self._end()
        if self._threads[0].ident is None:  # never started: nobody else lets the sinks go
            for sink in self.sinks:
                sink.discard()
            self._done.set()

    def _end(self) -> None:
        self._stopping.set()
        self.source.close()
        self._captured.close()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the pipeline has ended; False when it still runs after the timeout.

        Raises:
            StylecamError: what made a part fail.
        """
        ended = self._done.wait(timeout_s)
        if ended and self._error is not None:
            raise self._error
        return ended

    def _guard(self, step: Callable[..., None], *rest: object) -> None:
        """Run a thread's work; keep the first error and stop the others."""
        try:
            step(*rest)
        except StylecamError as error:
            self._fail(error)
        except Exception as error:  # the outermost frame of a thread: nothing may be lost
            log.exception("a pipeline thread failed")
            self._fail(StylecamError(f"internal error: {error!r}", hint="please report it"))

    def _fail(self, error: StylecamError) -> None:
        if self._error is None:
            self._error = error
        self._end()
        for slot in self._outgoing:
            slot.close()

    def _finish(self) -> None:
        """Wait for every thread, then keep or discard what the sinks have."""
        capture, *others = self._threads
        for thread in others:
            thread.join()
        # A silent camera notices the end seconds later: a recording does not wait for that.
        while capture.is_alive() and not self._interrupted:
            capture.join(0.1)
        keep = self._error is None and not (self._lossless and self._interrupted)
        for sink in self.sinks:
            try:
                sink.close() if keep else sink.discard()
            except StylecamError as error:
                self._error = self._error or error
        self.health.enter("failed" if self._error else "ended", str(self._error or ""))
        self._done.set()

    def _capture(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._capture_until_end()
                    return
                except SourceError as error:
                    if self._stopping.is_set():
                        return
                    if self._reopen is None or not self.source.live:
                        raise
                    self._reconnect(self._reopen, error)
        finally:
            self._captured.close()
            self.source.close()

    def _capture_until_end(self) -> None:
        frames = self.source.frames()
        if not (self.source.live or self._lossless):
            frames = self._paced(frames, self.source.fps)
        for frame in frames:
            if self._stopping.is_set():
                return
            self.health.count("captured")
            if not self._captured.put(frame):
                self.health.count("dropped before the engine")

    def _paced(self, frames: Iterator[Frame], fps: float) -> Iterator[Frame]:
        """Play a file at its own rate, as nobody keeps every frame."""
        pace = Pace(fps, self._stopping)
        for count, frame in enumerate(frames):
            if pace.wait(count / fps):
                yield replace(frame, captured_ns=time.monotonic_ns())

    def _reconnect(self, reopen: Callable[[], Source], error: SourceError) -> None:
        """Try to open a lost camera again until it works or the pipeline stops."""
        log.warning("camera lost: %s", error)
        self.source.close()
        attempt = 0
        while not self._stopping.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)]):
            self.health.enter("camera lost", str(error))
            try:
                self.source = reopen()
            except SourceError as again:
                error, attempt = again, attempt + 1
            else:
                log.warning("camera found again after %d attempts", attempt + 1)
                self.health.enter("running")
                return

    def _style(self) -> None:
        styled = 0
        while (frame := self._captured.take()) is not None:
            picture = self._restyle(frame)
            self.health.deliver(frame.captured_ns)
            if not styled:
                self.health.enter("running")
                log.info("first styled frame")
            styled += 1
            for slot in self._outgoing:
                if not slot.put(picture):
                    self.health.count("dropped by sinks")
            if styled == self._limit:
                self._end()
                break
        for slot in self._outgoing:
            slot.close()

    def _restyle(self, frame: Frame) -> Frame:
        look, health = self.look, self.health
        height, width = frame.pixels.shape[:2]
        fit = Fit.inside((height, width), (look.engine.height, look.engine.width))
        with health.stage("fit"):
            placed = fit.place(frame.pixels)
        with health.stage("engine"):
            styled = look.engine(placed)
        with health.stage("mix"):
            original = fit.cut(placed)
            mixed = mix(original, fit.cut(styled), look.strength)
        return Frame(mixed, frame.sequence, frame.captured_ns, original)

    def _deliver(self, sink: Sink, slot: Slot) -> None:
        while (frame := slot.take()) is not None:
            with self.health.stage("sink"):
                sink.write(frame)
