"""The daemon: builds every part from the configuration, in one place, and keeps it running.

Read `Daemon.__init__` as the parts list. It is also what the page controls.
"""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from edge import __version__
from edge.address import masked
from edge.bundle import Bundle
from edge.config import AUTO, Config
from edge.engines import Engine, load_engine
from edge.errors import BundleError
from edge.pipeline import Look, Pipeline
from edge.pixels import Fit
from edge.sinks import Sink, Video, open_sink
from edge.sinks.web import WebSink
from edge.sources import open_source
from edge.sources.v4l2 import find_cameras
from edge.styles import open_style, style_names
from edge.web.app import create_app
from edge.web.control import Latency, Status, StyleInfo
from edge.web.server import Server

log = logging.getLogger(__name__)
SAMPLE = Path(__file__).parent / "samples" / "flight.mp4"


def resolve_source(uri: str) -> str:
    """Return the URI that `auto` stands for: the first camera, else the sample clip."""
    if uri != AUTO:
        return uri
    cameras = find_cameras()
    return f"v4l2:{cameras[0]}" if cameras else f"file:{SAMPLE}?loop=1"


def _shipped(name: str) -> Bundle:
    """Open a style by its name alone: the page may not reach the file system by a path."""
    if name not in style_names():
        names = ", ".join(style_names())
        raise BundleError(f"no style is named {name!r}", hint=f"there are: {names}")
    return open_style(name)


class Daemon:
    """One source, one style, its sinks and its page.

    Every part is opened here, so that whatever is wrong is said before anything runs.

    Raises:
        StylecamError: a part cannot be had; what was opened before it is closed again.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.source_uri = resolve_source(config.source)
        self._swapping = threading.Lock()
        self._bundle = open_style(config.style)
        with ExitStack() as undo:
            source = open_source(self.source_uri)
            undo.callback(source.close)
            self._picture = (source.height, source.width)
            engine = self._load(self._bundle)
            video = Video(source.height, source.width, source.fps, source.live)
            sinks: list[Sink] = []
            for uri in config.sinks:
                sinks.append(open_sink(uri, video))
                undo.callback(sinks[-1].discard)
            self.pipeline = Pipeline(
                source,
                Look(engine, config.strength),
                sinks,
                reopen=lambda: open_source(self.source_uri),
                frames=config.frames,
            )
            self._hub = next((sink for sink in sinks if isinstance(sink, WebSink)), None)
            self._server = self._serve() if self._hub else None
            undo.pop_all()

    def _serve(self) -> Server:
        web = self.config.web
        self.hub.quality = web.jpeg_quality
        return Server(create_app(self), web.host, web.port)

    @property
    def hub(self) -> WebSink:
        """Where the page's viewers watch; the page is served only when there is one."""
        assert self._hub is not None
        return self._hub

    @property
    def address(self) -> str | None:
        """The page's URL, or None without one."""
        return self._server.address if self._server else None

    def start(self) -> None:
        """Start the pipeline, then the page."""
        self.pipeline.start()
        if self._server:
            self._server.start()

    def stop(self) -> None:
        """End the pipeline and the page, within a second unless a recording takes longer."""
        self.pipeline.stop()
        self.pipeline.wait(None if any(sink.lossless for sink in self.pipeline.sinks) else 0.5)
        if self._server:
            self._server.stop()

    def _load(self, bundle: Bundle) -> Engine:
        config = self.config
        return load_engine(bundle, config.engine, picture=self._picture, threads=config.threads)

    def set_style(self, name: str) -> None:
        """Change to a shipped style while running.

        Raises:
            BundleError: no such style; what runs goes on.
        """
        with self._swapping:
            bundle = _shipped(name)
            engine = self._load(bundle)
            self.pipeline.look = replace(self.pipeline.look, engine=engine)
            self._bundle = bundle
        log.info("style changed to %s", name)

    def set_strength(self, value: float) -> None:
        """Mix the style with the camera's picture: 0.0 camera, 1.0 style."""
        with self._swapping:
            self.pipeline.look = replace(self.pipeline.look, strength=value)

    def styles(self) -> list[StyleInfo]:
        """List the shipped styles."""
        return [self._info(open_style(name)) for name in style_names()]

    def _info(self, bundle: Bundle) -> StyleInfo:
        manifest = bundle.manifest
        return StyleInfo(
            name=manifest.name,
            title=manifest.title,
            description=manifest.description,
            author=manifest.author,
            licence=manifest.licence,
            preview="preview.jpg" in bundle.files,
            active=manifest.name == self._bundle.manifest.name,
        )

    def preview(self, name: str) -> bytes:
        """Return a shipped style's preview as JPEG."""
        preview = _shipped(name).files.get("preview.jpg")
        if preview is None:
            raise BundleError(f"style {name} has no preview", hint="quantize it again")
        return preview

    def status(self) -> Status:
        """Tell what runs, how fast, and what is wrong."""
        report, look = self.pipeline.health.report(), self.pipeline.look
        fit = Fit.inside(self._picture, (look.engine.height, look.engine.width))
        return Status(
            style=self._bundle.manifest.name,
            title=self._bundle.manifest.title,
            strength=look.strength,
            state=report.state,
            message=report.message,
            fps=report.fps,
            latency_ms=Latency(median=report.latency_ms, p95=report.latency_p95_ms),
            stages_ms=report.stages,
            dropped=report.dropped,
            engine=look.engine.describe().as_dict(),
            source=masked(self.source_uri),
            height=fit.inner_height,
            width=fit.inner_width,
            uptime_s=report.uptime_s,
            version=__version__,
        )
