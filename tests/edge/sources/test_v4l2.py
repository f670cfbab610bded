"""Finding cameras, on trees recorded from boards; what can be wrong; and reading frames.

The last needs a camera or `modprobe vivid`, the kernel's own test camera.
"""

import errno
import os
import threading
import time
from itertools import islice
from pathlib import Path

import pytest

from edge.errors import ConfigError, SourceError
from edge.sources import open_source, v4l2
from edge.sources.v4l2 import Watch, explain, find_cameras

WEBCAM = "HD Pro Webcam C920"
# node: (name, index), as /sys/class/video4linux has them
LAPTOP = {"video0": (WEBCAM, 0), "video1": (WEBCAM, 1)}
PI_4 = {
    "video0": ("unicam-image", 0),
    "video10": ("bcm2835-codec-decode", 0),
    "video11": ("bcm2835-codec-encode", 0),
    "video13": ("bcm2835-isp-output0", 0),
    "video19": ("rpivid", 0),
    "video2": (WEBCAM, 0),
    "video3": (WEBCAM, 1),
}
PI_5 = {
    "video0": ("rp1-cfe-csi2_ch0", 0),
    "video4": ("rp1-cfe-fe_image0", 0),
    "video19": ("rpi-hevc-dec", 0),
    "video20": ("pispbe-input", 0),
}


@pytest.fixture
def board(tmp_path: Path) -> Path:
    (tmp_path / "dev/v4l/by-id").mkdir(parents=True)
    return tmp_path


def record(board: Path, nodes: dict[str, tuple[str, int]]) -> None:
    for node, (name, index) in nodes.items():
        folder = board / "sys/class/video4linux" / node
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "index").write_text(f"{index}\n")
        (board / "dev" / node).touch()


def find(board: Path) -> list[str]:
    found = find_cameras(board / "sys", board / "dev")
    return [path.removeprefix(str(board)) for path in found]


def test_a_webcam_is_found_once_though_it_has_two_nodes(board: Path) -> None:
    record(board, LAPTOP)
    assert find(board) == ["/dev/video0"]


def test_a_camera_goes_by_its_lasting_name(board: Path) -> None:
    record(board, LAPTOP)
    name = "usb-046d_HD_Pro_Webcam_C920-video-index0"
    (board / "dev/v4l/by-id" / name).symlink_to("../../video0")
    assert find(board) == [f"/dev/v4l/by-id/{name}"]


@pytest.mark.parametrize(("nodes", "cameras"), [(PI_4, ["/dev/video2"]), (PI_5, [])])
def test_a_boards_codecs_and_raw_sensors_are_no_cameras(
    board: Path, nodes: dict[str, tuple[str, int]], cameras: list[str]
) -> None:
    record(board, nodes)
    assert find(board) == cameras


def test_cameras_are_in_the_order_of_their_numbers(board: Path) -> None:
    record(board, {"video10": ("Second", 0), "video2": ("First", 0), "vbi0": ("Tuner", 0)})
    assert find(board) == ["/dev/video2", "/dev/video10"]


def test_a_machine_without_video_devices_has_no_cameras(board: Path) -> None:
    assert find(board) == []


def test_a_camera_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SourceError, match="/dev/video97: no such camera"):
        open_source("v4l2:/dev/video97")


def test_a_device_that_is_no_camera_is_refused_by_the_kernel() -> None:
    with pytest.raises(SourceError, match="/dev/null: is not a capture device"):
        open_source("v4l2:/dev/null")


def test_a_file_is_no_device(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.touch()
    with pytest.raises(SourceError, match=rf"is not a device \(a video file is file:{path}\)"):
        open_source(f"v4l2:{path}")


@pytest.mark.parametrize(
    ("number", "message", "hint"),
    [
        (errno.EBUSY, "is in use", "fuser -v /dev/video0"),
        (errno.EACCES, "may not be opened", "usermod -aG video"),
        (errno.ENODEV, "was unplugged", "cameras here: /dev/video2"),
        (errno.EINVAL, "no such size, rate or format", "v4l2-ctl -d /dev/video0"),
    ],
)
def test_what_the_kernel_says_becomes_a_sentence(number: int, message: str, hint: str) -> None:
    error = explain("/dev/video0", OSError(number, "terse"), ["/dev/video2"])
    assert message in error.message
    assert hint in error.hint


def test_a_camera_that_stalls_is_named() -> None:
    error = explain("/dev/video0", TimeoutError("no picture came"), [])
    assert error.message == "/dev/video0: sent nothing for 5 s"


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="size=big is not a size such as 1280x720"):
        open_source("v4l2:/dev/null?size=big")
    with pytest.raises(ConfigError, match="input_format=raw is not one of auto, mjpeg"):
        open_source("v4l2:/dev/null?input_format=raw")


def test_a_device_that_stalls_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4l2, "READ_TIMEOUT_S", 0.3)
    # a terminal stands in: a device, open in this process, that sends when we say so
    master, device = os.openpty()
    try:
        watch = Watch(os.ttyname(device))
        with pytest.raises(TimeoutError):
            watch()
        os.write(master, b"a picture\n")
        watch()
    finally:
        os.close(master)
        os.close(device)


@pytest.mark.skipif(not find_cameras(), reason="no camera here; try: modprobe vivid")
def test_a_camera_is_read_until_it_is_closed() -> None:
    source = open_source(f"v4l2:{find_cameras()[0]}?size=640x360&fps=15")
    frames = source.frames()
    first = list(islice(frames, 10))
    assert {frame.pixels.shape for frame in first} == {(source.height, source.width, 3)}
    ages_ms = [(time.monotonic_ns() - frame.captured_ns) / 1e6 for frame in first]
    assert sorted(ages_ms, reverse=True) == ages_ms
    timer = threading.Timer(0.2, source.close)
    timer.start()
    assert len(list(frames)) < 30
    timer.join()
