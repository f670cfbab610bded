"""OpenVINO: the generator as INT8 IR, integer from the frame to the frame.

NNCF quantises the convolutions; what comes after the last one is built here. A FakeQuantize
of 0..1 in 256 steps stands behind the sigmoid, so that the plugin writes the convolution's
result as bytes at once: rounded and saturated, where a plain conversion truncates and wraps.
It is quantised at one size; the graph carries no size, so other sizes are a reshape away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from openvino import opset13 as ops

from edge.pixels import Pixels
from quantize.device_graph import CELL, DeviceGraph
from quantize.export_onnx import trace
from quantize.quiet import quiet
from train.generator import CANVAS_PERIOD


@dataclass(frozen=True)
class Setting:
    """How NNCF finds ranges and corrects biases.

    Attributes:
        name: for the table of what was tried.
        outliers: share of activations that a range may leave out; 0 keeps the extremes.
        correct_bias: shift biases by the mean error that quantisation makes.
    """

    name: str
    outliers: float = 0.0
    correct_bias: bool = False


# The widest first; see quantize.choose. Which wins differs from style to style: bias
# correction gave +5 dB on one and -4 dB on the worst photo of another.
SETTINGS = (
    Setting("extremes"),
    Setting("extremes, bias correction", correct_bias=True),
    Setting("quantile 1e-5", outliers=1e-5),
)


def to_openvino_float(graph: DeviceGraph, size: tuple[int, int]) -> openvino.Model:
    """Convert to a float model from (1, 3, H, W) 0..255 to logits (1, 48, H/4, W/4).

    The canvas, if there is one, is a second input until `finish` paints it in.
    """
    examples = {"frame": torch.zeros(1, 3, *size)}
    canvas = graph.spread_canvas(size)
    if canvas is not None:
        examples["canvas"] = canvas
    # Not convert_model: it starts a process that reports the use to Intel.
    return openvino.Core().read_model(trace(graph, examples))


def quantize_openvino(
    model: openvino.Model,
    graph: DeviceGraph,
    photos: Sequence[Pixels],
    setting: Setting,
) -> openvino.Model:
    """Quantise the convolutions of a float model from `to_openvino_float`.

    Args:
        model: left as it was.
        graph: what it was converted from.
        photos: (H, W, 3) uint8 each, of the model's size.
        setting: how ranges are found.
    """
    canvas = graph.spread_canvas(photos[0].shape[:2])
    fixed = {} if canvas is None else {"canvas": canvas.numpy()}

    def feed(photo: Pixels) -> dict[str, NDArray[np.float32]]:
        return {"frame": photo.transpose(2, 0, 1)[None].astype(np.float32), **fixed}

    with quiet():
        quantized = nncf.quantize(
            model.clone(),
            nncf.Dataset(photos, feed),
            # Zero points where a tensor is lopsided: a canvas makes trunks a little negative,
            # and a symmetric range spent half its steps there (45.4 to 47.3 dB, same time).
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(photos),
            fast_bias_correction=True,
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                disable_bias_correction=not setting.correct_bias,
                activations_range_estimator_params=_ranges(setting.outliers),
            ),
        )
    _pin_input(quantized)
    return quantized


def finish(
    model: openvino.Model, graph: DeviceGraph, size: tuple[int, int], *, integer: bool
) -> openvino.Model:
    """Give a model from above its size, its sigmoid and uint8 (1, H, W, 3) on both ends.

    Args:
        model: left as it was.
        graph: what it was converted from.
        size: (height, width).
        integer: it is quantised, so round the sigmoid to bytes inside the graph.
    """
    sized = model.clone()
    shapes = {"frame": [1, 3, *size]}
    if graph.tile is not None:
        shapes["canvas"] = [1, graph.tile.shape[1], *(side // CELL for side in size)]
    sized.reshape(shapes)
    _paint_canvas(sized, graph)
    logits = sized.output(0).get_node().input_value(0)
    styled = ops.result(_spread(_light(logits, integer=integer)))
    steps = openvino.preprocess.PrePostProcessor(
        openvino.Model([styled], [sized.input("frame").get_node()], "stylecam")
    )
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    steps.output().tensor().set_element_type(openvino.Type.u8)
    return steps.build()


def to_bytes(model: openvino.Model) -> tuple[bytes, bytes]:
    """Serialise to the IR's (xml, bin)."""
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "model.xml"
        openvino.serialize(model, xml)
        return xml.read_bytes(), xml.with_suffix(".bin").read_bytes()


