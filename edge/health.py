"""What the pipeline is doing: state, counters, and how long each stage takes.

Written by the pipeline's threads, read by the page, the log and the health check. Every
window is bounded, so that a daemon that runs for months holds as much as after a minute.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

State = Literal["starting", "running", "camera lost", "ended", "failed"]
# Two to five seconds of video: long enough for a median, short enough to feel live.
WINDOW = 100
FRESH_S = 5.0


@dataclass(frozen=True)
class Report:
    """A snapshot. Times are in milliseconds; `stages` holds medians by stage.

    Attributes:
        fps: styled frames handed to the sinks per second, over the last WINDOW frames.
        latency_ms: capture to sinks, median; latency_p95_ms: its 95th percentile.
        counts: frames captured, styled, dropped before the engine, dropped by sinks.
        age_s: since the last styled frame; None before the first.
    """

    state: State
    message: str
    fps: float
    latency_ms: float
    latency_p95_ms: float
    stages: dict[str, float]
    counts: dict[str, int]
    uptime_s: float
    age_s: float | None

    @property
    def dropped(self) -> dict[str, int]:
        """Frames left out, by where."""
        return {what: n for what, n in self.counts.items() if what.startswith("dropped")}


class Health:
    """The record that a pipeline keeps of itself; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._state: State = "starting"
        self._message = ""
        self._counts: Counter[str] = Counter()
        self._stages: dict[str, deque[float]] = {}
        self._delivered: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    def enter(self, state: State, message: str = "") -> None:
        """Change the state; the message says why, for a person."""
        with self._lock:
            self._state, self._message = state, message

    def count(self, what: str, amount: int = 1) -> None:
        """Count an event by its name."""
        with self._lock:
            self._counts[what] += amount

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body as one pass through a stage."""
        began = time.perf_counter()
        yield
        elapsed_ms = (time.perf_counter() - began) * 1e3
        with self._lock:
            self._stages.setdefault(name, deque(maxlen=WINDOW)).append(elapsed_ms)

    def deliver(self, captured_ns: int) -> None:
        """Note that a styled frame, captured at `captured_ns`, went out now."""
        now_ns = time.monotonic_ns()
        with self._lock:
            self._counts["styled"] += 1
            self._delivered.append((now_ns / 1e9, (now_ns - captured_ns) / 1e6))

    def report(self) -> Report:
        """Return a consistent snapshot."""
        with self._lock:
            delivered = list(self._delivered)
            now = time.monotonic()
            latencies = sorted(latency for _, latency in delivered) or [0.0]
            return Report(
                state=self._state,
                message=self._message,
                fps=_rate([moment for moment, _ in delivered], now),
                latency_ms=statistics.median(latencies),
                latency_p95_ms=latencies[int(0.95 * (len(latencies) - 1))],
                stages={name: statistics.median(times) for name, times in self._stages.items()},
                counts=dict(self._counts),
                uptime_s=now - self._started,
                age_s=now - delivered[-1][0] if delivered else None,
            )


def _rate(moments: list[float], now: float) -> float:
    """Return events per second; it falls towards zero when they stop coming."""
    if len(moments) < 2:
        return 0.0
    span = max(moments[-1], now - FRESH_S / 5) - moments[0]
    return (len(moments) - 1) / span if span > 0 else 0.0
