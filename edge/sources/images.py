"""`images:folder/?fps=25`: pictures in the order of their names.

One a second unless told otherwise: photos, not frames. The first picture that can be read
sets the size; the others are fitted into it with nothing cut off.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from edge.address import Address
from edge.errors import ConfigError, SourceError
from edge.pixels import Frame, Pixels, at_size, read_image

log = logging.getLogger(__name__)
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"))


class ImagesSource:
    """Shows picture files one after another, once or for ever.

    Args:
        paths: in the order to show them.
        where: what to call them all in errors.

    Raises:
        SourceError: none of them can be read.
    """

    live = False

    def __init__(self, paths: list[Path], where: str, *, fps: float, loop: bool = False) -> None:
        self.fps = fps
        self._paths, self._where, self._loop = paths, where, loop
        self._closed = threading.Event()
        first = next((picture for picture in map(_read, paths) if picture is not None), None)
        if first is None:
            raise self._unreadable()
        self.height, self.width = first.shape[:2]

    def _unreadable(self) -> SourceError:
        return SourceError(
            f"{self._where}: none of {len(self._paths)} pictures can be read",
            hint="give JPEG, PNG, WebP, BMP or TIFF files",
        )

    def frames(self) -> Iterator[Frame]:
        """Yield the pictures; those that cannot be read are named in the log and left out.

        Raises:
            SourceError: none can be read any more.
        """
        sequence = 0
        while True:
            before = sequence
            for picture in self._pictures():
                pixels = at_size(picture, self.height, self.width)
                yield Frame(pixels, sequence, time.monotonic_ns())
                sequence += 1
            if self._closed.is_set():
                return
            if sequence == before:
                raise self._unreadable()
            if not self._loop:
                return

    def _pictures(self) -> Iterator[Pixels]:
        skipped = 0
        for path in self._paths:
            if self._closed.is_set():
                return
            picture = _read(path, tell=True)
            if picture is None:
                skipped += 1
            else:
                yield picture
        if skipped:
            log.warning("%s: %d of %d pictures left out", self._where, skipped, len(self._paths))

    def close(self) -> None:
        """End frames() at the next picture."""
        self._closed.set()


def _read(path: Path, *, tell: bool = False) -> Pixels | None:
    try:
        return read_image(path)
    except SourceError as error:
        if tell:
            log.warning("left out: %s", error.message)
        return None


def _find(place: str) -> list[Path]:
    """Return a folder's pictures, or the files that a pattern names, by name."""
    path = Path(place)
    if path.is_dir():
        return sorted(
            entry
            for entry in path.iterdir()
            if entry.suffix.lower() in SUFFIXES and entry.is_file()
        )
    return sorted(entry for entry in path.parent.glob(path.name) if entry.is_file())


def open_source(uri: str) -> ImagesSource:
    """Open `images:FOLDER` or `images:FOLDER/*.jpg`; options: fps=N, loop=1.

    Raises:
        ConfigError: an option is not known.
        SourceError: no picture there can be read.
    """
    address = Address(uri, ["fps", "loop"])
    if not address.place:
        raise ConfigError(f"source {uri!r} names no folder", hint="images:photos/")
    try:
        paths = _find(address.place)
    except PermissionError as error:
        raise SourceError(f"{address.place}: may not be read", hint="chmod a+rx it") from error
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{address.place}: not a folder or a pattern of names ({error})", hint="images:photos/"
        ) from error
    if not paths:
        raise SourceError(
            f"{address.place}: no pictures there", hint=f"looked for: {', '.join(sorted(SUFFIXES))}"
        )
    fps = address.number("fps", 1.0, 0.01, 1000)
    return ImagesSource(paths, address.place, fps=fps, loop=address.flag("loop"))
