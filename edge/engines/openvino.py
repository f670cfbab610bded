"""OpenVINO: the IR's XML and weights from memory, compiled for the CPU."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from edge.bundle import Bundle, Variant
from edge.engines import EngineReport
from edge.errors import EngineError, MissingPackageError
from edge.pixels import Pixels


def load(bundle: Bundle, variant: Variant, threads: int) -> OpenvinoEngine:
    """Compile an OpenVINO variant from memory for this machine's CPU."""
    try:
        import openvino
    except ImportError as error:
        raise MissingPackageError(
            f"the openvino engine cannot be loaded ({error})",
            hint="pip install 'stylecam[openvino]'",
        ) from error
    threads = threads or os.cpu_count() or 1
    xml, weights = bundle.read(variant)
    core = openvino.Core()
    try:
        model = core.read_model(xml, openvino.Tensor(np.frombuffer(weights, np.uint8)))
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            # Else float parts run in bfloat16 where the processor has it: other pixels there.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = core.compile_model(model, "CPU", options)
    except RuntimeError as error:
        raise EngineError(
            f"{bundle.path}: openvino cannot load {variant.files[0]} "
            f"({str(error).strip().splitlines()[-1]})",
            hint=f"check the file: stylecam bundle verify {bundle.path}",
        ) from error
    _check_ports(compiled, variant)
    device = str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip()
    report = EngineReport(
        "openvino", "openvino", openvino.__version__.split("-")[0], device, variant.precision,
        threads, variant.height, variant.width,
    )  # fmt: skip
    return OpenvinoEngine(compiled, openvino, report)


def _check_ports(compiled: Any, variant: Variant) -> None:
    for port in (compiled.input(0), compiled.output(0)):
        shape, kind = tuple(port.shape), port.element_type.get_type_name()
        if (shape, kind) != ((1, variant.height, variant.width, 3), "u8"):
            raise EngineError(
                f"{variant.files[0]}: {kind} tensor of shape {shape}, but its manifest says "
                f"u8 (1, {variant.height}, {variant.width}, 3)",
                hint="quantize the style again",
            )


class OpenvinoEngine:
    """One compiled model; frames are handed over and taken back without a copy."""

    def __init__(self, compiled: Any, openvino: Any, report: EngineReport) -> None:
        self.height, self.width = report.height, report.width
        self._request = compiled.create_infer_request()
        self._tensor = openvino.Tensor
        self._report = report

    def __call__(self, pixels: Pixels) -> Pixels:
        """Restyle one picture into a new array."""
        styled = np.empty_like(pixels)
        self._request.set_input_tensor(self._tensor(pixels[None], shared_memory=True))
        self._request.set_output_tensor(self._tensor(styled[None], shared_memory=True))
        self._request.infer()
        return styled

    def describe(self) -> EngineReport:
        """Tell which version and processor run it."""
        return self._report
