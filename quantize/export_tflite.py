"""TFLite: the generator as a full-integer model, bytes of pixels on both ends.

LOGISTIC in INT8 has a fixed output scale of 1/256 and zero point -128, and the input is
pinned to 0..255, so a pixel is the tensor's byte with its top bit flipped, at both ends.
Two things are lost there and given back here: 256 steps are read as 0..255, so the last
bias is lowered a little; and the logits pass through 8 bits, so their range is the one that
costs the picture least, not the one that holds every logit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import litert_torch
import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import calibrator, quantizer, recipe, recipe_manager
from numpy.typing import NDArray
from torch import nn

from edge.pixels import Pixels
from quantize.device_graph import DeviceGraph, PictureGraph
from quantize.quiet import quiet

Statistics = dict[str, dict[str, NDArray[np.float32]]]
"""Smallest and largest value of each tensor, by name."""


@dataclass(frozen=True)
class Setting:
    """How ranges follow from what the calibration photos reached.

    Attributes:
        name: for the table of what was tried.
        extremes: 1.0 takes the largest value of all photos, 0.0 the mean of each photo's.
    """

    name: str
    extremes: float


# Shares of the logits that their range may leave out at either end.
_TAILS = (0, 1e-4, 1e-3, 3e-3, 0.01, 0.02, 0.05)
# The widest first; see quantize.choose.
SETTINGS = (
    Setting("extremes", 1.0),
    Setting("between", 0.5),
    Setting("mean of photos", 0.0),
)


def to_tflite_float(graph: DeviceGraph, size: tuple[int, int], *, integer: bool) -> bytes:
    """Convert to a float model from (1, H, W, 3) 0..255 to the same.

    Args:
        graph: left as it was.
        size: (height, width).
        integer: it will be quantised: give 0..1, as the integer sigmoid has its own scale,
            and make up for its 256 steps being read as 0..255.
    """
    picture = PictureGraph(copy.deepcopy(graph), size, 1 if integer else 255).eval()
    if integer:
        _lower(picture.inner.last)
    with quiet():
        return bytes(litert_torch.convert(picture, (torch.zeros(1, *size, 3),)).model_content())


def measure(
    model: bytes, photos: Sequence[Pixels], on_photo: Callable[[], None] = lambda: None
) -> list[Statistics]:
    """Run a float model on each photo and note how far every tensor goes.

    The names are the same at every size, so one measurement serves them all.
    """
    signature, argument = _signature(model)
    wanted = recipe_manager.RecipeManager()
    wanted.load_quantization_recipe(recipe.static_wi8_ai8())
    measured: list[Statistics] = []
    with quiet():
        runner = calibrator.Calibrator(model, num_threads=1)
        for photo in photos:
            frame = {argument: photo[None].astype(np.float32)}
            runner.calibrate({signature: [frame]}, wanted)
            measured.append(copy.deepcopy(runner.get_model_qsvs()))
            runner.reset_model_qsvs()
            on_photo()
    return measured


def quantize_tflite(
    model: bytes,
    measured: Sequence[Statistics],
    setting: Setting,
    logit_range: tuple[float, float],
) -> bytes:
    """Quantise a float model, of any size, to full integers.

    Args:
        model: from `to_tflite_float` with integer=True.
        measured: from `measure`, at any size.
        setting: how ranges follow from that.
        logit_range: from `best_logit_range`.
    """
    ranges = {name: _range([m[name] for m in measured], setting) for name in measured[0]}
    frame, logits = _pixel_tensor(model), _logit_tensor(model)
    ranges[frame] = _bounds(ranges[frame], 0.0, 255.0)
    ranges[logits] = _bounds(ranges[logits], *logit_range)
    with quiet():
        maker = quantizer.Quantizer(model)
        maker.load_quantization_recipe(recipe.static_wi8_ai8())
        made = maker.quantize(ranges, enable_progress_report=False).quantized_model
    return bytes(made)


def best_logit_range(graph: DeviceGraph, photos: Sequence[Pixels]) -> tuple[float, float]:
    """Find the range whose 256 steps, seen through the sigmoid, err least on these photos."""
    logits = np.concatenate([_some_logits(graph, photo) for photo in photos])
    ends = np.array((4.0, 6.0, 8.0), np.float32)  # sigmoid: 0.982, 0.9975, 0.9997
    lows = np.concatenate([np.quantile(logits, _TAILS), -ends])
    highs = np.concatenate([np.quantile(logits, 1 - np.array(_TAILS)), ends])
    pairs = [(min(float(low), -0.1), max(float(high), 0.1)) for low in lows for high in highs]
    return min(pairs, key=lambda pair: _logit_error(logits, *pair))


def _some_logits(graph: DeviceGraph, photo: Pixels) -> NDArray[np.float32]:
    frame = torch.from_numpy(photo).permute(2, 0, 1)[None].float()
    canvas = graph.spread_canvas(photo.shape[:2])
    logits: NDArray[np.float32] = graph(frame, canvas).numpy().ravel()
    return logits[:: max(1, logits.size // 20_000)]


def _logit_error(logits: NDArray[np.float32], low: float, high: float) -> float:
    step = np.float32((high - low) / 255)
    coded = np.clip(np.round(logits / step), round(low / step), round(high / step)) * step
    return float(np.mean((_sigmoid(coded) - _sigmoid(logits)) ** 2))


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-x)), np.float32)


def _range(
    measured: Sequence[dict[str, NDArray[np.float32]]], setting: Setting
) -> dict[str, NDArray[np.float32]]:
    if not measured[0]:
        return {}
    lows = np.stack([m["min"] for m in measured])
    highs = np.stack([m["max"] for m in measured])
    share = setting.extremes
    low = share * lows.min(axis=0) + (1 - share) * lows.mean(axis=0)
    high = share * highs.max(axis=0) + (1 - share) * highs.mean(axis=0)
    return {"min": low, "max": high}


def _bounds(
    like: dict[str, NDArray[np.float32]], low: float, high: float
) -> dict[str, NDArray[np.float32]]:
    return {"min": np.full_like(like["min"], low), "max": np.full_like(like["max"], high)}


def _signature(model: bytes) -> tuple[str, str]:
    """Return the signature's key and the name of its one argument."""
    ((key, ports),) = Interpreter(model_content=model).get_signature_list().items()
    return key, ports["inputs"][0]


def _pixel_tensor(model: bytes) -> str:
    return str(Interpreter(model_content=model).get_input_details()[0]["name"])


def _logit_tensor(model: bytes) -> str:
    """Name what the last convolution writes."""
    interpreter = Interpreter(model_content=model)
    operations = interpreter._get_ops_details()
    (last,) = [op for op in operations if op["op_name"] == "CONV_2D"][-1]["outputs"]
    return next(t["name"] for t in interpreter.get_tensor_details() if t["index"] == last)


@torch.no_grad()
def _lower(conv: nn.Conv2d) -> None:
    """Take half a step off mid-tones, where 256 * sigmoid reads half a step too bright."""
    assert conv.bias is not None
    conv.bias -= 2 / 256
