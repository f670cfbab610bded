"""The real thing for the browser tests: `stylecam run` in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx

from edge.styles import FOLDER

SAMPLE = FOLDER.parent / "samples" / "flight.mp4"


class Appliance:
    """The daemon on a free port, with the sample clip in place of a camera."""

    def __init__(self, source: str = f"file:{SAMPLE}?loop=1") -> None:
        self._source = source
        self.address = f"http://127.0.0.1:{_free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when styled frames come."""
        port = self.address.rpartition(":")[2]
        command = [sys.executable, "-m", "edge", "run", "--port", port]
        self._process = subprocess.Popen(
            [*command, "--source", self._source],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while not self._is_healthy():
            assert self._process.poll() is None, "the daemon ended; see its error above"
            assert time.monotonic() < until, "no styled frame within 20 s"
            time.sleep(0.05)

    def stop(self) -> float:
        """End it as systemd does; return the seconds it took."""
        if self._process is None:
            return 0.0
        began = time.monotonic()
        self._process.terminate()
        self._process.wait(10)
        self._process = None
        return time.monotonic() - began

    def status(self) -> dict[str, object]:
        answer: dict[str, object] = httpx.get(f"{self.address}/api/status").json()
        return answer

    def change(self, what: str, body: dict[str, object]) -> None:
        httpx.put(f"{self.address}/api/{what}", json=body, timeout=30).raise_for_status()

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> Appliance:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
