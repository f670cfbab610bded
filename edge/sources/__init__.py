"""Sources yield camera frames; each is named by a URI and is one module of this folder.

A source yields frames or raises SourceError; it never hangs. A live source (a camera, a
stream) loses the frames that nobody takes; one that is not live (a file) waits.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Protocol, cast

from edge.errors import ConfigError
from edge.pixels import Frame

# scheme -> module; each has `open_source(uri) -> Source`.
SOURCES = {
    "file": "file",
    "images": "images",
    "v4l2": "v4l2",
    "http": "stream",
    "https": "stream",
    "rtsp": "stream",
    "rtsps": "stream",
    "pattern": "pattern",
}


class Source(Protocol):
    """An opened source.

    Attributes:
        height, width: of its frames, pixels.
        fps: its nominal frame rate.
        live: True where frames come at their own pace and cannot be had again.
    """

    height: int
    width: int
    fps: float
    live: bool

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source ends; raise SourceError when it fails."""

    def close(self) -> None:
        """Let go of the device; called once, from any thread, also while frames are read."""


class _SourceModule(Protocol):
    def open_source(self, uri: str) -> Source: ...


def open_source(uri: str) -> Source:
    """Open a source by its URI, such as `v4l2:/dev/video0` or `file:clip.mp4?loop=1`.

    Raises:
        ConfigError: the URI is not of a known kind.
        SourceError: nothing is there, or it gives no frames.
    """
    scheme, colon, _ = uri.partition(":")
    if not colon or scheme not in SOURCES:
        raise ConfigError(
            f"source {uri!r} is not of a known kind",
            hint=f"begin it with one of: {', '.join(f'{name}:' for name in SOURCES)}",
        )
    module = importlib.import_module(f"edge.sources.{SOURCES[scheme]}")
    return cast("_SourceModule", module).open_source(uri)
