"""Who may ask what: checks every request before a route sees it.

The page has no password on loopback, so what must be kept out is another website in the
owner's browser: by a host name that was pointed here (DNS rebinding) or by a request
sent across sites.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.web.problems import problem

MAX_BODY_BYTES = 4096
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}
_CHANGING = {"PUT", "POST", "PATCH", "DELETE"}
_SAME_SITE = {"same-origin", "none"}

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


class Guard:
    """ASGI middleware: refuses what is foreign and puts strict headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a problem, or hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = _refuse(scope)
        await (refused or self._app)(scope, receive, send_strict)


def _refuse(scope: Scope) -> ASGIApp | None:
    headers = Headers(scope=scope)
    if _is_loopback(scope) and _host_name(headers) not in _LOOPBACK_NAMES:
        return problem(
            421,
            f"this page is not {headers.get('host', 'a request without a Host')}",
            "open it by http://localhost or http://127.0.0.1 and the port",
        )
    if scope["method"] not in _CHANGING:
        return None
    return _refuse_change(headers)


def _refuse_change(headers: Headers) -> ASGIApp | None:
    """Refuse a change that another site may have sent, or that is not a small JSON."""
    if _is_cross_site(headers):
        return problem(403, "another website may not change anything here", "use the page itself")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return problem(
            415,
            f"the body is {kind or 'of no type'}, but must be application/json",
            "add the header Content-Type: application/json",
        )
    length = headers.get("content-length", "")
    # With both headers the chunks count, however long they are.
    if not length.isdecimal() or "transfer-encoding" in headers:
        return problem(411, "the body's length is not given", "send a Content-Length")
    if int(length) > MAX_BODY_BYTES:
        return problem(
            413, f"the body has {length} bytes, at most {MAX_BODY_BYTES} are read", "send less"
        )
    return None


def _is_cross_site(headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "none") not in _SAME_SITE:
        return True
    origin = headers.get("origin")
    try:
        return origin is not None and urlsplit(origin).netloc != headers.get("host")
    except ValueError:
        return True


def _is_loopback(scope: Scope) -> bool:
    """Tell whether the connection came in by the loopback address, whatever is bound."""
    address = (scope.get("server") or ("", 0))[0]
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _host_name(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""
