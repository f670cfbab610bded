"""Photos to crops: what the generator learns to restyle, and what it never sees.

Photos are drawn by source (sub-folder, or file name up to the first `_` or digit) and not by
file, so that two hundred pictures of one shelf do not outvote twenty of everything else.
One photo in eight is held out, by a hash of its name: the same ones on every machine, in
every run, whatever else is in the folder. Calibration and judging use those.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from edge.errors import TrainingError
from edge.pixels import Pixels

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
HELD_OUT_EVERY = 8
# Larger photos are reduced when read: a crop of 256 px needs no more, and 300 must fit in memory.
LONG_SIDE = 1024
_HINT = "give a folder of JPEG or PNG photos: --content FOLDER"


@dataclass(frozen=True)
class Photo:
    """One photo in memory: where it is from, and (H, W, 3) uint8 RGB."""

    name: str
    source: str
    pixels: Pixels = field(repr=False)


@dataclass(frozen=True)
class PhotoSet:
    """The photos of a run.

    Attributes:
        photos: to train on.
        held_out: paths never trained on, for calibration and judging.
        unreadable: paths that are no pictures, skipped.
    """

    photos: tuple[Photo, ...]
    held_out: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()

    def describe(self) -> str:
        """Say in one line what was found."""
        sources = len({photo.source for photo in self.photos})
        line = f"{len(self.photos)} photos from {sources} source(s), {len(self.held_out)} held out"
        if self.unreadable:
            names = ", ".join(path.name for path in self.unreadable[:5])
            more = " …" if len(self.unreadable) > 5 else ""
            line += f", {len(self.unreadable)} unreadable and skipped: {names}{more}"
        return line


def list_photos(folder: Path) -> list[Path]:
    """List the picture files in a folder and its sub-folders, by name.

    Raises:
        TrainingError: no such folder, a file in its place, or no picture in it.
    """
    if not folder.is_dir():
        what = "a file, not a folder" if folder.exists() else "no such folder"
        raise TrainingError(f"{folder}: {what}", hint=_HINT)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise TrainingError(f"{folder}: no pictures in it", hint=_HINT)
    return paths


def is_held_out(path: Path, every: int = HELD_OUT_EVERY) -> bool:
    """Say whether a photo is one of those never trained on; only its file name counts."""
    return int(hashlib.sha256(path.name.encode()).hexdigest(), 16) % every == 0


def held_out_photos(folder: Path, every: int = HELD_OUT_EVERY) -> list[Path]:
    """List the photos of a folder that training leaves alone (see `list_photos`)."""
    return _split(list_photos(folder), every)[1]


def read_photos(folder: Path, every: int = HELD_OUT_EVERY) -> PhotoSet:
    """Read the photos to train on; unreadable files are skipped and named.

    Raises:
        TrainingError: no such folder, no picture in it, or none that can be read.
    """
    kept, held_out = _split(list_photos(folder), every)
    photos: list[Photo] = []
    unreadable: list[Path] = []
    for path in kept:
        try:
            pixels = read_picture(path)
        except TrainingError:
            unreadable.append(path)
        else:
            photos.append(Photo(path.name, source_of(path, folder), pixels))
    if not photos:
        names = ", ".join(path.name for path in unreadable[:3])
        raise TrainingError(f"{folder}: none of its pictures can be read ({names})", hint=_HINT)
    return PhotoSet(tuple(photos), tuple(held_out), tuple(unreadable))


def source_of(path: Path, folder: Path) -> str:
    """Name a photo's source: its sub-folder, else the letters its file name starts with."""
    parents = path.relative_to(folder).parts[:-1]
    if parents:
        return parents[0]
    match = re.match(r"[^\W\d_]+", path.stem)
    return match.group().lower() if match else "photos"


def read_picture(path: Path, long_side: int = LONG_SIDE) -> Pixels:
    """Read a photo or painting as (H, W, 3) uint8 RGB: turned upright, alpha over white.

    Raises:
        TrainingError: missing, a folder, or not a picture.
    """
    hint = "give a JPEG or PNG picture"
    if not path.is_file():
        what = "a folder, not a picture" if path.is_dir() else "no such file"
        raise TrainingError(f"{path}: {what}", hint=hint)
    try:
        with Image.open(path) as opened:
            image = _to_rgb(ImageOps.exif_transpose(opened))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
        raise TrainingError(f"{path}: not a picture that can be read", hint=hint) from error
    image.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
    return np.array(image)


