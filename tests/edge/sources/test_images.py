import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from edge.errors import ConfigError, SourceError
from edge.sources import open_source
from edge.sources.pattern import draw, read_number


def save(folder: Path, number: int, size: tuple[int, int] = (96, 128), name: str = "") -> Path:
    path = folder / (name or f"{number:03}.jpg")
    path.write_bytes(simplejpeg.encode_jpeg(draw(*size, number), quality=95))
    return path


def test_pictures_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        save(tmp_path, number)
    (tmp_path / "notes.txt").write_text("not a picture, and not taken for one")
    source = open_source(f"images:{tmp_path}?fps=12.5")
    frames = list(source.frames())
    assert [read_number(frame.pixels) for frame in frames] == [0, 1, 2]
    assert [frame.sequence for frame in frames] == [0, 1, 2]
    assert (source.height, source.width, source.fps, source.live) == (96, 128, 12.5, False)


def test_pictures_of_other_sizes_are_fitted_to_the_first(tmp_path: Path) -> None:
    save(tmp_path, 0, (96, 128))
    save(tmp_path, 1, (192, 256))
    save(tmp_path, 2, (96, 64))
    frames = list(open_source(f"images:{tmp_path}").frames())
    assert {frame.pixels.shape for frame in frames} == {(96, 128, 3)}
    assert read_number(frames[1].pixels) == 1
    # a narrower one lies in the middle, whole
    assert read_number(np.ascontiguousarray(frames[2].pixels[:, 32:96])) == 2


def test_unreadable_pictures_are_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "000.jpg").write_text("no picture")
    for number in (1, 2):
        save(tmp_path, number)
    frames = list(open_source(f"images:{tmp_path}").frames())
    assert [read_number(frame.pixels) for frame in frames] == [1, 2]
    assert f"left out: {tmp_path}/000.jpg: not a picture that can be read" in caplog.text
    assert f"{tmp_path}: 1 of 3 pictures left out" in caplog.text


def test_a_pattern_of_names_chooses_pictures(tmp_path: Path) -> None:
    save(tmp_path, 1, name="a1.jpg")
    save(tmp_path, 2, name="b1.jpg")
    frames = list(open_source(f"images:{tmp_path}/b*.jpg").frames())
    assert [read_number(frame.pixels) for frame in frames] == [2]


def test_looped_pictures_begin_again_until_close(tmp_path: Path) -> None:
    for number in (0, 1):
        save(tmp_path, number)
    source = open_source(f"images:{tmp_path}?loop=1")
    frames = source.frames()
    assert [read_number(frame.pixels) for frame in islice(frames, 5)] == [0, 1, 0, 1, 0]
    source.close()
    assert list(frames) == []


def test_a_loop_over_pictures_that_are_all_gone_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path, 0)
    frames = open_source(f"images:{tmp_path}?loop=1").frames()
    next(frames)
    path.unlink()
    with pytest.raises(SourceError, match="none of 1 pictures can be read"):
        list(frames)


def test_a_folder_without_pictures_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no pictures there \(looked for: \.bmp, \.jpeg, \.jpg"):
        open_source(f"images:{tmp_path}")
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(SourceError, match="none of 1 pictures can be read"):
        open_source(f"images:{tmp_path}")
    with pytest.raises(ConfigError, match="names no folder"):
        open_source("images:")


def test_a_named_pipe_in_a_folder_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    save(tmp_path, 1, name="b.jpg")
    frames = list(open_source(f"images:{tmp_path}").frames())
    assert [read_number(frame.pixels) for frame in frames] == [1]


@pytest.mark.parametrize("place", ["**x", "a" * 300])
def test_a_pattern_that_is_none_is_named(place: str) -> None:
    # Python 3.13 takes **x for *x, which names no picture here.
    with pytest.raises(SourceError, match=r"not a folder or a pattern of names|no pictures there"):
        open_source(f"images:{place}")


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1, name="12:30.jpg")
    monkeypatch.chdir(tmp_path)
    assert len(list(open_source("images:.").frames())) == 1
