"""Photos of every sort are read, bad ones are named, and no source drowns the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.errors import TrainingError
from tests.train.conftest import draw
from train.data import Crops, Photo, held_out_photos, read_photos, read_picture, source_of


def flat(name: str, source: str, value: int) -> Photo:
    return Photo(name, source, np.full((80, 80, 3), value, np.uint8))


def test_crops_are_drawn_by_source_and_not_by_file() -> None:
    many = [flat(f"a{i}", "shelf", 40) for i in range(100)]
    few = [flat(f"b{i}", "beach", 200) for i in range(4)]
    batch, _ = Crops([*many, *few], 64, seed=0).batch(0, 300)
    share = float((batch.mean((1, 2, 3)) > 0.45).float().mean())
    # By file it would be 4 %; by the root of the counts it is 2 / 12.
    assert 0.11 < share < 0.24


def test_the_same_step_draws_the_same_crops_and_the_next_one_others() -> None:
    crops = Crops([Photo("a", "a", draw(1))], 64, seed=5)
    assert crops.batch(3, 2)[0].equal(crops.batch(3, 2)[0])
    assert not crops.batch(3, 2)[0].equal(crops.batch(4, 2)[0])


def test_a_guided_crop_comes_with_its_painted_twin() -> None:
    crops = Crops([Photo("a", "a", draw(1))], 64, seed=0, views=2, paint=lambda x: 1 - x)
    photo, painted = crops.batch(0, 3)
    assert (photo + painted - 1).abs().max() < 0.01


def test_held_out_photos_are_never_trained_on(photo_folder: Path) -> None:
    photos = read_photos(photo_folder)
    assert len(photos.held_out) > 0
    assert len(photos.photos) + len(photos.held_out) == 22
    assert not {p.name for p in photos.photos} & {p.name for p in photos.held_out}
    assert list(photos.held_out) == held_out_photos(photo_folder)


def test_unreadable_files_are_named_and_skipped(photo_folder: Path) -> None:
    (photo_folder / "fake.jpg").write_text("not a picture")
    photos = read_photos(photo_folder, every=10_000)
    assert [path.name for path in photos.unreadable] == ["fake.jpg"]
    assert "1 unreadable and skipped: fake.jpg" in photos.describe()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P", "I;16"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture.tiff"
    if mode == "I;16":
        Image.fromarray(draw(1)[..., 0].astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(draw(1)).convert(mode).save(path)
    pixels = read_picture(path)
    assert pixels.shape == (96, 128, 3)
    assert abs(float(pixels.mean()) - float(draw(1).mean())) < 30


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(draw(1)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(tmp_path / "turned.jpg").shape == (128, 96, 3)


def test_sources_come_from_sub_folders_or_file_names() -> None:
    root = Path("photos")
    assert source_of(root / "Rome" / "a_1.jpg", root) == "Rome"
    assert source_of(root / "shelf_12.jpg", root) == "shelf"
    assert source_of(root / "0001.jpg", root) == "photos"


def test_a_folder_that_cannot_serve_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name, said in (
        ("gone", "no such folder"),
        ("file", "a file, not a folder"),
        (".", "no pictures"),
    ):
        with pytest.raises(TrainingError, match=said):
            read_photos(tmp_path / name)


def test_a_style_that_is_no_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("x")
    for name, said in (
        ("gone.jpg", "no such file"),
        (".", "a folder"),
        ("text.jpg", "not a picture"),
    ):
        with pytest.raises(TrainingError, match=said):
            read_picture(tmp_path / name)
