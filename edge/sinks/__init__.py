"""Sinks take styled frames; each is named by a URI and is one module of this folder.

A slow sink drops frames and never slows the pipeline, save that a file made from a file
loses none: there the pipeline waits for it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol, cast

from edge.errors import ConfigError
from edge.pixels import Frame

# scheme -> module; each has `open_sink(uri, video) -> Sink`.
SINKS = {"web": "web", "file": "file", "null": "null"}


@dataclass(frozen=True)
class Video:
    """What a sink will be given: the source's size in pixels and its frame rate.

    Attributes:
        live: the frames' own times count, as a camera's rate varies and frames are lost;
            otherwise they follow one another at `fps`.
    """

    height: int
    width: int
    fps: float
    live: bool = False


class Sink(Protocol):
    """An opened sink; called from one thread.

    Attributes:
        lossless: True where every frame counts (a file); the pipeline waits for it when
            the source can wait too.
    """

    lossless: bool

    def write(self, frame: Frame) -> None:
        """Take one styled frame; raise SinkError when it cannot be kept."""

    def close(self) -> None:
        """Finish: what was written is whole and under its name after this.

        Raises:
            SinkError: the end could not be written.
        """

    def discard(self) -> None:
        """Give up: leave nothing half-written behind."""


class _SinkModule(Protocol):
    def open_sink(self, uri: str, video: Video) -> Sink: ...


def open_sink(uri: str, video: Video) -> Sink:
    """Open a sink by its URI, such as `web`, `file:out.mp4` or `null:`.

    Raises:
        ConfigError: the URI is not of a known kind.
        SinkError: it cannot be opened.
    """
    scheme = uri.partition(":")[0]
    if scheme not in SINKS:
        raise ConfigError(
            f"sink {uri!r} is not of a known kind",
            hint=f"begin it with one of: {', '.join(SINKS)}",
        )
    module = importlib.import_module(f"edge.sinks.{SINKS[scheme]}")
    return cast("_SinkModule", module).open_sink(uri, video)
