"""Pixels keep their scale whatever the calibration photos were like."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edge.pixels import Pixels
from quantize import export_openvino, export_tflite
from quantize.device_graph import DeviceGraph
from tests.quantize.conftest import draw_photo
from train.generator import Generator

SIZE = (48, 64)


@pytest.fixture(scope="module")
def dim() -> list[Pixels]:
    """Photos of a cellar: no pixel above 150."""
    return [draw_photo(seed)[: SIZE[0], : SIZE[1]] // 2 + 20 for seed in range(3)]


def test_tflite_pixels_are_bytes_though_calibrated_on_dim_photos(
    generator: Generator, dim: list[Pixels]
) -> None:
    graph = DeviceGraph(generator)
    flat = export_tflite.to_tflite_float(graph, SIZE, integer=True)
    model = export_tflite.quantize_tflite(
        flat,
        export_tflite.measure(flat, dim),
        export_tflite.SETTINGS[0],
        export_tflite.best_logit_range(graph, dim),
    )
    interpreter = Interpreter(model_content=model)
    (frame,), (styled,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert frame["dtype"] is styled["dtype"] is np.int8
    assert frame["quantization"] == pytest.approx((1.0, -128))
    assert styled["quantization"] == pytest.approx((1 / 256, -128))


def test_openvino_reads_all_pixels_though_calibrated_on_dim_photos(
    generator: Generator, dim: list[Pixels]
) -> None:
    graph = DeviceGraph(generator)
    model = export_openvino.quantize_openvino(
        export_openvino.to_openvino_float(graph, SIZE), graph, dim, export_openvino.SETTINGS[0]
    )
    (reader,) = model.input("frame").get_target_inputs()
    node = reader.get_node()
    bounds = [float(node.input_value(port).get_node().data.item()) for port in range(1, 5)]
    assert node.get_type_name() == "FakeQuantize"
    assert bounds == [0.0, 255.0, 0.0, 255.0]


def test_logit_range_leaves_out_what_the_sigmoid_does_not_show(generator: Generator) -> None:
    graph = DeviceGraph(generator)
    photos = [draw_photo(seed)[: SIZE[0], : SIZE[1]] for seed in range(3)]
    graph.last.bias[0] = 40.0  # one sixteenth of red is white for good
    low, high = export_tflite.best_logit_range(graph, photos)
    assert high < 12
    assert low < 0
