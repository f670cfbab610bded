"""From the command line's paths to a `Job`: pictures read, checked and described.

Without photos of your own the generator is trained on frames of our rendered landscape; it
learns the style, but has seen no faces, rooms or streets.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from train.checkpoint import METRICS, save_text
from train.data import HELD_OUT_EVERY, Photo, PhotoSet, read_photos, read_picture, to_tensor
from train.generator import Generator
from train.loop import Job, scaled_style
from train.metrics import grid_on_flat, noise_gain, scene_steadiness
from train.perceptual import find_squeezenet
from train.recipe import Recipe
from train.scene import Scene

_PREVIEW = (240, 320)
_SCENE_SEEDS, _SCENE_TIMES_S = range(6), (0.0, 3.0, 6.0, 9.0)


def prepare(
    recipe: Recipe, style: Path, content: Path | None, out: Path, perceptual: Path | None
) -> tuple[Job, list[str]]:
    """Read what a run needs.

    Returns:
        The job, and lines that tell the user what was found.

    Raises:
        TrainingError: a path is missing, empty, or not what it should be.
    """
    painting = read_picture(style)
    photos = read_photos(content) if content else rendered_photos()
    network, said = find_squeezenet(perceptual)
    lines = [recipe.about] if recipe.about else []
    lines.append(photos.describe())
    if content is None:
        lines.append("no --content: training on a rendered landscape; your photos do better")
    lines.append(said)
    provenance: dict[str, Any] = {
        "style_file": style.name,
        "style_sha256": hashlib.sha256(style.read_bytes()).hexdigest(),
        "photos": len(photos.photos),
        "held_out_every": HELD_OUT_EVERY,
        "held_out": [path.name for path in photos.held_out],
        "perceptual": network is not None,
        "torch": torch.__version__,
    }
    job = Job(
        recipe=recipe,
        style=scaled_style(painting, recipe.data.style_height),
        photos=photos.photos,
        previews=_previews(photos),
        network=network,
        out=out,
        style_name=style.stem,
        provenance=provenance,
    )
    return job, lines


def finish(job: Job, generator: Generator) -> None:
    """Measure what needs no second network, and write metrics.json."""
    gains = [noise_gain(generator, photo[None]) for photo in job.previews]
    metrics = {
        "noise_gain": round(float(np.mean(gains)), 4),
        "grid": round(grid_on_flat(generator), 4),
        "flow_warp_error_ratio": round(scene_steadiness(generator), 4),
        "parameters": generator.parameters_count(),
        "macs_640x480": generator.macs(480, 640),
    }
    save_text(job.out / METRICS, json.dumps(metrics, indent=2) + "\n")


def rendered_photos(height: int = 288, width: int = 384) -> PhotoSet:
    """Render frames of our landscape: several seeds, several moments of each flight."""
    photos = []
    for seed in _SCENE_SEEDS:
        scene = Scene(seed, fineness=0.5)
        for time_s in _SCENE_TIMES_S:
            pixels = scene.render(time_s, height, width).pixels
            photos.append(Photo(f"scene{seed}_{time_s:g}s", f"scene{seed}", pixels))
    return PhotoSet(tuple(photos))


def _previews(photos: PhotoSet, count: int = 4) -> Tensor:
    """Up to four held-out photos; trained-on ones where there are none."""
    step = max(1, len(photos.held_out) // count)
    pixels = [read_picture(path) for path in photos.held_out[::step][:count]]
    if len(pixels) < count:
        spread = max(1, len(photos.photos) // count)
        pixels = [photo.pixels for photo in photos.photos[::spread][:count]]
    scaled = [interpolate(to_tensor(p), _PREVIEW, mode="area") for p in pixels]
    return torch.cat(scaled)
