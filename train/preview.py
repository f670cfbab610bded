"""The preview picture: photos above, what the generator makes of them below."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from train.checkpoint import written_whole
from train.data import to_pixels
from train.generator import Generator


@torch.no_grad()
def save_preview(path: Path, generator: Generator, photos: Tensor) -> None:
    """Write photos (N, 3, H, W) and their restyled forms as one picture of two rows."""
    styled = generator.eval()(photos)
    rows = [torch.cat(list(batch), dim=2) for batch in (photos, styled)]  # (3, H, N*W) each
    with written_whole(path) as temporary:
        Image.fromarray(to_pixels(torch.cat(rows, dim=1)[None])).save(temporary)
