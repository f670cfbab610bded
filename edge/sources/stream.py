"""`rtsp://...` and `http://...`: a camera or server on the network, with deadlines.

The address goes to the server as it is: what stands behind `?` is the server's own.
"""

from __future__ import annotations

import errno
import socket
import time
from urllib.parse import urlsplit

import av
from av.container import InputContainer

from edge.address import masked
from edge.errors import ConfigError, SourceError
from edge.sources.live import OPEN_TIMEOUT_S, READ_TIMEOUT_S, TIMEOUTS_S, LiveVideo, within

# Not fflags=nobuffer: it throws away what was read to find out the format, the first whole
# picture with it, and a camera's next one may be ten seconds off. Reading those few packets
# takes milliseconds, and then we are at the newest.
# TCP, as lost UDP packets tear the picture and most Wi-Fi loses some. RTSP names its format
# beforehand: half a second of looking instead of two (first frame after 0.6 s, not 2.2).
_RTSP_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "analyzeduration": "500000",
}
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
# Containers that a server hands out faster than they are to be shown.
_BURSTS = ("hls", "mov", "matroska", "avi")
_SILENT = f"sent nothing for {READ_TIMEOUT_S:.0f} s"
_REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (socket.gaierror, "no such host", "check the name, or: ping {host}"),
    (av.HTTPUnauthorizedError, "wants a name and password", "{scheme}://NAME:PASSWORD@{host}"),
    (av.HTTPForbiddenError, "refuses us (403)", "check name, password and rights"),
    (av.HTTPNotFoundError, "has nothing at that path (404)", "look the path up in its manual"),
    (av.HTTPServerError, "the server failed (5xx)", "restart it, and read its log"),
    (ConnectionRefusedError, "refuses the connection", "is it on, and is the port right?"),
    (av.ExitError, _SILENT, "is it on, and in reach? ping {host}"),
    (TimeoutError, _SILENT, "is it on, and in reach? ping {host}"),
    (ConnectionError, "the connection broke", "is it still on? ping {host}"),
    (EOFError, "the stream ended", "restart the camera or server"),
    (av.InvalidDataError, "sends no video that can be read", "try it in a player: ffplay URL"),
)


def open_source(uri: str) -> LiveVideo:
    """Connect to `rtsp://`, `rtsps://`, `http://` or `https://`.

    Raises:
        ConfigError: the address names no server.
        SourceError: it is not there, refuses us, or sends no video.
    """
    name = masked(uri)
    host, port = _server(uri)

    def explain(error: Exception) -> SourceError:
        for kind, reason, hint in _REASONS:
            if isinstance(error, kind):
                hint = hint.format(scheme=uri.partition(":")[0], host=host)
                return SourceError(f"{name}: {reason}", hint=hint)
        if getattr(error, "errno", 0) == errno.EIO:  # HTTP without an end
            return SourceError(f"{name}: the connection broke", hint=f"is it on? ping {host}")
        reason = getattr(error, "strerror", None) or type(error).__name__
        return SourceError(f"{name}: {reason}", hint="try it in a player: ffplay URL")

    began = time.monotonic()
    try:
        _knock(host, port)
        container = _connect(uri)
    except (av.FFmpegError, OSError) as error:
        # FFmpeg calls a silent RTSP server invalid data
        late = time.monotonic() - began >= OPEN_TIMEOUT_S
        raise explain(TimeoutError() if late else error) from error
    return LiveVideo(container, name, explain, paced=container.format.name.startswith(_BURSTS))


def _server(uri: str) -> tuple[str, int]:
    try:
        parts = urlsplit(uri)
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ConfigError(f"source {masked(uri)!r}: its port is not a number") from None
    if not parts.hostname:
        raise ConfigError(
            f"source {masked(uri)!r} names no server", hint="rtsp://camera.local/stream"
        )
    return parts.hostname, port


def _knock(host: str, port: int) -> None:
    """Raise unless the server can be reached, in time.

    FFmpeg gives one vague error for every reason, and its name look-up has no deadline:
    without a network a resolver blocks for minutes.
    """

    def knock() -> None:
        socket.create_connection((host, port), OPEN_TIMEOUT_S).close()

    try:
        within(OPEN_TIMEOUT_S, knock)
    except UnicodeError as error:
        raise socket.gaierror(f"{host!r} is not a host name") from error


def _connect(uri: str) -> InputContainer:
    options = _RTSP_OPTIONS if uri.startswith("rtsp") else {}
    return av.open(uri, options=options, timeout=TIMEOUTS_S)
