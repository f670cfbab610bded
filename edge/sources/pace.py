"""A camera's clock, for the sources that only stand in for a camera."""

from __future__ import annotations

import threading
import time

# A reader that is later than this gets a new clock instead of an endless chase.
LATEST_S = 0.5


class Pace:
    """Makes frame n due n / fps seconds after the first.

    Args:
        fps: frames per second.
        closed: ends a wait at once when it is set.
    """

    def __init__(self, fps: float, closed: threading.Event) -> None:
        self._period_s, self._closed = 1.0 / fps, closed
        self._due = time.monotonic()

    def wait(self) -> bool:
        """Wait for the next frame's moment; False when it has gone by: drop the frame."""
        late_s = time.monotonic() - self._due
        if late_s > LATEST_S:
            self._due += late_s
            late_s = 0.0
        self._due += self._period_s
        if late_s >= self._period_s:
            return False
        self._closed.wait(max(0.0, -late_s))
        return True
