"""The web app: a parts list of what answers on the port."""

from __future__ import annotations

from fastapi import FastAPI

from edge import __version__
from edge.web import problems
from edge.web.api import api_routes
from edge.web.control import Control
from edge.web.guard import Guard
from edge.web.page_routes import page_routes
from edge.web.pictures import picture_routes

_DESCRIPTION = "Restyled live video: watch it, choose a style, ask how it does."


def create_app(control: Control) -> FastAPI:
    """Build the app for a running daemon; it holds no state of its own."""
    app = FastAPI(
        title="stylecam",
        description=_DESCRIPTION,
        version=__version__,
        # FastAPI's documentation pages load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(page_routes(control))
    app.include_router(picture_routes(control.hub))
    app.include_router(api_routes(control))
    problems.install(app)
    app.add_middleware(Guard)
    return app
