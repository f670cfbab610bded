"""Engines run one variant of a bundle: a frame in, a styled frame out.

An engine is a module of this folder with `load(bundle, variant, threads) -> Engine`,
imported only when it is asked for: each brings a runtime of its own.
"""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from typing import Protocol, cast

import numpy as np

from edge.bundle import Bundle, Variant
from edge.errors import EngineError, MissingPackageError
from edge.pixels import Pixels

# TFLite first: as fast as OpenVINO here, and loaded in a tenth of the time.
ENGINES = ("tflite", "openvino")
AUTO = "auto"


@dataclass(frozen=True)
class EngineReport:
    """What really runs, for logs, the page and reports."""

    engine: str
    library: str
    version: str
    device: str
    precision: str
    threads: int
    height: int
    width: int

    def as_dict(self) -> dict[str, str | int]:
        """Return the fields by name."""
        return asdict(self)


class Engine(Protocol):
    """Runs a generator on frames of exactly (height, width)."""

    height: int
    width: int

    def __call__(self, pixels: Pixels) -> Pixels:
        """Restyle one (height, width, 3) uint8 RGB picture; the result is the caller's own."""

    def describe(self) -> EngineReport:
        """Tell which library, version and device run it."""


class _EngineModule(Protocol):
    def load(self, bundle: Bundle, variant: Variant, threads: int) -> Engine: ...


def load_engine(
    bundle: Bundle,
    name: str = AUTO,
    *,
    precision: str = "int8",
    picture: tuple[int, int] | None = None,
    threads: int = 0,
) -> Engine:
    """Load the engine that runs a bundle here, and see that it draws.

    Args:
        bundle: the style.
        name: one of ENGINES, or "auto": the first of them that loads.
        precision: "int8", "fp16" or "fp32".
        picture: (height, width) of the source, to choose the variant that fits best.
        threads: how many the engine may use; 0 lets it choose.

    Raises:
        EngineError: unknown engine, no such variant, the runtime refuses the model, or what
            it draws is one flat colour.
        MissingPackageError: its package is not installed.
    """
    if name == AUTO:
        return _load_first(bundle, precision, picture, threads)
    if name not in ENGINES:
        raise EngineError(
            f"no engine is named {name!r}",
            hint=f"choose one of: {AUTO}, {', '.join(ENGINES)}",
        )
    variant = bundle.choose(name, precision, picture)
    if variant is None:
        raise EngineError(
            f"{bundle.path}: has no {precision} model for {name}",
            hint=f"see what it holds: stylecam bundle inspect {bundle.path}",
        )
    module = cast("_EngineModule", importlib.import_module(f"edge.engines.{name}"))
    engine = module.load(bundle, variant, threads)
    _prove(engine, bundle)
    return engine


def _prove(engine: Engine, bundle: Bundle) -> None:
    """Style a ramp of greys: a model can load and yet be half a model."""
    ramp = np.linspace(0, 255, engine.width, dtype=np.uint8)
    try:
        styled = engine(np.tile(ramp[None, :, None], (engine.height, 1, 3)))
    except (RuntimeError, ValueError) as error:
        raise EngineError(
            f"{bundle.path}: {engine.describe().engine} cannot run its model ({error})",
            hint="the file is damaged: copy it again, or quantize the style again",
        ) from error
    if styled.min() == styled.max():
        raise EngineError(
            f"{bundle.path}: {engine.describe().engine} draws one flat colour",
            hint="try the other engine with --engine, or quantize the style again",
        )


def _load_first(
    bundle: Bundle, precision: str, picture: tuple[int, int] | None, threads: int
) -> Engine:
    missing: list[MissingPackageError] = []
    for name in ENGINES:
        if bundle.choose(name, precision, picture) is None:
            continue
        try:
            return load_engine(bundle, name, precision=precision, picture=picture, threads=threads)
        except MissingPackageError as error:
            missing.append(error)
    if missing:
        raise missing[0]
    raise EngineError(
        f"{bundle.path}: has no {precision} model for {' or '.join(ENGINES)}",
        hint=f"see what it holds: stylecam bundle inspect {bundle.path}",
    )
