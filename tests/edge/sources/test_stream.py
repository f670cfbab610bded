import socket
import threading
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from edge.errors import ConfigError, SourceError
from edge.sources import live, open_source, stream
from edge.sources.pattern import read_number
from tests.conftest import ClipMaker
from tests.fakes.network_cameras import MjpegCamera, RtspCamera, silent_server


@pytest.fixture
def mjpeg() -> Iterator[MjpegCamera]:
    camera = MjpegCamera()
    yield camera
    camera.kill()


@pytest.fixture(scope="module")
def rtsp() -> Iterator[RtspCamera]:
    camera = RtspCamera()
    yield camera
    camera.kill()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of one second, as waiting for five proves no more."""
    monkeypatch.setattr(stream, "TIMEOUTS_S", (1.0, 1.0))
    monkeypatch.setattr(live, "READ_TIMEOUT_S", 1.0)


def test_an_mjpeg_camera_is_read_frame_by_frame(mjpeg: MjpegCamera) -> None:
    source = open_source(mjpeg.url("/cam"))
    frames = list(islice(source.frames(), 20))
    assert (source.height, source.width, source.live) == (120, 160, True)
    assert [frame.sequence for frame in frames] == list(range(20))
    numbers = [read_number(frame.pixels) for frame in frames]
    assert np.diff(numbers).tolist() == [1] * 19
    gaps_ms = np.diff([frame.captured_ns for frame in frames]) / 1e6
    assert 15 < np.median(gaps_ms) < 70


def test_the_query_of_a_url_goes_to_the_server_untouched(mjpeg: MjpegCamera) -> None:
    source = open_source(mjpeg.url("/cam?size=1&live=a%20b&loop"))
    assert "/cam?size=1&live=a%20b&loop" in mjpeg.requests
    source.close()


def test_name_and_password_are_used_and_never_shown(mjpeg: MjpegCamera) -> None:
    source = open_source(mjpeg.url("/private", login="viewer:s3cret@"))
    source.close()
    with pytest.raises(SourceError) as caught:
        open_source(mjpeg.url("/private?token=abc", login="viewer:wr0ng@"))
    assert "wants a name and password" in caught.value.message
    assert "***@127.0.0.1" in caught.value.message
    for secret in ("viewer", "wr0ng", "abc"):
        assert secret not in str(caught.value)


def test_a_wrong_path_says_404(mjpeg: MjpegCamera) -> None:
    with pytest.raises(SourceError, match=r"has nothing at that path \(404\)"):
        open_source(mjpeg.url("/nothing"))


def test_a_web_page_is_not_a_video(mjpeg: MjpegCamera) -> None:
    with pytest.raises(SourceError, match="sends no video that can be read"):
        open_source(mjpeg.url("/text"))


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_closed_port_refuses_the_connection(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceError, match=rf":{port}/cam: refuses the connection \(is it on"):
        open_source(f"{scheme}://127.0.0.1:{port}/cam")


def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(SourceError) as caught:
        open_source("rtsp://me:secret@camera.invalid/live")
    assert caught.value.message == "rtsp://***@camera.invalid/live: no such host"
    assert caught.value.hint == "check the name, or: ping camera.invalid"


def test_a_url_without_a_server_or_with_a_wrong_port_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="names no server"):
        open_source("http:///cam")
    with pytest.raises(ConfigError, match="its port is not a number"):
        open_source("http://camera:eighty/cam")


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
@pytest.mark.usefixtures("impatient")
def test_a_server_that_accepts_and_says_nothing_is_given_up(scheme: str) -> None:
    began = time.monotonic()
    with silent_server() as port, pytest.raises(SourceError):
        open_source(f"{scheme}://127.0.0.1:{port}/cam")
    assert time.monotonic() - began < 2.5


def test_the_deadline_is_five_seconds() -> None:
    began = time.monotonic()
    with silent_server() as port, pytest.raises(SourceError, match="sent nothing for 5 s"):
        open_source(f"rtsp://127.0.0.1:{port}/cam")
    assert 4.5 < time.monotonic() - began < 6.5


def test_a_camera_that_loses_its_power_is_an_error_at_once(mjpeg: MjpegCamera) -> None:
    frames = open_source(mjpeg.url("/cam")).frames()
    next(frames)
    mjpeg.dead.set()
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"/cam: the (stream ended|connection broke)"):
        list(frames)
    assert time.monotonic() - began < 2


@pytest.mark.usefixtures("impatient")
def test_a_camera_that_freezes_is_an_error_at_the_deadline(mjpeg: MjpegCamera) -> None:
    frames = open_source(mjpeg.url("/cam")).frames()
    next(frames)
    mjpeg.frozen.set()
    began = time.monotonic()
    with pytest.raises(SourceError, match="/cam: sent nothing for 5 s"):
        list(frames)
    assert 0.8 < time.monotonic() - began < 2.5


@pytest.mark.usefixtures("impatient")
def test_close_ends_a_reader_that_is_blocked(mjpeg: MjpegCamera) -> None:
    source = open_source(mjpeg.url("/cam"))
    frames = source.frames()
    next(frames)
    mjpeg.frozen.set()
    timer = threading.Timer(0.2, source.close)
    timer.start()
    began = time.monotonic()
    assert len(list(frames)) < 10
    assert time.monotonic() - began < 2.5
    timer.join()


def test_close_before_and_after_reading_does_no_harm(mjpeg: MjpegCamera) -> None:
    source = open_source(mjpeg.url("/cam"))
    source.close()
    source.close()
    other = open_source(mjpeg.url("/cam"))
    assert len(list(islice(other.frames(), 3))) == 3
    other.close()


def test_a_file_over_http_plays_at_its_own_rate(clip: ClipMaker) -> None:
    video = clip(frames=15, rate=30, options={"movflags": "+frag_keyframe+empty_moov"})
    camera = MjpegCamera(video=video)
    began, numbers = time.monotonic(), []
    with pytest.raises(SourceError, match="/file: the stream ended"):
        numbers.extend(read_number(f.pixels) for f in open_source(camera.url("/file")).frames())
    camera.kill()
    assert 0.3 < time.monotonic() - began < 3
    assert len(numbers) >= 10
    assert numbers == sorted(numbers)


def test_an_rtsp_camera_is_read(rtsp: RtspCamera) -> None:
    source = open_source(rtsp.url())
    frames = list(islice(source.frames(), 10))
    assert (source.height, source.width) == (240, 320)
    assert source.live
    # SMPTE bars: the leftmost is grey, the last but one red
    red = frames[-1].pixels[60, 250].astype(int)
    assert red[0] > 150
    assert red[1:].max() < 60


def test_an_rtsp_path_that_is_not_there_says_404(rtsp: RtspCamera) -> None:
    with pytest.raises(SourceError, match=r"/none: has nothing at that path \(404\)"):
        open_source(rtsp.url("/none"))


@pytest.mark.usefixtures("impatient")
def test_an_rtsp_camera_that_freezes_is_an_error_at_the_deadline() -> None:
    camera = RtspCamera()
    frames = open_source(camera.url()).frames()
    next(frames)
    camera.freeze()
    began = time.monotonic()
    with pytest.raises(SourceError, match="sent nothing for 5 s"):
        list(frames)
    camera.kill()
    assert time.monotonic() - began < 1.8


def test_an_rtsp_camera_that_dies_is_an_error_within_seconds() -> None:
    camera = RtspCamera()
    frames = open_source(camera.url()).frames()
    list(islice(frames, 5))
    camera.kill()
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"/cam: the (stream ended|connection broke)"):
        list(frames)
    assert time.monotonic() - began < 3
