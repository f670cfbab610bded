import os
import shutil
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from edge.errors import ConfigError, SourceError
from edge.sources import open_source
from edge.sources.pattern import draw, read_number
from tests.conftest import ClipMaker

NOBODY = 65534


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov"])
def test_every_frame_of_a_file_comes_once_in_order(clip: ClipMaker, name: str) -> None:
    source = open_source(f"file:{clip(name, frames=30)}")
    frames = list(source.frames())
    assert [frame.sequence for frame in frames] == list(range(30))
    assert [read_number(frame.pixels) for frame in frames] == list(range(30))
    assert not source.live


def test_size_and_rate_are_the_files_own(clip: ClipMaker) -> None:
    source = open_source(f"file:{clip(size=(72, 100), rate=Fraction(30000, 1001))}")
    assert (source.height, source.width) == (72, 100)
    assert source.fps == pytest.approx(30000 / 1001)


def test_odd_sizes_are_read_as_they_are(clip: ClipMaker) -> None:
    source = open_source(f"file:{clip(size=(243, 321), frames=3)}")
    pixels = next(source.frames()).pixels
    assert pixels.shape == (243, 321, 3) == (source.height, source.width, 3)
    assert pixels.flags.c_contiguous
    assert np.abs(pixels.astype(int) - draw(243, 321, 0)).mean() < 4


def test_sound_does_not_disturb(clip: ClipMaker) -> None:
    assert len(list(open_source(f"file:{clip(sound=True)}").frames())) == 20


def turn_clockwise(path: Path) -> None:
    """Write a phone's display matrix into the track header, as portrait videos have it."""
    matrix = [1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]
    turned = [0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30]
    straight, clockwise = (np.array(each, ">i4").tobytes() for each in (matrix, turned))
    content = path.read_bytes()
    header = content.index(straight, content.index(b"tkhd"))
    path.write_bytes(content[:header] + clockwise + content[header + len(straight) :])


def test_a_phones_portrait_video_stands_upright(clip: ClipMaker) -> None:
    path = clip(size=(96, 128), frames=3)
    lying = next(open_source(f"file:{path}").frames()).pixels
    turn_clockwise(path)
    source = open_source(f"file:{path}")
    upright = next(source.frames()).pixels
    assert (source.height, source.width) == (128, 96)
    assert np.array_equal(upright, np.rot90(lying, -1))


def test_a_looped_file_begins_again_and_counts_on(clip: ClipMaker) -> None:
    source = open_source(f"file:{clip(frames=5)}?loop=1")
    frames = list(islice(source.frames(), 12))
    assert [frame.sequence for frame in frames] == list(range(12))
    assert [read_number(frame.pixels) for frame in frames] == [*range(5), *range(5), 0, 1]


def test_a_live_file_plays_at_its_own_rate(clip: ClipMaker) -> None:
    source = open_source(f"file:{clip(frames=10, rate=50)}?live=1")
    began = time.monotonic()
    frames = list(source.frames())
    assert source.live
    assert 0.15 < time.monotonic() - began < 1.5
    gaps_ms = np.diff([frame.captured_ns for frame in frames]) / 1e6
    assert 10 < np.median(gaps_ms) < 40


def test_a_live_file_loses_the_frames_that_a_slow_reader_is_late_for(clip: ClipMaker) -> None:
    source = open_source(f"file:{clip(frames=20, rate=50)}?live=1")
    numbers = []
    for frame in source.frames():
        numbers.append(read_number(frame.pixels))
        assert frame.sequence == numbers[-1]
        time.sleep(0.1)
    assert 2 <= len(numbers) <= 8
    assert np.diff(numbers).max() >= 3


