"""The JSON interface: what runs, what can be chosen, and choosing it.

Routes that call the daemon are plain functions: they run in a worker thread, so that a
style which takes a second to load never stops a stream.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Response

from edge.web.control import (
    Control,
    Health,
    Status,
    StatusReport,
    StrengthChoice,
    StyleChoice,
    StyleInfo,
    WebCost,
)
from edge.web.problems import problem, responses

# Three missed watchdog-like seconds: longer than loading a style, shorter than patience.
STALE_AFTER_S = 5.0

StylePath = Annotated[str, Path(max_length=64, description="A style's name.")]


def api_routes(control: Control) -> APIRouter:
    """Build the routes that speak JSON."""
    router = APIRouter()
    router.include_router(_status_routes(control), tags=["status"])
    router.include_router(_style_routes(control), tags=["styles"])
    return router


def _status_routes(control: Control) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/healthz", summary="Is it delivering frames?", response_model=Health,
        responses=responses(503),
    )  # fmt: skip
    def healthz() -> Response | Health:
        """Return 200 only when a styled frame was delivered in the last few seconds."""
        status, age_s = control.status(), control.hub.age_s
        if status.state != "running":
            return problem(503, f"state: {status.state}", status.message)
        if age_s is None or age_s > STALE_AFTER_S:
            late = "no frame yet" if age_s is None else f"no frame for {age_s:.0f} s"
            return problem(503, late, "the log says more: journalctl -u stylecam")
        return Health(fps=status.fps, frame_age_s=round(age_s, 3))

    @router.get("/api/status", summary="What is running")
    def read_status() -> StatusReport:
        """Return state, style, speed, latency and cost."""
        return _report(control)

    return router


def _style_routes(control: Control) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/styles", summary="What can be chosen")
    def list_styles() -> list[StyleInfo]:
        """List the styles in the order to show."""
        return control.styles()

    @router.get(
        "/styles/{name}/preview.jpg",
        summary="A style's preview picture",
        response_class=Response,
        responses={
            200: {"content": {"image/jpeg": {}}, "description": "A JPEG."},
            **responses(404, 422),
        },
    )
    def preview(name: StylePath) -> Response:
        """Return the preview that came with the style."""
        headers = {"Cache-Control": "max-age=3600"}
        return Response(control.preview(name), media_type="image/jpeg", headers=headers)

    errors = responses(400, 403, 404, 411, 413, 415, 422, 500)

    @router.put("/style", summary="Change the style", responses=errors)
    def change_style(choice: StyleChoice) -> StatusReport:
        """Change to a style by name; the picture goes on without a break."""
        control.set_style(choice.name)
        return _report(control)

    @router.put("/strength", summary="Change the strength", responses=errors)
    def change_strength(choice: StrengthChoice) -> StatusReport:
        """Blend between the camera (0) and the style (1)."""
        control.set_strength(choice.strength)
        return _report(control)

    return router


def _report(control: Control) -> StatusReport:
    status: Status = control.status()
    cost = WebCost(**asdict(control.hub.stats()))
    return StatusReport(**status.model_dump(), web=cost)
