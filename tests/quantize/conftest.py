"""What the tests share: a small generator, photos drawn on the spot, and one bundle of both."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from edge.bundle import Bundle, open_bundle
from edge.pixels import Pixels
from quantize.quiet import quiet
from train.checkpoint import save_weights
from train.data import to_tensor
from train.generator import Generator, GeneratorSpec

with quiet():  # pytest makes errors of the warnings that the converters start with
    from quantize.command import quantize_run
    from quantize.pack import Credits

SIZES = ((96, 128), (64, 96))
SPEC = GeneratorSpec(width=16, deep=(1,), deep_width=16)


def draw_photo(seed: int, height: int = 120, width: int = 160) -> Pixels:
    """Draw blurred blobs of every brightness with a few sharp edges and sensor noise."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(smooth).astype(np.float32)
    top, left = random.integers(0, height // 2), random.integers(0, width // 2)
    pixels[top : top + 40, left : left + 50] = random.integers(0, 256, 3)
    pixels += random.normal(0, 3, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def write_photos(folder: Path, count: int, sources: tuple[str, ...] = ("city", "sea")) -> Path:
    """Write photos in turn from each source; PNG, so that they come back as they were."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name = f"{sources[number % len(sources)]}_{number:03}.png"
        Image.fromarray(draw_photo(number)).save(folder / name)
    return folder


def lively_generator(spec: GeneratorSpec = SPEC) -> Generator:
    """Make an untrained generator whose pictures have contrast and whose BatchNorms are used."""
    torch.manual_seed(3)
    generator = Generator(spec)
    with torch.no_grad():
        generator.head.conv.weight *= 4
        generator.train()
        for seed in range(100, 108):
            generator(to_tensor(draw_photo(seed)[:96, :128]))
    return generator.eval()


@pytest.fixture(scope="session")
def generator() -> Generator:
    return lively_generator()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, generator: Generator) -> Path:
    """A training run of the generator."""
    folder = tmp_path_factory.mktemp("runs") / "blobs"
    save_weights(
        folder / "weights.safetensors", generator, style_name="blobs", provenance={"step": 1}
    )
    (folder / "recipe.toml").write_text('about = "drawn"\n', encoding="utf-8")
    (folder / "metrics.json").write_text('{"steadiness": 1.5, "device": "cpu"}', encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"), 40)


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory, run: Path, photos: Path) -> Path:
    out = tmp_path_factory.mktemp("bundles") / "blobs.stylecam"
    facts = Credits(title="Blobs", author="a test", licence="CC0-1.0")
    return quantize_run(run, out, photos, SIZES, 15, facts, Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def bundle(bundle_path: Path) -> Bundle:
    return open_bundle(bundle_path)
