"""Time networks against each other on this board: interleaved, one thread, by CPU time.

A board's speed drifts with heat, frequency and what else runs, by more than the differences
that matter. So every round runs every network, and what is compared is the ratio within a
round. CPU time leaves out the moments in which something else had the processor.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGES = ("ai-edge-litert", "tflite-runtime", "openvino", "numpy")


@dataclass(frozen=True)
class Timing:
    """One network's CPU milliseconds per frame over all rounds."""

    median_ms: float
    p10_ms: float
    p90_ms: float


@dataclass(frozen=True)
class Ratio:
    """How many times slower one network is than another, round by round."""

    median: float
    p10: float
    p90: float


class Rounds:
    """What was measured: for each network one figure per round."""

    def __init__(self, per_round_ms: Mapping[str, list[float]]) -> None:
        self.per_round_ms = {name: list(figures) for name, figures in per_round_ms.items()}

    def timing(self, name: str) -> Timing:
        """Summarise one network."""
        return Timing(*_summary(np.array(self.per_round_ms[name])))

    def ratio(self, slow: str, fast: str) -> Ratio:
        """Divide two networks' times within each round, then summarise."""
        slower, faster = (np.array(self.per_round_ms[name]) for name in (slow, fast))
        return Ratio(*_summary(slower / faster))

    def as_dict(self) -> dict[str, Any]:
        """Return every network's summary by name."""
        return {name: asdict(self.timing(name)) for name in self.per_round_ms}


def interleave(
    networks: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    frames: Callable[[str], int] = lambda _: 1,
    on_round: Callable[[int], None] = lambda _: None,
) -> Rounds:
    """Run every network in every round.

    Args:
        networks: each styles one frame when called.
        rounds: how often; odd gives a median that was really measured.
        frames: how many frames of a network a round times, so that the fast ones are not
            measured with the caches that the slow ones left behind.
        on_round: told the number of rounds done.
    """
    figures: dict[str, list[float]] = {name: [] for name in networks}
    for network in networks.values():
        network()
    for number in range(rounds):
        for name, network in networks.items():
            count = frames(name)
            if count > 1:
                # The first frame after another network fills the caches and is not counted.
                network()
            start = time.process_time_ns()
            for _ in range(count):
                network()
            figures[name].append((time.process_time_ns() - start) / count / 1e6)
        on_round(number + 1)
    return Rounds(figures)


def describe_machine() -> dict[str, Any]:
    """Name the processor and the versions that the figures hold for."""
    return {
        "processor": _processor(),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _summary(figures: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float, float]:
    median, low, high = np.percentile(figures, (50, 10, 90))
    return round(float(median), 3), round(float(low), 3), round(float(high), 3)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
