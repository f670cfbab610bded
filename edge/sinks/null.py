"""`null:`: counts frames and drops them, to measure everything but the sinks."""

from __future__ import annotations

from edge.address import Address
from edge.errors import ConfigError
from edge.pixels import Frame
from edge.sinks import Video


class NullSink:
    """Attributes: frames, how many it was given."""

    lossless = False

    def __init__(self) -> None:
        self.frames = 0

    def write(self, frame: Frame) -> None:
        """Count a frame."""
        self.frames += 1

    def close(self) -> None:
        """Do nothing: there is nothing to finish."""

    def discard(self) -> None:
        """Do nothing: there is nothing to remove."""


def open_sink(uri: str, video: Video) -> NullSink:
    """Open `null:`; ConfigError when more stands there."""
    if Address(uri).place:
        raise ConfigError(f"sink {uri!r}: null takes no name", hint="null:")
    return NullSink()
