"""Serves the app from a thread, beside the pipeline, and stops at once.

The socket is bound before anything else starts, so that a busy port is told to the person
who typed the command, not found in a log.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from edge.errors import SinkError

# A viewer's share of kernel memory, so also how far behind a slow one can be: two or
# three pictures. Left alone, Linux grows it to 4 MiB: seconds of old pictures.
SEND_BUFFER_BYTES = 128 * 1024
# A phone that left the house is forgotten after this, not after the kernel's 15 minutes.
_GONE_AFTER_MS = 20_000
_MAX_CONNECTIONS = 128
_GRACE_S = 0.2
_START_TIMEOUT_S = 10.0


class _Uvicorn(uvicorn.Server):
    """uvicorn that tells when it listens, and drops who still watches when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_GRACE_S, self._drop_viewers)
        await super().shutdown(sockets)

    def _drop_viewers(self) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()


class Server:
    """An app on a port.

    Args:
        app: what answers.
        host: an address or name of this machine; "0.0.0.0" or "::" for all of them.
        port: 0 takes a free one, see `address`.

    Raises:
        SinkError: the port is taken or needs root, or the host is not of this machine.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = _bind(host.strip("[]"), port)
        name = self._socket.getsockname()
        self._host, self._port = str(name[0]), int(name[1])
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_MAX_CONNECTIONS,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that was bound."""
        return self._port

    @property
    def address(self) -> str:
        """What to type into a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    def start(self) -> None:
        """Return when connections are accepted."""
        self._thread.start()
        if not self._uvicorn.listening.wait(_START_TIMEOUT_S):
            raise SinkError(
                f"the page did not start within {_START_TIMEOUT_S:.0f} s",
                hint="the log says more: journalctl -u stylecam",
            )

    def stop(self) -> None:
        """Close every connection, open streams too; return within a second."""
        self._uvicorn.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        self._uvicorn.run([self._socket])


def _bind(host: str, port: int) -> socket.socket:
    """Bind and listen: from then on the port is ours, and viewers queue until we serve."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError, OverflowError) as error:
        raise SinkError(
            f"{host!r} is not an address that can be served on ({error})",
            hint="use --host 127.0.0.1, or 0.0.0.0 for the whole network",
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        _set_options(listener)
        listener.bind(address)
        listener.listen(_MAX_CONNECTIONS)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _explain(error, host, port) from error
    return listener


def _set_options(listener: socket.socket) -> None:
    """Set what every accepted connection inherits."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GONE_AFTER_MS)


def _explain(error: OSError | OverflowError, host: str, port: int) -> SinkError:
    """Say what is wrong with an address in words, and what to type instead."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return SinkError(
            f"port {port} on {host} is taken", hint=f"choose another: --port {port + 1}"
        )
    if code == errno.EACCES:
        return SinkError(
            f"port {port} on {host} needs root, as every port below 1024",
            hint="choose a higher one: --port 8080",
        )
    if code == errno.EADDRNOTAVAIL:
        return SinkError(
            f"{host} is not an address of this machine",
            hint="use --host 127.0.0.1, or 0.0.0.0 for the whole network",
        )
    return SinkError(f"cannot serve on {host} port {port}: {error}", hint="choose --port 8080")
