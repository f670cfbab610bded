"""`v4l2:/dev/video0?size=1280x720&fps=30`: a USB camera, or any Linux capture device.

MJPEG is asked for first: over USB 2 raw pictures come at 10 frames a second at 1280x720.
"""

from __future__ import annotations

import errno
import re
import select
import stat
import time
from pathlib import Path

import av
from av.container import InputContainer

from edge.address import Address
from edge.errors import SourceError
from edge.sources.live import OPEN_TIMEOUT_S, READ_TIMEOUT_S, LiveVideo, within

FORMATS = ("auto", "mjpeg", "yuyv422", "nv12", "h264")
# Nodes of a board's codecs, scalers and raw sensors: they take no part as a camera.
_NO_CAMERA = re.compile(
    r"bcm2835-|rpi-?hevc|rpivid|pispbe|unicam|rp1-cfe|hantro|rkvdec|rkisp|qcom-venus"
    r"|-(out|dec|enc|meta)\b"
)
# A kernel timestamp that is older than this counts another clock's time.
_OLDEST_NS = 2_000_000_000
_REASONS = {
    errno.EBUSY: ("is in use", "who uses it: fuser -v {device} (motion? a browser?)"),
    errno.EACCES: ("may not be opened", "sudo usermod -aG video $USER, then log in again"),
    errno.EPERM: ("may not be opened", "sudo usermod -aG video $USER, then log in again"),
    errno.ENOTTY: ("is not a capture device", "{cameras}"),
    errno.EINVAL: ("gives no such size, rate or format", "v4l2-ctl -d {device} --list-formats-ext"),
    errno.ENODEV: ("was unplugged, or captures no pictures", "{cameras}"),
    errno.ENXIO: ("was unplugged", "{cameras}"),
    errno.EIO: ("the connection broke", "try another cable or USB port"),
    errno.EPROTO: ("the connection broke", "try another cable or USB port"),
}


def find_cameras(sys: Path = Path("/sys"), dev: Path = Path("/dev")) -> list[str]:
    """Return the device path of each camera, by its lasting name where it has one.

    Args:
        sys: where sysfs is mounted; tests give a recorded tree.
        dev: where the device nodes are.
    """
    nodes = [node for node in (sys / "class/video4linux").glob("video*") if _is_camera(node)]
    names = {link.resolve(): link for link in sorted((dev / "v4l/by-id").glob("*"), reverse=True)}
    nodes.sort(key=lambda node: int(node.name.removeprefix("video")))
    return [str(names.get((dev / node.name).resolve(), dev / node.name)) for node in nodes]


def _is_camera(node: Path) -> bool:
    """Tell a camera by its first node; later ones carry metadata, others are no cameras."""
    try:
        index, name = (node / "index").read_text(), (node / "name").read_text()
    except OSError:  # unplugged while we look
        return False
    return index.strip() == "0" and not _NO_CAMERA.search(name)


def explain(device: str, error: Exception, cameras: list[str]) -> SourceError:
    """Make one sentence of what the kernel or FFmpeg said about a device."""
    there = f"cameras here: {', '.join(cameras)}" if cameras else "no camera is plugged in"
    if isinstance(error, TimeoutError):
        return SourceError(
            f"{device}: sent nothing for {READ_TIMEOUT_S:.0f} s",
            hint="unplug it and plug it in again; is its cable too long?",
        )
    number = getattr(error, "errno", None) or 0
    reason, hint = _REASONS.get(number, (f"cannot be read ({error})", "v4l2-ctl --list-devices"))
    return SourceError(f"{device}: {reason}", hint=hint.format(device=device, cameras=there))


def open_source(uri: str) -> LiveVideo:
    """Open `v4l2:DEVICE`; options: size=WIDTHxHEIGHT, fps=N, input_format=mjpeg.

    Raises:
        ConfigError: an option is not known.
        SourceError: there is no such camera, it is in use, or it sends nothing.
    """
    address = Address(uri, ["size", "fps", "input_format"])
    device = address.place or "/dev/video0"
    _check(device)
    options = _options(address)
    try:
        container = within(OPEN_TIMEOUT_S, lambda: _open(device, options))
    except (av.FFmpegError, OSError) as error:
        raise explain(device, error, find_cameras()) from error
    return LiveVideo(
        container,
        device,
        lambda error: explain(device, error, find_cameras()),
        captured_ns=_captured_ns,
        ready=Watch(device),
    )


def _check(device: str) -> None:
    path = Path(device)
    if not path.exists():
        cameras = ", ".join(find_cameras())
        hint = f"cameras here: {cameras}" if cameras else "plug one in, then: ls /dev/video*"
        raise SourceError(f"{device}: no such camera", hint=hint)
    if not stat.S_ISCHR(path.stat().st_mode):
        raise SourceError(f"{device}: is not a device", hint=f"a video file is file:{device}")


def _options(address: Address) -> dict[str, str]:
    options = {}
    size, fps = address.size("size"), address.number("fps", 0, 1, 1000)
    kind = address.word("input_format", "auto", FORMATS)
    if size:
        options["video_size"] = f"{size[1]}x{size[0]}"
    if fps:
        options["framerate"] = f"{fps:g}"
    if kind != "auto":
        options["input_format"] = kind
    return options


def _open(device: str, options: dict[str, str]) -> InputContainer:
    """Open the device: with MJPEG, or without where it has none."""
    if "input_format" not in options:
        try:
            return av.open(device, format="v4l2", options=options | {"input_format": "mjpeg"})
        except (av.FFmpegError, OSError) as error:
            if error.errno != errno.EINVAL:
                raise
    return av.open(device, format="v4l2", options=options)


def _captured_ns(picture: av.VideoFrame) -> int:
    """Return the kernel's time of capture, else now: latency counts from the sensor."""
    now = time.monotonic_ns()
    if picture.pts is None or picture.time_base is None:
        return now
    stamp = int(picture.pts * picture.time_base * 1_000_000_000)
    return stamp if 0 <= now - stamp < _OLDEST_NS else now


class Watch:
    """Waits for a device's next picture, which FFmpeg would do without a deadline."""

    def __init__(self, device: str) -> None:
        node = Path(device).resolve()
        self._poll, self._found = select.poll(), False
        for entry in Path("/proc/self/fd").iterdir():
            # the descriptor is FFmpeg's own; it gives no way to ask for it
            if entry.resolve() == node:
                self._poll.register(int(entry.name), select.POLLIN)
                self._found = True

    def __call__(self) -> None:
        """Return when a picture, or an error that the next read tells of, is there."""
        if self._found and not self._poll.poll(READ_TIMEOUT_S * 1000):
            raise TimeoutError("no picture came")
