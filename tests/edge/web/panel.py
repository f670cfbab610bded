"""A small daemon for the web's tests: real hub, real HTTP, frames written by the test."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import simplejpeg

from edge.errors import BundleError, EngineError
from edge.pixels import Frame, Pixels
from edge.sinks.web import WebSink
from edge.web.app import create_app
from edge.web.control import State, Status, StyleInfo
from edge.web.server import Server


def noise(seed: int, height: int, width: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


class Panel:
    """What the web controls, with three styles, of which one does not load."""

    titles = {"wave": "The Wave", "night": "The Night", "broken": "Broken"}  # noqa: RUF012

    def __init__(self) -> None:
        self.hub = WebSink()
        self.style, self.strength = "wave", 1.0
        self.state: State = "running"
        self.message = ""

    def write(self, sequence: int = 0, height: int = 48, width: int = 64) -> None:
        pixels = noise(sequence, height, width)
        self.hub.write(Frame(pixels, sequence, time.monotonic_ns(), 255 - pixels))

    def status(self) -> Status:
        return Status(
            version="0.0.0", style=self.style, title=self.titles[self.style],
            strength=self.strength, state=self.state, message=self.message, fps=25.0,
            source="pattern:", height=48, width=64, uptime_s=1.0,
        )  # fmt: skip

    def styles(self) -> list[StyleInfo]:
        return [
            StyleInfo(name=name, title=title, preview=name == "wave", active=name == self.style)
            for name, title in self.titles.items()
        ]

    def preview(self, name: str) -> bytes:
        if name != "wave":
            raise BundleError(f"no style is named {name!r}", hint="there are: wave")
        return simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8))

    def set_style(self, name: str) -> None:
        if name not in self.titles:
            raise BundleError(f"no style is named {name!r}", hint="there are: wave, night")
        if name == "broken":
            raise EngineError("broken.stylecam: the model does not load", hint="quantize it again")
        self.style = name

    def set_strength(self, value: float) -> None:
        self.strength = value


@contextmanager
def serving(panel: Panel) -> Iterator[Server]:
    """Serve a panel on a free port."""
    server = Server(create_app(panel), "127.0.0.1", 0)
    server.start()
    try:
        yield server
    finally:
        panel.hub.close()
        server.stop()


@contextmanager
def open_stream(server: Server, query: str = "") -> Iterator[http.client.HTTPResponse]:
    """Ask for the stream, and stay until the body of the `with` is done."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", f"/stream.mjpg{query}")
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def read_part(response: http.client.HTTPResponse) -> tuple[dict[str, str], bytes]:
    """Read one part as a plain client does: boundary, fields, Content-Length bytes."""
    assert response.readline() == b"--frame\r\n"
    fields = dict[str, str]()
    while line := response.readline().strip():
        name, _, value = line.decode().partition(": ")
        fields[name] = value
    jpeg = response.read(int(fields["Content-Length"]))
    assert response.read(2) == b"\r\n"
    return fields, jpeg
