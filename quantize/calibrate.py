"""The pictures that ranges are measured on, and the others that the result is judged on.

Judging uses photos that neither training nor calibration saw. Calibration takes what is
left, held-out photos first: it only looks at how large activations grow, so photos that
training saw serve it as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from edge.errors import QuantizeError, StylecamError
from edge.pixels import Pixels, cover
from train.data import held_out_photos, list_photos, read_picture, source_of

CALIBRATION = 40
VERIFICATION = 30
# A hundred drawn frames are a hundred views of one coast: no more than this is worth rendering.
SCENE_FRAMES = 12
_CALIBRATION_SEED, _VERIFICATION_SEED = 3, 11


@dataclass(frozen=True)
class PictureSet:
    """Pictures at their own size, ready to be cropped to any.

    Attributes:
        calibration: (H, W, 3) uint8 RGB each.
        verification: the same, none of them in `calibration`.
        told: where they are from, for the person who waits.
        sha256: of all pixels in order, so that a bundle names what it was measured on.
    """

    calibration: tuple[Pixels, ...]
    verification: tuple[Pixels, ...]
    told: str
    sha256: str


def read_pictures(
    folder: Path | None, calibration: int = CALIBRATION, verification: int = VERIFICATION
) -> PictureSet:
    """Read photos from a folder, or draw frames of the built-in scene without one.

    Raises:
        QuantizeError: no such folder, or too few pictures in it to have both sets.
    """
    if folder is None:
        return _from_scene(min(calibration, SCENE_FRAMES), min(verification, SCENE_FRAMES))
    try:
        chosen, judges = split_photos(folder, calibration, verification)
        unseen = set(held_out_photos(folder))
        told = (
            f"{len(chosen)} photos to calibrate, {len(judges)} others to judge, "
            f"{len(unseen & set(judges))} of which training holds out"
        )
        return _picture_set(
            [read_picture(path) for path in chosen], [read_picture(path) for path in judges], told
        )
    except QuantizeError:
        raise
    except StylecamError as error:
        raise QuantizeError(
            error.message, hint="give a folder of JPEG or PNG photos: --calibration FOLDER"
        ) from error


def split_photos(
    folder: Path, calibration: int, verification: int
) -> tuple[list[Path], list[Path]]:
    """Choose disjoint photos to calibrate and to verify, each drawn by source for variety.

    Raises:
        QuantizeError: fewer than two photos.
        TrainingError: no such folder, or no photo in it.
    """
    photos = list_photos(folder)
    if len(photos) < 2:
        raise QuantizeError(
            f"{folder}: {len(photos)} photo, but calibration and its check need one each",
            hint=f"add photos ({CALIBRATION + VERIFICATION} are plenty) or omit --calibration",
        )
    unseen = held_out_photos(folder)
    seen = [path for path in photos if path not in set(unseen)]
    ordered = [*by_source(unseen, folder), *by_source(seen, folder)]
    judges = ordered[: min(verification, len(photos) // 2)]
    return ordered[len(judges) :][:calibration], judges


def by_source(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Order photos so that any first few of them come from as many sources as possible."""
    groups: dict[str, list[Path]] = {}
    # By hash: neighbours by name are often shots of the same thing.
    for path in sorted(paths, key=lambda p: hashlib.sha256(p.name.encode()).digest()):
        groups.setdefault(source_of(path, folder), []).append(path)
    rounds = zip_longest(*(groups[source] for source in sorted(groups)))
    return [path for one_each in rounds for path in one_each if path is not None]


def at_size(pictures: Iterable[Pixels], size: tuple[int, int]) -> list[Pixels]:
    """Crop pictures to (height, width) as a camera frame would be."""
    return [cover(pixels, *size) for pixels in pictures]


def _from_scene(calibration: int, verification: int) -> PictureSet:
    told = (
        f"no photos given: {calibration} frames of the built-in landscape to calibrate, "
        f"{verification} of another one to judge; photos from where the camera will stand "
        "are better (--calibration FOLDER)"
    )
    return _picture_set(
        _flight(_CALIBRATION_SEED, calibration), _flight(_VERIFICATION_SEED, verification), told
    )


def _flight(seed: int, count: int) -> list[Pixels]:
    from train.scene import Scene

    scene = Scene(seed, fineness=0.5)
    return [scene.render(10.0 * i / count, 480, 640).pixels for i in range(count)]


def _picture_set(
    calibration: Sequence[Pixels], verification: Sequence[Pixels], told: str
) -> PictureSet:
    digest = hashlib.sha256()
    for pixels in (*calibration, *verification):
        digest.update(repr(pixels.shape).encode())
        digest.update(pixels.tobytes())
    return PictureSet(tuple(calibration), tuple(verification), told, digest.hexdigest())
