"""ONNX: the float generator for everything that is neither TFLite nor OpenVINO.

One file serves every size: height and width stay symbolic, uint8 frames on both ends.
The trace-based exporter is used because its graphs convert cleanly everywhere, the dynamo
one's to fewer runtimes.
"""

from __future__ import annotations

import io
import warnings

import torch
from torch import Tensor, nn

from quantize.device_graph import DeviceGraph, spread

OPSET = 17


class _FrameGraph(nn.Module):
    """(1, H, W, 3) uint8 to the same."""

    def __init__(self, graph: DeviceGraph) -> None:
        super().__init__()
        self.inner = graph

    def forward(self, frame: Tensor) -> Tensor:
        pixels = frame.float().permute(0, 3, 1, 2)
        canvas = self.inner.spread_canvas((frame.shape[1], frame.shape[2]))
        shares = spread(torch.sigmoid(self.inner(pixels, canvas)))
        # Conversion to uint8 truncates; 255 * sigmoid + 0.5 never reaches 256.
        return (shares * 255 + 0.5).to(torch.uint8)


def to_onnx(graph: DeviceGraph) -> bytes:
    """Export frame to frame, any multiple of the generator's own step in height and width."""
    side = 8 * graph.multiple
    frame = torch.zeros(1, side, side + graph.multiple, 3, dtype=torch.uint8)
    sides = {1: "height", 2: "width"}
    return trace(_FrameGraph(graph), {"frame": frame}, {"frame": sides, "styled": sides})


def trace(
    module: nn.Module,
    examples: dict[str, Tensor],
    dynamic: dict[str, dict[int, str]] | None = None,
) -> bytes:
    """Export a module with inputs named as in `examples` and one output `styled`."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # It says that it is the older exporter; that is why it is used.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), tuple(examples.values()), buffer,  # type: ignore[arg-type]  # or a stream
            dynamo=False, opset_version=OPSET,
            input_names=list(examples), output_names=["styled"], dynamic_axes=dynamic or {},
        )  # fmt: skip
    return buffer.getvalue()
