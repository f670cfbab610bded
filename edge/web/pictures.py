"""Live pictures over HTTP: the MJPEG stream and the snapshot.

A part ends with the boundary of the next one, so that a reader which looks for
boundaries shows each picture when it is whole, not one frame late.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from edge.sinks.web import Kind, Picture, WebSink
from edge.web.problems import problem, responses

BOUNDARY = "frame"
_MJPEG = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_NO_STORE = {"Cache-Control": "no-store"}

KindQuery = Annotated[
    Kind,
    Query(description="`pair`: the camera's picture above the styled one, of the same instant."),
]


async def _parts(hub: WebSink, kind: Kind) -> AsyncIterator[bytes]:
    yield f"--{BOUNDARY}\r\n".encode()
    async for picture in hub.watch(kind):
        yield _header(picture) + picture.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()
        # Sending nothing waits until the socket has room, so that the picture chosen
        # next is the newest then, not the newest when the viewer began to lag.
        yield b""


def _header(picture: Picture) -> bytes:
    fields = "\r\n".join(f"{name}: {value}" for name, value in _describe(picture).items())
    return (
        f"Content-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n{fields}\r\n\r\n"
    ).encode()


def _describe(picture: Picture) -> dict[str, str]:
    age_ms = (time.monotonic_ns() - picture.captured_ns) / 1e6
    return {
        "X-Sequence": str(picture.sequence),
        "X-Age-Ms": f"{age_ms:.1f}",
        "X-Size": f"{picture.width}x{picture.height}",
    }


def picture_routes(hub: WebSink) -> APIRouter:
    """Build the routes that carry pictures."""
    router = APIRouter(tags=["pictures"])
    jpeg = {"content": {"image/jpeg": {}}, "description": "A JPEG."}

    @router.get(
        "/stream.mjpg",
        summary="Watch live",
        response_class=StreamingResponse,
        responses={
            200: {"content": {"multipart/x-mixed-replace": {}}, "description": "Endless MJPEG."},
            **responses(422, 503),
        },
    )
    async def stream(kind: KindQuery = "styled") -> Response:
        """Stream JPEGs, each with Content-Length, X-Sequence, X-Age-Ms and X-Size."""
        if hub.closed:
            return _no_frame(hub)
        return StreamingResponse(_parts(hub, kind), media_type=_MJPEG, headers=_NO_STORE)

    @router.get(
        "/snapshot.jpg",
        summary="Take the newest picture",
        response_class=Response,
        responses={200: jpeg, **responses(422, 503)},
    )
    async def snapshot(kind: KindQuery = "styled") -> Response:
        """Return the newest picture; 503 before the first one."""
        picture = await hub.picture(kind)
        if picture is None:
            return _no_frame(hub)
        headers = {**_NO_STORE, **_describe(picture)}
        return Response(picture.jpeg, media_type="image/jpeg", headers=headers)

    return router


def _no_frame(hub: WebSink) -> Response:
    if hub.closed:
        return problem(503, "the video has ended", "start it again: stylecam run")
    return problem(503, "no picture yet", "try again in a second; /api/status says why")
