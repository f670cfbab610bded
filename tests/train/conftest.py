"""What the training tests share: photos drawn on the spot and the smallest whole job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from train.data import Photo, to_tensor
from train.generator import GeneratorSpec
from train.loop import Job
from train.perceptual import SqueezeNet
from train.recipe import DataRecipe, LossRecipe, OptimiserRecipe, Recipe

JobMaker = Callable[..., Job]


def draw(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A picture of soft blobs, (H, W, 3) uint8."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """Twenty photos of one source and two of another."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(20):
        Image.fromarray(draw(index)).save(folder / f"shelf_{index:02}.png")
    for index in range(2):
        Image.fromarray(draw(100 + index)).save(folder / f"beach_{index:02}.png")
    return folder


@pytest.fixture
def job(tmp_path: Path) -> JobMaker:
    """Make a job of some ten steps on 64-pixel crops."""

    def make(*, steps: int = 10, network: SqueezeNet | None = None, **losses: float) -> Job:
        recipe = Recipe(
            generator=GeneratorSpec(width=8, deep_width=8, deep=(1,)),
            data=DataRecipe(crop=64, batch=1, style_height=96, margin=8),
            losses=LossRecipe(**losses),
            optimiser=OptimiserRecipe(steps=steps, warmup=0, rate=1e-2),
            report_every=5,
        )
        photos = tuple(Photo(f"{index}", "drawn", draw(index)) for index in range(3))
        return Job(
            recipe=recipe,
            style=to_tensor(draw(7)),
            photos=photos,
            previews=to_tensor(draw(8)),
            network=network,
            out=tmp_path / "run",
            style_name="blobs",
            provenance={"photos": 3},
        )

    return make


def random_squeezenet_weights() -> dict[str, torch.Tensor]:
    """SqueezeNet v1.1's tensors with random numbers in them."""
    random = torch.Generator().manual_seed(0)

    def conv(outputs: int, inputs: int, kernel: int) -> torch.Tensor:
        scale = (2 / (inputs * kernel**2)) ** 0.5
        return torch.randn(outputs, inputs, kernel, kernel, generator=random) * scale

    weights = {"conv1.weight": conv(64, 3, 3), "conv1.bias": torch.zeros(64)}
    inputs = 64
    for number, squeeze in zip(range(2, 10), (16, 16, 32, 32, 48, 48, 64, 64), strict=True):
        expand = squeeze * 4
        shapes = {
            "squeeze1x1": (squeeze, inputs, 1),
            "expand1x1": (expand, squeeze, 1),
            "expand3x3": (expand, squeeze, 3),
        }
        for name, shape in shapes.items():
            weights[f"fire{number}.{name}.weight"] = conv(*shape)
            weights[f"fire{number}.{name}.bias"] = torch.zeros(shape[0])
        inputs = expand * 2
    return weights
