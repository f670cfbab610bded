"""Cameras on the network: a real MJPEG server, a silent one, and a real RTSP server."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest
import simplejpeg

from edge.sources.pattern import draw

SYSTEM_PYTHON = "/usr/bin/python3"
CREDENTIALS = "Basic " + base64.b64encode(b"viewer:s3cret").decode()


class MjpegCamera(ThreadingHTTPServer):
    """Serves /cam (the pattern as multipart JPEG), /private (with a password), /file."""

    daemon_threads = True

    def __init__(self, *, fps: float = 30, video: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fps, self.video = fps, video
        self.dead, self.frozen = threading.Event(), threading.Event()
        self.requests: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.server_address[1]}{path}"

    def kill(self) -> None:
        """Drop every connection, as a camera does that loses its power."""
        self.dead.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        camera = cast("MjpegCamera", self.server)
        camera.requests.append(self.path)
        path = self.path.partition("?")[0]
        with contextlib.suppress(ConnectionError):
            if path == "/private" and self.headers.get("Authorization") != CREDENTIALS:
                self._answer(401, "WWW-Authenticate", 'Basic realm="camera"')
            elif path == "/file" and camera.video is not None:
                self._send(camera.video.read_bytes())
            elif path == "/text":
                self._send(b"<html>the camera's settings</html>" * 100)
            elif path in ("/cam", "/private"):
                self._stream(camera)
            else:
                self._answer(404, "Content-Length", "0")

    def _answer(self, code: int, header: str, value: str) -> None:
        self.send_response(code)
        self.send_header(header, value)
        self.end_headers()

    def _send(self, body: bytes) -> None:
        self._answer(200, "Content-Length", str(len(body)))
        self.wfile.write(body)

    def _stream(self, camera: MjpegCamera) -> None:
        self._answer(200, "Content-Type", "multipart/x-mixed-replace; boundary=frame")
        number = 0
        while not camera.dead.wait(1 / camera.fps):
            if camera.frozen.is_set():
                continue
            jpeg = simplejpeg.encode_jpeg(draw(120, 160, number), quality=90)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            number += 1

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accept connections and never say a word; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class RtspCamera:
    """A GStreamer RTSP server in a process of its own; skips the test where it is missing."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("rtsp_camera.py")
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = self._process.stdout.readline().strip()
        if not self.port:
            _, complaint = self._process.communicate()
            reason = f"no RTSP server here (apt install gir1.2-gst-rtsp-server-1.0): {complaint}"
            # a machine that proves the project has to have one
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)

    def url(self, path: str = "/cam") -> str:
        return f"rtsp://127.0.0.1:{self.port}{path}"

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()
