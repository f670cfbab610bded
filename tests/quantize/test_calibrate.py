from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import QuantizeError
from quantize.calibrate import by_source, read_pictures, split_photos
from tests.quantize.conftest import write_photos
from train.data import held_out_photos


def test_calibration_and_verification_share_no_photo(photos: Path) -> None:
    for count in (1, 15, 30, 100):
        chosen, judges = split_photos(photos, count, 30)
        assert chosen
        assert judges
        assert not set(chosen) & set(judges)


def test_verification_takes_photos_that_training_holds_out_first(photos: Path) -> None:
    held_out = set(held_out_photos(photos))
    assert 2 <= len(held_out) < 20
    _, judges = split_photos(photos, 10, len(held_out))
    assert set(judges) == held_out


def test_calibration_takes_the_held_out_photos_that_are_left(photos: Path) -> None:
    held_out = set(held_out_photos(photos))
    chosen, judges = split_photos(photos, 10, 1)
    assert held_out <= {*chosen, *judges}


def test_first_photos_come_from_every_source_in_turn(tmp_path: Path) -> None:
    write_photos(tmp_path / "many", 9, ("shelf",))
    write_photos(tmp_path / "few", 2, ("street",))
    order = by_source(sorted(tmp_path.rglob("*.png")), tmp_path)
    assert [path.parent.name for path in order[:4]] == ["few", "many", "few", "many"]
    assert len(order) == 11


def test_two_photos_are_enough_for_one_of_each(tmp_path: Path) -> None:
    pictures = read_pictures(write_photos(tmp_path, 2))
    assert len(pictures.calibration) == len(pictures.verification) == 1
    assert pictures.calibration[0].tobytes() != pictures.verification[0].tobytes()


def test_hash_names_the_pictures_used(photos: Path) -> None:
    assert read_pictures(photos, 3, 2).sha256 == read_pictures(photos, 3, 2).sha256
    assert read_pictures(photos, 3, 2).sha256 != read_pictures(photos, 2, 3).sha256


def test_one_photo_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match="1 photo, but calibration and its check") as caught:
        read_pictures(write_photos(tmp_path, 1))
    assert "add photos" in caught.value.hint


def test_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match=f"{tmp_path}: no pictures") as caught:
        read_pictures(tmp_path)
    assert "--calibration" in caught.value.hint


def test_without_photos_the_built_in_landscape_serves_and_is_named() -> None:
    pictures = read_pictures(None, 1, 1)
    assert "no photos given: 1 frames of the built-in landscape" in pictures.told
    assert "--calibration" in pictures.told
    one, other = pictures.calibration[0], pictures.verification[0]
    assert one.shape == other.shape == (480, 640, 3)
    assert one.std() > 10
    assert (one != other).mean() > 0.5