def test_close_from_another_thread_ends_an_endless_file(clip: ClipMaker) -> None:
    source = open_source(f"file:{clip(frames=3)}?loop=1&live=1")
    timer = threading.Timer(0.2, source.close)
    timer.start()
    assert len(list(source.frames())) < 20
    timer.join()


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize(
    ("name", "options", "sound"),
    [
        ("cut.mp4", {"movflags": "+faststart"}, False),
        ("cut.mp4", {"movflags": "+faststart"}, True),
        ("cut.mp4", {"movflags": "+frag_keyframe+empty_moov"}, False),
        ("cut.mkv", {}, False),
        ("cut.avi", {}, False),
    ],
)
def test_a_file_that_is_cut_off_gives_its_frames_and_then_an_error(
    clip: ClipMaker, name: str, options: dict[str, str], sound: bool
) -> None:
    whole = clip(name, frames=100, size=(240, 320), options=options, sound=sound)
    path = cut(whole, 0.6)
    seen = []
    with pytest.raises(SourceError) as caught:
        seen.extend(read_number(frame.pixels) for frame in open_source(f"file:{path}").frames())
    # the last few may have holes: B-frames that were stored behind the cut
    assert seen[:-3] == list(range(len(seen) - 3))
    assert 20 <= len(seen) <= 80
    assert (
        caught.value.message == f"{path}: is cut off at frame {len(seen)} ({len(seen) / 25:.1f} s)"
    )
    assert f"ffmpeg -i {path}" in caught.value.hint


def test_a_file_cut_exactly_between_two_pictures_is_noticed(clip: ClipMaker) -> None:
    path = clip(frames=50, sound=True, options={"movflags": "+faststart"})
    with av.open(str(path)) as container:
        starts = sorted(packet.pos for packet in container.demux(video=0) if packet.size)
    path.write_bytes(path.read_bytes()[: starts[30]])
    with pytest.raises(SourceError, match=r"is cut off at frame (29|30) \("):
        list(open_source(f"file:{path}").frames())


def test_a_file_damaged_in_the_middle_is_an_error(clip: ClipMaker) -> None:
    path = clip(frames=100, size=(240, 320), options={"movflags": "+faststart"})
    content = bytearray(path.read_bytes())
    middle = len(content) * 6 // 10
    content[middle : middle + 2000] = b"\x55" * 2000
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"is damaged at frame \d+ \(\d\.\d s\)"):
        list(open_source(f"file:{path}").frames())


def test_a_video_without_its_index_cannot_be_read(clip: ClipMaker) -> None:
    path = cut(clip(frames=50), 0.5)
    with pytest.raises(SourceError) as caught:
        open_source(f"file:{path}")
    assert caught.value.message == f"{path}: not a video that can be read"
    assert "cut off" in caught.value.hint


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    text, empty = tmp_path / "notes.mp4", tmp_path / "empty.mp4"
    text.write_text("not a video\n" * 100)
    empty.touch()
    with pytest.raises(SourceError, match=r"notes.mp4: not a video that can be read"):
        open_source(f"file:{text}")
    with pytest.raises(SourceError, match=r"empty.mp4: the file is empty"):
        open_source(f"file:{empty}")
    with pytest.raises(SourceError, match=rf"no such file \(ls {tmp_path}\)"):
        open_source(f"file:{tmp_path}/none.mp4")
    with pytest.raises(SourceError, match=r"is a folder, not a video file \(for pictures: images:"):
        open_source(f"file:{tmp_path}")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match=r"pipe.mp4: is not a file"):
        open_source(f"file:{tmp_path}/pipe.mp4")


def test_a_sound_file_holds_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        quiet = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        quiet.sample_rate = 8000
        container.mux([*stream.encode(quiet), *stream.encode(None)])
    with pytest.raises(SourceError, match=r"sound.mp4: holds no video track"):
        open_source(f"file:{path}")


@pytest.fixture
def as_nobody() -> Iterator[None]:
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        yield
        os.seteuid(0)
    else:
        yield


def test_a_file_that_may_not_be_read_says_so(
    clip: ClipMaker, request: pytest.FixtureRequest
) -> None:
    path = clip(frames=2)
    path.chmod(0)
    request.getfixturevalue("as_nobody")
    with pytest.raises(SourceError, match=rf"may not be read \(chmod a\+r {path}\)"):
        open_source(f"file:{path}")


def test_unknown_options_are_refused(clip: ClipMaker) -> None:
    with pytest.raises(ConfigError, match=r"no option 'lop' here \(did you mean loop\?"):
        open_source(f"file:{clip(frames=2)}?lop=1")
    with pytest.raises(ConfigError, match="names no file"):
        open_source("file:")


def test_a_name_that_no_disk_holds_is_one_clear_error() -> None:
    with pytest.raises(SourceError, match="File name too long"):
        open_source(f"file:{'a' * 300}.mp4")


def test_a_colon_in_a_name_is_no_protocol(
    clip: ClipMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clip("a.mp4"), tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    assert next(open_source("file:12:30.mp4").frames()).sequence == 0