def _light(logits: Any, *, integer: bool) -> Any:
    """Turn logits into 0..255, either in 256 steps or ready to be cut to whole numbers."""
    shares = ops.sigmoid(logits)
    if integer:
        low, high = _number(0.0), _number(1.0)
        return ops.multiply(ops.fake_quantize(shares, low, high, low, high, 256), _number(255.0))
    return ops.add(ops.multiply(shares, _number(255.0)), _number(0.5))


def _paint_canvas(model: openvino.Model, graph: DeviceGraph) -> None:
    """Put the canvas in the place of its input: one tile, repeated when a model is compiled.

    The indices come from the shape, which is folded away; so weights stay the same for
    every size.
    """
    if graph.tile is None:
        return
    # Half precision is far finer than the 256 steps that it is cut to.
    tile = ops.convert(ops.constant(graph.tile.numpy().astype(np.float16)), "f32")
    shape = ops.shape_of(model.input("frame"), "i64")
    for axis in (2, 3):
        side = ops.gather(shape, np.int64(axis), np.int64(0))
        cells = ops.range(np.int64(0), ops.divide(side, np.int64(CELL)), np.int64(1), "i64")
        tile = ops.gather(tile, ops.floor_mod(cells, np.int64(CANVAS_PERIOD)), np.int64(axis))
    for reader in model.input("canvas").get_target_inputs():
        reader.replace_source_output(tile.output(0))


def _spread(cells: Any) -> Any:
    """Lay (1, 48, H/4, W/4) out as (1, H, W, 3) by reshapes that hold for every size.

    In a pattern 0 copies the dimension of the same place, -1 takes what is left.
    """

    def reshape(node: Any, pattern: list[int]) -> Any:
        return ops.reshape(node, np.array(pattern, np.int64), special_zero=True)

    def transpose(node: Any, order: list[int]) -> Any:
        return ops.transpose(node, np.array(order, np.int64))

    run = 3 * CELL
    rows = reshape(transpose(cells, [0, 2, 3, 1]), [0, 0, 0, CELL, run])
    lines = transpose(rows, [1, 3, 2, 0, 4])  # (H/4, 4, W/4, 1, 12)
    return reshape(reshape(lines, [1, -1, 0, run]), [0, 0, -1, 3])


def _number(value: float) -> Any:
    return ops.constant(np.full((1, 1, 1, 1), value, np.float32))


def _ranges(outliers: float) -> Any:
    statistics = nncf.quantization.range_estimator
    if not outliers:
        return statistics.RangeEstimatorParametersSet.MINMAX
    collector = statistics.StatisticsCollectorParameters(
        statistics.StatisticsType.QUANTILE,
        statistics.AggregatorType.MEAN,
        quantile_outlier_prob=outliers,
    )
    return statistics.RangeEstimatorParameters(collector, collector)


def _pin_input(model: openvino.Model) -> None:
    """Make the frame's own FakeQuantize exactly 0..255, whatever the photos held."""
    for reader in model.input("frame").get_target_inputs():
        node = reader.get_node()
        if node.get_type_name() == "FakeQuantize":
            for port, value in zip(range(1, 5), (0.0, 255.0, 0.0, 255.0), strict=True):
                node.input(port).replace_source_output(_number(value).output(0))
