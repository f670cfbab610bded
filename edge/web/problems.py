"""Every error leaves as the same JSON: what is wrong and a hint, never a traceback."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from edge.errors import BundleError, ConfigError, SourceError, StylecamError
from edge.web.control import Problem

# First that fits; anything else of ours is a failure of this device: 500.
_STATUS: tuple[tuple[type[StylecamError], int], ...] = (
    (BundleError, 404),
    (ConfigError, 422),
    (SourceError, 503),
)
_HINTS = {
    404: "see what there is: /openapi.json",
    405: "see what there is: /openapi.json",
}


def problem(status: int, error: str, hint: str = "") -> JSONResponse:
    """Build the response for one error."""
    return JSONResponse(Problem(error=error, hint=hint).model_dump(), status)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe a route's errors for /openapi.json."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every kind of error in our form."""
    app.add_exception_handler(StylecamError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StylecamError)
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    return problem(status, error.message, error.hint)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, f"{where}: {first['msg']}", "see what is allowed: /openapi.json")


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(
        error.status_code,
        f"{request.method} {request.url.path}: {error.detail}",
        _HINTS.get(error.status_code, ""),
    )


def _unforeseen(request: Request, _error: Exception) -> JSONResponse:
    """Hide the traceback from the network: it is raised again, into the log."""
    return problem(
        500,
        f"{request.method} {request.url.path}: a fault of ours",
        "the log says more: journalctl -u stylecam",
    )
