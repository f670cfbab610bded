"""The real thing for the browser tests: `stylecam run` in a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
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


class Wire:
    """A TCP relay in front of the appliance, whose open connections can go dead silently."""

    def __init__(self, address: str) -> None:
        self._target = int(address.rpartition(":")[2])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        self._cut = set[socket.socket]()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """From now on, what is open carries nothing more, and nobody is told."""
        self._cut.update(self._sockets)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if source not in self._cut:
                    target.sendall(data)
            if source not in self._cut:
                target.shutdown(socket.SHUT_WR)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
