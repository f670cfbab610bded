import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from edge.errors import ConfigError, SinkError
from edge.pixels import Frame, Pixels
from edge.sinks import Sink, Video, open_sink
from edge.sources import open_source
from edge.sources.pattern import draw, read_number

NOBODY = 65534
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40))


def pattern(video: Video, count: int) -> Iterator[Frame]:
    for number in range(count):
        yield Frame(draw(video.height, video.width, number), number, number * 40_000_000)


def noise(video: Video, count: int) -> Iterator[Frame]:
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 256, (video.height, video.width, 3), dtype=np.uint8)
        yield Frame(pixels, number, number)


def write_all(sink: Sink, frames: Iterator[Frame]) -> None:
    for frame in frames:
        sink.write(frame)


def record(uri: str, video: Video, count: int = 10) -> None:
    sink = open_sink(uri, video)
    write_all(sink, pattern(video, count))
    sink.close()


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "m4v"])
@pytest.mark.parametrize(("height", "width"), [(96, 128), (243, 321)])
def test_every_frame_is_in_the_file_at_its_size(
    tmp_path: Path, suffix: str, height: int, width: int
) -> None:
    path = tmp_path / f"out.{suffix}"
    record(f"file:{path}", Video(height, width, 25), 30)
    source = open_source(f"file:{path}")
    assert (source.height, source.width, source.fps) == (height, width, 25)
    assert [read_number(frame.pixels) for frame in source.frames()] == list(range(30))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    "rate", [Fraction(30000, 1001), Fraction(179, 6), Fraction(25, 2), Fraction(24), Fraction(10)]
)
def test_the_rate_survives(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    path = tmp_path / f"out.{suffix}"
    record(f"file:{path}", Video(48, 64, float(rate)), 40)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate
        times = [frame.time for frame in container.decode(stream)]
    assert times[-1] == pytest.approx(39 / rate, abs=0.001)


def flat(colour: tuple[int, int, int], video: Video) -> Pixels:
    return np.full((video.height, video.width, 3), colour, np.uint8)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (99, 131), (720, 1280)])
def test_colours_come_back_as_they_were(tmp_path: Path, height: int, width: int) -> None:
    path, video = tmp_path / "out.mp4", Video(height, width, 25)
    sink = open_sink(f"file:{path}?crf=10", video)
    for number, colour in enumerate(COLOURS):
        sink.write(Frame(flat(colour, video), number, 0))
    sink.close()
    frames = list(open_source(f"file:{path}").frames())
    for frame, colour in zip(frames, COLOURS, strict=True):
        shift = frame.pixels.reshape(-1, 3).mean(0) - colour
        assert np.abs(shift).max() < 3, (colour, shift)


# Red's luma in studio range, ITU-R BT.601 and BT.709; 6 and 1 are their tags (H.273).
@pytest.mark.parametrize(("height", "luma", "matrix"), [(480, 81, 6), (720, 63, 1)])
def test_the_colour_matrix_is_the_one_that_players_assume_and_is_tagged(
    tmp_path: Path, height: int, luma: int, matrix: int
) -> None:
    path, video = tmp_path / "out.mp4", Video(height, 640, 25)
    sink = open_sink(f"file:{path}", video)
    sink.write(Frame(flat((255, 0, 0), video), 0, 0))
    sink.close()
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
    assert (picture.colorspace, picture.color_range) == (matrix, 1)
    assert np.frombuffer(picture.planes[0], np.uint8)[0] == pytest.approx(luma, abs=1)


def test_a_recording_keeps_the_times_of_a_camera_that_loses_frames(tmp_path: Path) -> None:
    path, video = tmp_path / "out.mp4", Video(48, 64, 30, live=True)
    moments_s = [100.0, 100.04, 100.5, 101.25]
    sink = open_sink(f"file:{path}", video)
    for moment, frame in zip(moments_s, pattern(video, 4), strict=True):
        sink.write(replace(frame, captured_ns=int(moment * 1e9)))
    sink.close()
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([0.0, 0.04, 0.5, 1.25], abs=0.001)


def test_a_clock_that_stands_still_does_not_break_a_recording(tmp_path: Path) -> None:
    path, video = tmp_path / "out.mp4", Video(48, 64, 30, live=True)
    sink = open_sink(f"file:{path}", video)
    for frame in pattern(video, 5):
        sink.write(replace(frame, captured_ns=7))
    sink.close()
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert len(set(times)) == 5


def test_a_frame_of_another_size_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    sink = open_sink(f"file:{path}", Video(96, 128, 25))
    sink.write(Frame(draw(192, 256, 9), 0, 0))
    sink.close()
    (frame,) = open_source(f"file:{path}").frames()
    assert frame.pixels.shape == (96, 128, 3)
    assert read_number(frame.pixels) == 9


