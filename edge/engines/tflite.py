"""TensorFlow Lite: ai-edge-litert, or its predecessor tflite-runtime where that is installed.

Full-integer models carry pixels as int8 with scale 1 and zero point -128, so that a
pixel is the byte with its top bit flipped: the only work outside the graph.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import numpy as np

from edge.bundle import Bundle, Variant
from edge.engines import EngineReport
from edge.errors import EngineError, MissingPackageError
from edge.pixels import Pixels

_RUNTIMES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
)
_GREETING = b"INFO: Created TensorFlow Lite XNNPACK delegate"


def _runtime() -> tuple[str, Any]:
    """Return the installed runtime's package name and module."""
    for package, module in _RUNTIMES:
        try:
            return package, importlib.import_module(module)
        except ImportError:
            continue
    raise MissingPackageError(
        "the tflite engine needs ai-edge-litert (or tflite-runtime), which is not installed",
        hint="pip install 'stylecam[tflite]'",
    )


def load(bundle: Bundle, variant: Variant, threads: int) -> TfliteEngine:
    """Load a TFLite variant from memory."""
    package, module = _runtime()
    threads = threads or os.cpu_count() or 1
    (model,) = bundle.read(variant)
    try:
        with _without_greeting():
            interpreter = module.Interpreter(model_content=model, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise EngineError(
            f"{bundle.path}: {package} cannot load {variant.files[0]} ({error})",
            hint=f"check the file: stylecam bundle verify {bundle.path}",
        ) from error
    return TfliteEngine(interpreter, variant, package, threads)


@contextlib.contextmanager
def _without_greeting() -> Iterator[None]:
    """Keep the runtime's greeting from standard error, where an error is to be the only line.

    No setting turns it off, and C++ writes to the file descriptor. Whatever else is written
    there meanwhile, by any thread, comes out at the end.
    """
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held:
                if not line.startswith(_GREETING):
                    os.write(2, line)


class TfliteEngine:
    """One TFLite interpreter with its tensors mapped into numpy."""

    def __init__(self, interpreter: Any, variant: Variant, package: str, threads: int) -> None:
        self.height, self.width = variant.height, variant.width
        self._interpreter = interpreter
        self._input = _port(interpreter.get_input_details()[0], variant)
        self._output = _port(interpreter.get_output_details()[0], variant)
        self._report = EngineReport(
            "tflite", package, metadata.version(package), "CPU", variant.precision, threads,
            variant.height, variant.width,
        )  # fmt: skip

    def __call__(self, pixels: Pixels) -> Pixels:
        """Restyle one picture; tensors are read and written in place, never copied twice."""
        tensor = self._interpreter.tensor(self._input.index)()[0]
        if self._input.flipped:
            np.bitwise_xor(pixels, 0x80, out=tensor.view(np.uint8))
        else:
            tensor[:] = pixels
        # A view that is still alive keeps the interpreter from running.
        del tensor
        self._interpreter.invoke()
        result = self._interpreter.tensor(self._output.index)()[0]
        if self._output.flipped:
            return np.asarray(np.bitwise_xor(result.view(np.uint8), 0x80), np.uint8)
        return np.asarray(np.clip(np.rint(result), 0, 255), np.uint8)

    def describe(self) -> EngineReport:
        """Tell which runtime and version run it."""
        return self._report


class _Port:
    """An input or output tensor: where it is, and whether its bytes have a flipped top bit."""

    def __init__(self, index: int, *, flipped: bool) -> None:
        self.index, self.flipped = index, flipped


def _port(details: dict[str, Any], variant: Variant) -> _Port:
    shape = tuple(int(side) for side in details["shape"])
    if shape != (1, variant.height, variant.width, 3):
        raise EngineError(
            f"{variant.files[0]}: tensor of shape {shape}, but its manifest says "
            f"(1, {variant.height}, {variant.width}, 3)",
            hint="quantize the style again",
        )
    if details["dtype"] is np.int8:
        scale, zero_point = details["quantization"]
        # A sigmoid's output has scale 1/256 of 0..1, which is the same byte.
        if zero_point != -128 or not any(
            abs(scale - one) < 1e-3 * one for one in (1.0, 1 / 256, 1 / 255)
        ):
            raise EngineError(
                f"{variant.files[0]}: scale {scale}, zero point {zero_point}, but pixels need "
                "scale 1 and zero point -128",
                hint="quantize the style again",
            )
    return _Port(int(details["index"]), flipped=details["dtype"] is np.int8)
