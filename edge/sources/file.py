"""`file:clip.mp4?loop=1&live=1`: a video file, or one that stands in for a camera.

The file is read again from its name at each loop, not rewound: FFmpeg's seeking lands
elsewhere in half of the formats.
"""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av

from edge.address import Address
from edge.errors import ConfigError, SourceError
from edge.pixels import Frame, at_size, to_rgb
from edge.sources.clip import Clip
from edge.sources.pace import Pace


class FileSource:
    """Plays a video file, once or for ever, as fast as it is read or at its own rate.

    Args:
        path: the file.
        loop: begin again at the end, for ever.
        live: behave as a camera: frames come at the file's rate, late ones are lost.

    Raises:
        SourceError: there is no such file, or it holds no video that can be decoded.
    """

    def __init__(self, path: Path, *, loop: bool = False, live: bool = False) -> None:
        _check(path)
        self.live = live
        self._path, self._loop = path, loop
        self._closed = threading.Event()
        with Clip(path) as clip:
            self.fps = clip.fps
            self.height, self.width = to_rgb(clip.first()).shape[:2]

    def frames(self) -> Iterator[Frame]:
        """Yield every frame; with `live`, those that the reader is in time for."""
        pace = Pace(self.fps, self._closed) if self.live else None
        for sequence, picture in enumerate(self._pictures()):
            if self._closed.is_set():
                return
            if pace is None or pace.wait(sequence / self.fps):
                pixels = at_size(to_rgb(picture), self.height, self.width)
                yield Frame(pixels, sequence, time.monotonic_ns())

    def _pictures(self) -> Iterator[av.VideoFrame]:
        while True:
            with Clip(self._path) as clip:
                yield from clip.pictures()
            if not self._loop:
                return

    def close(self) -> None:
        """End frames() at the next frame."""
        self._closed.set()


def _check(path: Path) -> None:
    """Raise for what FFmpeg would name less clearly than we can."""
    try:
        info = path.stat()
        if stat.S_ISREG(info.st_mode):
            path.open("rb").close()
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file", hint=f"ls {path.parent}") from error
    except PermissionError as error:
        raise SourceError(f"{path}: may not be read", hint=f"chmod a+r {path}") from error
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror})", hint="check its name and its disk"
        ) from error
    if stat.S_ISDIR(info.st_mode):
        raise SourceError(
            f"{path}: is a folder, not a video file", hint=f"for pictures: images:{path}"
        )
    if not stat.S_ISREG(info.st_mode):
        raise SourceError(f"{path}: is not a file", hint=f"for a camera: v4l2:{path}")
    if info.st_size == 0:
        raise SourceError(f"{path}: the file is empty", hint="copy or record it again")


def open_source(uri: str) -> FileSource:
    """Open `file:PATH`; options: loop=1, live=1.

    Raises:
        ConfigError: an option is not known.
        SourceError: the file cannot be played.
    """
    address = Address(uri, ["loop", "live"])
    if not address.place:
        raise ConfigError(f"source {uri!r} names no file", hint="file:clip.mp4")
    return FileSource(Path(address.place), loop=address.flag("loop"), live=address.flag("live"))
