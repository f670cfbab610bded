import time
from itertools import islice

import numpy as np
import pytest

from edge.errors import ConfigError
from edge.sources import open_source
from edge.sources.pattern import draw, read_number


def test_each_picture_tells_its_number() -> None:
    source = open_source("pattern:321x243@30?live=0&frames=50")
    frames = list(source.frames())
    assert [read_number(frame.pixels) for frame in frames] == list(range(50))
    assert frames[0].pixels.shape == (243, 321, 3) == (source.height, source.width, 3)
    assert not source.live


def test_the_number_goes_up_to_65535() -> None:
    assert [read_number(draw(64, 64, number)) for number in (255, 65535, 65536)] == [255, 65535, 0]


def test_something_moves() -> None:
    above_the_code = slice(0, 84)
    first, later = (draw(96, 128, number)[above_the_code] for number in (0, 1))
    assert not np.array_equal(first, later)


def test_a_live_pattern_keeps_its_rate_and_drops_when_the_reader_is_slow() -> None:
    source = open_source("pattern:64x48@100")
    began = time.monotonic()
    prompt = list(islice(source.frames(), 21))
    assert 0.15 < time.monotonic() - began < 1.5
    assert len(prompt) == 21
    slow = []
    for frame in islice(source.frames(), 5):
        slow.append(frame.sequence)
        time.sleep(0.05)
    assert np.diff(slow).max() >= 3


def test_close_ends_a_pattern() -> None:
    source = open_source("pattern:64x48@1")
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []


def test_defaults_are_640x480_at_30() -> None:
    source = open_source("pattern:")
    assert (source.height, source.width, source.fps, source.live) == (480, 640, 30.0, True)


@pytest.mark.parametrize("place", ["640", "640x480@0", "640x480@a", "8x8", "640x480@5000"])
def test_a_wrong_size_or_rate_shows_how_it_is_written(place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_source(f"pattern:{place}")
    assert caught.value.message == f"pattern:{place}: {place!r} is not WIDTHxHEIGHT@FPS"
    assert "pattern:640x480@30" in caught.value.hint
