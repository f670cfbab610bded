"""Black and white are where scales, zero points and rounding go wrong first."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from edge.bundle import Bundle, open_bundle
from edge.engines import load_engine
from quantize.command import quantize_run
from quantize.pack import Credits
from tests.quantize.conftest import write_photos
from train.checkpoint import save_weights
from train.generator import Generator, GeneratorSpec

SIZE = (48, 64)


def contrast_generator(gain: float) -> Generator:
    """Make a generator that gives every 4x4 cell its mean colour, with more contrast."""
    generator = Generator(GeneratorSpec(width=8, entry=(), deep=(), exit=())).eval()
    with torch.no_grad():
        for tensor in (*generator.stem.parameters(), *generator.head.parameters()):
            tensor.zero_()
        stem, norm = generator.stem[0], generator.stem[1]
        norm.weight.fill_(1.0)
        stem.bias[:3] = 1.0  # ReLU must not cut the dark half off
        for colour in range(3):
            stem.weight[colour, colour] = 1 / 16
            generator.head.conv.weight[4 * colour : 4 * colour + 4, colour, 1, 1] = gain
            generator.head.conv.bias[4 * colour : 4 * colour + 4] = -gain
    return generator


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("contrast")
    save_weights(
        folder / "run" / "weights.safetensors",
        contrast_generator(8.0),
        style_name="contrast",
        provenance={},
    )
    path = quantize_run(
        folder / "run", folder / "contrast.stylecam", write_photos(folder / "photos", 12), [SIZE],
        6, Credits(), Console(file=io.StringIO()), force=True,
    )  # fmt: skip
    return open_bundle(Path(path))


@pytest.mark.parametrize("engine", ["tflite", "openvino"])
def test_black_stays_black_and_white_stays_white(bundle: Bundle, engine: str) -> None:
    run = load_engine(bundle, engine, threads=1)
    for value in (0, 255):
        styled = run(np.full((*SIZE, 3), value, np.uint8))
        assert np.abs(styled.astype(int) - value).max() <= 2, value


@pytest.mark.parametrize("engine", ["tflite", "openvino"])
def test_grey_keeps_its_place_and_colours_do_not_change_places(bundle: Bundle, engine: str) -> None:
    run = load_engine(bundle, engine, threads=1)
    grey = run(np.full((*SIZE, 3), 128, np.uint8))
    assert np.abs(grey.astype(int) - 129).max() <= 6
    frame = np.zeros((*SIZE, 3), np.uint8)
    frame[: SIZE[0] // 2, :, 0] = 255
    frame[:, : SIZE[1] // 2, 2] = 255
    assert np.array_equal(run(frame) > 128, frame > 128)
