"""How near every variant comes to the float generator, through the engines that will run it.

Photos that calibration did not see; 8-bit pictures on both sides, peak 255.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from edge.bundle import Bundle, Quality, Variant
from edge.engines import Engine, load_engine
from edge.pixels import Pixels
from train.data import to_pixels, to_tensor
from train.generator import Generator

IDENTICAL_DB = 99.0


def restyle(generator: Generator, photos: Iterable[Pixels]) -> list[Pixels]:
    """Run the float generator as training does; (H, W, 3) uint8 in and out."""
    with torch.no_grad():
        return [to_pixels(generator(to_tensor(photo))) for photo in photos]


def load_variant(bundle: Bundle, variant: Variant, threads: int = 1) -> Engine:
    """Load exactly this variant with its engine."""
    alone = bundle.manifest.model_copy(update={"variants": (variant,)})
    return load_engine(
        Bundle(alone, bundle.files, bundle.path),
        variant.engine,
        precision=variant.precision,
        threads=threads,
    )


def psnr_db(one: Pixels, other: Pixels) -> float:
    """Compare two pictures of one shape; IDENTICAL_DB when no byte differs."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else IDENTICAL_DB


def compare(styled: Sequence[Pixels], reference: Sequence[Pixels]) -> Quality:
    """Summarise picture by picture: mean and worst."""
    each = [psnr_db(one, other) for one, other in zip(styled, reference, strict=True)]
    return Quality(
        photos=len(each),
        psnr_db=round(float(np.mean(each)), 2),
        psnr_worst_db=round(min(each), 2),
    )