def to_tensor(pixels: Pixels) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) float in 0..1."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def to_pixels(batch: Tensor) -> Pixels:
    """(1, 3, H, W) float in 0..1 to (H, W, 3) uint8."""
    scaled = (batch[0].detach().clamp(0, 1) * 255).round()
    return scaled.byte().permute(1, 2, 0).contiguous().numpy()


class Crops:
    """Random square crops, drawn by source, each with the picture it should turn into.

    Without a guide that is the crop itself. With one, `views` larger pieces are painted, each
    when it is first drawn, and crops are cut from those. The same for the same (seed, step).
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        size: int,
        *,
        seed: int,
        views: int = 0,
        paint: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.size, self.seed, self.views, self.paint = size, seed, views, paint
        by_source: dict[str, list[Photo]] = {}
        for photo in photos:
            by_source.setdefault(photo.source, []).append(photo)
        self.groups = list(by_source.values())
        # The root keeps a source of two photos from being seen a hundred times as often each.
        shares = np.sqrt([len(group) for group in self.groups])
        self.shares: NDArray[np.float64] = shares / shares.sum()
        self.painted: dict[int, Tensor] = {}

    def batch(self, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Return photo and reference for one step, each (count, 3, size, size) in 0..1."""
        random = np.random.default_rng((self.seed, 1, step))
        if self.paint is None or not self.views:
            photo = torch.cat([self._piece(random, self.size) for _ in range(count)])
            return photo, photo
        pairs = torch.cat([self._cut(random) for _ in range(count)])  # (count, 6, size, size)
        return pairs[:, :3], pairs[:, 3:]

    def _cut(self, random: np.random.Generator) -> Tensor:
        view = self._view(int(random.integers(self.views)))
        spare = view.shape[2] - self.size + 1
        top, left = int(random.integers(spare)), int(random.integers(spare))
        cut = view[:, :, top : top + self.size, left : left + self.size].float() / 255
        return cut.flip(3) if random.random() < 0.5 else cut

    def _view(self, index: int) -> Tensor:
        """(1, 6, size + 64, size + 64) uint8: a piece of a photo, and the same painted."""
        if index not in self.painted:
            assert self.paint is not None
            piece = self._piece(np.random.default_rng((self.seed, 2, index)), self.size + 64)
            pair = torch.cat([piece, self.paint(piece)], 1)
            self.painted[index] = (pair * 255).round().byte()
        return self.painted[index]

    def _piece(self, random: np.random.Generator, size: int) -> Tensor:
        group = self.groups[random.choice(len(self.groups), p=self.shares)]
        pixels = group[random.integers(len(group))].pixels
        short = min(pixels.shape[:2])
        # From half of the photo's short side to all of it: near things and wide views.
        side = int(short * random.uniform(0.5, 1.0))
        top = int(random.integers(pixels.shape[0] - side + 1))
        left = int(random.integers(pixels.shape[1] - side + 1))
        image = Image.fromarray(pixels[top : top + side, left : left + side])
        image = image.resize((size, size), Image.Resampling.BICUBIC)
        # Each channel has its own gain: photos hold few strong colours, and on one that it has
        # never met a generator may paint a black hole.
        gain = torch.tensor(random.uniform(0.7, 1.3, (1, 3, 1, 1)), dtype=torch.float32)
        return (to_tensor(np.array(image)) * gain + random.uniform(-0.1, 0.1)).clamp(0, 1)


def _split(paths: Iterable[Path], every: int) -> tuple[list[Path], list[Path]]:
    paths = list(paths)
    # A handful of photos is trained on whole: holding out one would leave too little.
    if len(paths) < every:
        return paths, []
    held_out = [path for path in paths if is_held_out(path, every)]
    return [path for path in paths if not is_held_out(path, every)], held_out


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow clips 16-bit grey instead of scaling it.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
