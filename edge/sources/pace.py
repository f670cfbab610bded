"""A camera's clock, for what comes faster than it should be shown: a file, HLS."""

from __future__ import annotations

import threading
import time

# A reader that is later than this gets a new clock instead of an endless chase.
LATEST_S = 0.5
# A stream whose timestamps jump by more gets a new clock too, instead of a frozen picture.
LONGEST_WAIT_S = 5.0


class Pace:
    """Holds each frame back until its moment; the first one's moment is now.

    Args:
        fps: a frame is lost when the reader is a whole period too late for it.
        closed: ends a wait at once when it is set.
    """

    def __init__(self, fps: float, closed: threading.Event) -> None:
        self._period_s, self._closed = 1.0 / fps, closed
        self._origin: float | None = None

    def wait(self, at_s: float) -> bool:
        """Wait for the moment `at_s` of the video; False when it has gone by: drop it."""
        now = time.monotonic()
        if self._origin is None:
            self._origin = now - at_s
        early_s = self._origin + at_s - now
        if not -LATEST_S < early_s < LONGEST_WAIT_S:
            self._origin, early_s = now - at_s, 0.0
        if early_s <= -self._period_s:
            return False
        self._closed.wait(max(0.0, early_s))
        return True