def test_a_lower_crf_makes_a_larger_file(tmp_path: Path) -> None:
    video = Video(96, 128, 25)
    for crf in (10, 40):
        sink = open_sink(f"file:{tmp_path}/{crf}.mp4?crf={crf}", video)
        write_all(sink, noise(video, 5))
        sink.close()
    assert (tmp_path / "10.mp4").stat().st_size > 2 * (tmp_path / "40.mp4").stat().st_size


def test_the_name_appears_when_the_video_is_whole(tmp_path: Path) -> None:
    path, video = tmp_path / "out.mp4", Video(48, 64, 25)
    path.write_text("the older video")
    sink = open_sink(f"file:{path}", video)
    write_all(sink, pattern(video, 5))
    assert path.read_text() == "the older video"
    sink.close()
    assert len(list(open_source(f"file:{path}").frames())) == 5


def test_a_discarded_video_leaves_nothing_and_the_older_file_stays(tmp_path: Path) -> None:
    path, video = tmp_path / "out.mp4", Video(48, 64, 25)
    path.write_text("the older video")
    sink = open_sink(f"file:{path}", video)
    write_all(sink, pattern(video, 5))
    sink.discard()
    open_sink(f"file:{tmp_path}/never.mp4", video).discard()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]
    assert path.read_text() == "the older video"


def test_a_video_without_frames_is_not_made(tmp_path: Path) -> None:
    sink = open_sink(f"file:{tmp_path}/out.mp4", Video(48, 64, 25))
    with pytest.raises(SinkError, match=r"out.mp4: no frame came, no file was written"):
        sink.close()
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_name_do_not_mix(tmp_path: Path) -> None:
    path, video = tmp_path / "out.mp4", Video(48, 64, 25)
    first = open_sink(f"file:{path}", video)
    with pytest.raises(SinkError, match=r"out.mp4: is being written by another process"):
        open_sink(f"file:{path}", video)
    write_all(first, pattern(video, 3))
    first.close()
    assert len(list(open_source(f"file:{path}").frames())) == 3


def test_what_a_crash_left_behind_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".out.mp4.part").write_bytes(b"half a video" * 10_000)
    record(f"file:{tmp_path}/out.mp4", Video(48, 64, 25), 3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    if os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("mounting a disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=True)
    yield disk
    # lazily, as a test that failed may still hold its file open
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_full_disk_is_an_error_that_names_it(small_disk: Path, suffix: str) -> None:
    path, video = small_disk / f"out.{suffix}", Video(240, 320, 25)
    sink = open_sink(f"file:{path}?crf=0", video)
    with pytest.raises(SinkError) as caught:
        write_all(sink, noise(video, 200))
    sink.discard()
    assert caught.value.message == f"{path}: the disk is full"
    assert caught.value.hint == f"free some space, see: df -h {small_disk}"
    assert list(small_disk.iterdir()) == []


def test_a_disk_that_is_full_at_the_end_leaves_no_file(small_disk: Path) -> None:
    path, video = small_disk / "out.mp4", Video(240, 320, 25)
    sink = open_sink(f"file:{path}?crf=0", video)
    # few enough that x264 still holds them all back
    write_all(sink, noise(video, 5))
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)) == 4096:
            if os.statvfs(small_disk).f_bfree == 0:
                break
    with pytest.raises(SinkError, match=r"out.mp4: the disk is full"):
        sink.close()
    assert [entry.name for entry in small_disk.iterdir()] == ["filler"]


def test_a_place_that_cannot_be_written_is_named_before_anything_runs(tmp_path: Path) -> None:
    video = Video(48, 64, 25)
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=rf"no such folder \(mkdir -p {tmp_path}/none\)"):
        open_sink(f"file:{tmp_path}/none/out.mp4", video)
    with pytest.raises(SinkError, match=r"is a folder, not a file"):
        open_sink(f"file:{tmp_path}", video)
    with pytest.raises(SinkError, match=r"its folder is a file"):
        open_sink(f"file:{tmp_path}/file/out.mp4", video)


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        with pytest.raises(SinkError, match=r"out.mp4: no permission to write there"):
            open_sink(f"file:{tmp_path}/out.mp4", Video(48, 64, 25))
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


def test_other_kinds_of_file_are_refused_with_those_allowed() -> None:
    with pytest.raises(ConfigError, match=r"\.webm file \(end its name in one of: \.mp4, \.m4v"):
        open_sink("file:out.webm", Video(48, 64, 25))
    with pytest.raises(ConfigError, match="names no file"):
        open_sink("file:", Video(48, 64, 25))
    with pytest.raises(ConfigError, match="crf=99 is not a number from 0 to 51"):
        open_sink("file:out.mp4?crf=99", Video(48, 64, 25))


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record("file:12:30.mp4", Video(48, 64, 25.0))
    assert [path.name for path in tmp_path.iterdir()] == ["12:30.mp4"]


def test_a_rate_below_one_frame_a_day_is_written(tmp_path: Path) -> None:
    record(f"file:{tmp_path}/slow.mp4", Video(48, 64, 1e-5), count=2)
    assert (tmp_path / "slow.mp4").exists()
