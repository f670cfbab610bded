"""What the web may ask of the daemon, and the JSON that comes of it."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from edge.sinks.web import WebSink

State: TypeAlias = Literal["starting", "running", "camera lost", "ended", "failed"]
Strength = Annotated[float, Field(ge=0.0, le=1.0, description="0 is the camera, 1 the style.")]


class Latency(BaseModel):
    """Milliseconds from capture to publication, over the last seconds; null before frames."""

    median: float | None = None
    p95: float | None = None


class Status(BaseModel):
    """What the daemon is doing right now."""

    version: str
    style: str = Field(description="Name of the active style.")
    title: str = Field(description="The style's name for people.")
    strength: Strength
    state: State
    message: str = Field("", description="What is wrong and what to do, when something is.")
    fps: float = Field(description="Styled frames delivered per second.")
    latency_ms: Latency = Latency()
    stages_ms: dict[str, float] = Field({}, description="Median time of each pipeline stage.")
    dropped: dict[str, int] = Field({}, description="Frames left out, by the reason.")
    engine: dict[str, str | int] = Field({}, description="What really runs the network.")
    source: str
    height: int = Field(ge=0, description="Of the styled picture; 0 until it is known.")
    width: int = Field(ge=0)
    uptime_s: float


class WebCost(BaseModel):
    """What the viewers cost."""

    viewers: int = Field(description="Open streams.")
    encodes: int = Field(description="JPEGs made since the start, for all viewers together.")
    encode_ms: float = Field(description="Time to make one, smoothed.")


class StatusReport(Status):
    """The daemon's status and the web's own."""

    web: WebCost


class StyleInfo(BaseModel):
    """One style that can be chosen."""

    name: str
    title: str
    description: str = ""
    author: str = ""
    licence: str = ""
    preview: bool = Field(False, description="Whether it has a preview picture.")
    active: bool = False


class StyleChoice(BaseModel):
    """The style to change to."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=64, examples=["wave"])


class StrengthChoice(BaseModel):
    """The strength to change to."""

    model_config = ConfigDict(extra="forbid")

    strength: Strength


class Health(BaseModel):
    """The appliance is well: frames are being delivered."""

    status: Literal["ok"] = "ok"
    fps: float
    frame_age_s: float = Field(description="Seconds since the last delivered frame.")


class Problem(BaseModel):
    """Every error: what is wrong, and what to do about it."""

    error: str
    hint: str = ""


class Control(Protocol):
    """The daemon, as the web sees it; called from worker threads, one request each.

    Attributes:
        hub: where the pipeline writes its frames for viewers.
    """

    @property
    def hub(self) -> WebSink:
        """The sink that viewers watch."""

    def status(self) -> Status:
        """Tell the state of everything; quick, as the page asks each second."""

    def styles(self) -> list[StyleInfo]:
        """List what can be chosen, in the order to show."""

    def preview(self, name: str) -> bytes:
        """Return a style's preview as JPEG.

        Raises:
            BundleError: no such style, or it has no preview.
        """

    def set_style(self, name: str) -> None:
        """Change the style while running; the old one stays when the new one fails.

        Raises:
            BundleError: no such style, or a bad bundle.
            EngineError: the engine does not run it.
        """

    def set_strength(self, value: float) -> None:
        """Blend between the camera (0.0) and the style (1.0)."""
