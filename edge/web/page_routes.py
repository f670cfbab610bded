"""The page and its files, read once from the package.

The picture's shape is written into the stylesheet, so that nothing moves on the page when
the first frame comes.
"""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, Response

from edge.web.control import Control

_FOLDER = resources.files("edge.web") / "page"
_FILES = {
    "page.js": "text/javascript",
    "player.js": "text/javascript",
    "stage.js": "text/javascript",
    "stream.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
}
# The page belongs to this version of the daemon: ask each time, after an update too.
_NO_CACHE = {"Cache-Control": "no-cache"}


def page_routes(control: Control) -> APIRouter:
    """Build the routes of the page; a file of the package is named here or not served."""
    router = APIRouter(tags=["page"])
    for name, kind in _FILES.items():
        _add_file(router, name, kind)
    page = _read("index.html")
    stylesheet = _read("page.css").decode()

    @router.get("/", summary="The page", response_class=Response)
    async def index() -> Response:
        """Return the page for people."""
        return Response(page, media_type="text/html", headers=_NO_CACHE)

    @router.get("/page.css", summary="The page's stylesheet", response_class=Response)
    def style_sheet() -> Response:
        """Return the stylesheet with the picture's shape in it."""
        height, width = control.hub.shape or (480, 640)
        shaped = stylesheet.replace("--width: 640", f"--width: {width}").replace(
            "--height: 480", f"--height: {height}"
        )
        return Response(shaped, media_type="text/css", headers=_NO_CACHE)

    return router


def _add_file(router: APIRouter, name: str, kind: str) -> None:
    content = _read(name)

    @router.get(f"/{name}", summary=f"The page's {name}", response_class=Response, name=name)
    async def read_file() -> Response:
        """Return one of the page's files."""
        return Response(content, media_type=kind, headers=_NO_CACHE)


def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
