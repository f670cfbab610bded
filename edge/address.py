"""The address of a source or sink, `scheme:place?option=value`, and its options.

Sizes are WIDTHxHEIGHT here, as cameras and players write them (1280x720), though inside
the code it is height, width everywhere. Of a server's address (http, rtsp) nothing is
parsed: what stands behind its `?` belongs to the server.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable

from edge.errors import ConfigError

# Only words that look like options count, so that a file may be called `why?.mp4`.
_OPTIONS = re.compile(r"[a-z_]+(=[^&?]*)?(&[a-z_]+(=[^&?]*)?)*")
_FLAGS = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
_LARGEST = 8192


class Address:
    """A parsed address.

    Args:
        uri: as the user wrote it.
        allowed: the names of the options that this kind of address knows.

    Attributes:
        place: between the scheme and the options: a path, a device, a size.

    Raises:
        ConfigError: an option is unknown, given twice or has no value.
    """

    def __init__(self, uri: str, allowed: Iterable[str] = ()) -> None:
        self.uri = uri
        rest = uri.partition(":")[2]
        place, mark, query = rest.rpartition("?")
        if not mark or not _OPTIONS.fullmatch(query):
            place, query = rest, ""
        self.place = place
        self._allowed = tuple(allowed)
        self._values: dict[str, str] = {}
        for word in filter(None, query.split("&")):
            self._take(*word.partition("="))

    def _take(self, name: str, equals: str, value: str) -> None:
        if name not in self._allowed:
            raise ConfigError(f"{self.uri}: no option {name!r} here", hint=self._suggest(name))
        if not equals or not value:
            raise ConfigError(f"{self.uri}: option {name!r} has no value", hint=f"{name}=1")
        if name in self._values:
            raise ConfigError(f"{self.uri}: option {name!r} is given twice", hint="keep one")
        self._values[name] = value

    def _suggest(self, name: str) -> str:
        if not self._allowed:
            return "it takes no options"
        near = difflib.get_close_matches(name, self._allowed, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        return f"{guess}options: {', '.join(self._allowed)}"

    def _wrong(self, name: str, allowed: str) -> ConfigError:
        return ConfigError(f"{self.uri}: {name}={self._values[name]} is not {allowed}", hint="")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a switch: 1 or 0."""
        if name not in self._values:
            return default
        if self._values[name] not in _FLAGS:
            raise self._wrong(name, "0 or 1")
        return _FLAGS[self._values[name]]

    def number(self, name: str, default: float, lowest: float, highest: float) -> float:
        """Return a number between two others, both allowed; 30000/1001 is a number too."""
        if name not in self._values:
            return default
        value = parse_rate(self._values[name])
        if value is None or not lowest <= value <= highest:
            raise self._wrong(name, f"a number from {lowest:g} to {highest:g}")
        return value

    def count(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number between two others, both allowed."""
        value = self.number(name, default, lowest, highest)
        if value != int(value):
            raise self._wrong(name, f"a whole number from {lowest} to {highest}")
        return int(value)

    def word(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return one of the allowed words."""
        value = self._values.get(name, default)
        if value not in allowed:
            raise self._wrong(name, f"one of {', '.join(allowed)}")
        return value

    def size(self, name: str) -> tuple[int, int] | None:
        """Return (height, width) of an option written WIDTHxHEIGHT; None if not given."""
        if name not in self._values:
            return None
        size = parse_size(self._values[name])
        if size is None:
            raise self._wrong(name, "a size such as 1280x720 (width x height)")
        return size


def masked(uri: str) -> str:
    """Return an address that may be shown: without name, password and query of a server."""
    scheme, slashes, rest = uri.partition("://")
    if not slashes:
        return uri
    host, slash, path = rest.partition("/")
    _, at, bare = host.rpartition("@")
    path, query, _ = path.partition("?")
    return f"{scheme}://{'***@' if at else ''}{bare}{slash}{path}{'?***' if query else ''}"


def parse_size(text: str) -> tuple[int, int] | None:
    """Return (height, width) of `WIDTHxHEIGHT`, or None if it is not one up to 8192."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        return None
    width, height = int(match[1]), int(match[2])
    return (height, width) if 0 < width <= _LARGEST and 0 < height <= _LARGEST else None


def parse_rate(text: str) -> float | None:
    """Return the value of `30`, `29.97` or `30000/1001`; None for anything else."""
    above, slash, below = text.partition("/")
    try:
        value = float(above) / (float(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) else None
