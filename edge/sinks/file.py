"""`file:out.mp4?crf=20`: H.264 in MP4, MOV or Matroska, whole or not there at all.

Written as `.out.mp4.part` beside the target and renamed at the end, so that the name never
stands for half a video. An odd width or height cannot be halved for 4:2:0 colour, and a
line more or less would be another video: those are written as 4:4:4, which browsers and
desktop players show, though not every phone.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace

from edge.address import Address
from edge.errors import ConfigError, SinkError
from edge.pixels import Frame, resize
from edge.sinks import Video

log = logging.getLogger(__name__)
SUFFIXES = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
# Fine enough for any camera, coarse enough for MP4's 32-bit timescale.
_LIVE_TICKS = 90_000
_HD_HEIGHT = 720
# AVColorSpace and its kin, ITU-T H.273
_BT709, _BT601, _LIMITED_RANGE = 1, 6, 1
_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space, see: df -h {folder}"),
    errno.EDQUOT: ("your disk quota is used up", "free some space, see: quota"),
    errno.EFBIG: ("too large for this file system", "FAT takes 4 GiB; record shorter videos"),
    errno.EROFS: ("the disk is read-only", "choose another folder"),
    errno.EACCES: ("no permission to write there", "choose another folder, or: ls -ld {folder}"),
    errno.ENOENT: ("no such folder", "mkdir -p {folder}"),
    errno.ENOTDIR: ("its folder is a file", "choose another name"),
}


class FileSink:
    """Encodes frames to a video file; every frame counts.

    Args:
        path: the file to make; one that is there already is replaced at the end.
        video: what the frames will be; a frame of another size is scaled to it.
        crf: x264's quality, 0 (lossless) to 51 (poor).

    Raises:
        SinkError: it cannot be written there.
    """

    lossless = True

    def __init__(self, path: Path, video: Video, *, crf: float = 20) -> None:
        self._path, self._video = path, video
        self._part = path.with_name(f".{path.name}.part")
        self._count, self._first_ns, self._last_pts = 0, 0, -1
        self._lock = self._claim()
        try:
            self._container = self._create()
            self._stream = self._add_stream(crf)
        except (av.FFmpegError, OSError) as error:
            self._remove()
            raise self._explain(error) from error

    def _claim(self) -> int:
        """Open the part file, kept open as the lock that a second writer meets."""
        try:
            lock = os.open(self._part, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise self._explain(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise SinkError(
                f"{self._path}: is being written by another process", hint="choose another name"
            ) from error
        return lock

    def _create(self) -> OutputContainer:
        kind = SUFFIXES[self._path.suffix.lower()]
        # The index first, so that a browser can begin before it has the whole file.
        options = {} if kind == "matroska" else {"movflags": "+faststart"}
        # absolute: FFmpeg takes what stands before a colon (12:30.mp4) for a protocol
        return av.open(str(self._part.absolute()), "w", format=kind, options=options)

    def _add_stream(self, crf: float) -> av.VideoStream:
        height, width = self._video.height, self._video.width
        rate = Fraction(self._video.fps).limit_denominator(10_000) or Fraction(1, 10_000)
        # veryfast: a third of medium's CPU time for files a tenth larger
        options = {"crf": f"{crf:g}", "preset": "veryfast"}
        stream = self._container.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = height, width
        stream.pix_fmt = "yuv444p" if height % 2 or width % 2 else "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, _LIVE_TICKS) if self._video.live else 1 / rate
        # Tagged, and chosen by size too: players that ignore tags go by the size.
        context.colorspace = _BT709 if height >= _HD_HEIGHT else _BT601
        context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream

    def write(self, frame: Frame) -> None:
        """Encode one frame.

        Raises:
            SinkError: it could not be written (disk full).
        """
        pixels = resize(frame.pixels, self._video.height, self._video.width)
        picture = av.VideoFrame.from_numpy_buffer(pixels, format="rgb24").reformat(
            format=self._stream.pix_fmt,
            dst_colorspace=Colorspace.ITU709
            if self._video.height >= _HD_HEIGHT
            else Colorspace.ITU601,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        picture.pts, picture.time_base = self._when(frame), self._stream.codec_context.time_base
        self._encode(picture)
        self._count += 1

    def _when(self, frame: Frame) -> int:
        """Return the frame's moment: a file's frames follow one another, a camera's lag."""
        if not self._video.live:
            return self._count
        if not self._count:
            self._first_ns = frame.captured_ns
        ticks = (frame.captured_ns - self._first_ns) * _LIVE_TICKS // 1_000_000_000
        self._last_pts = max(ticks, self._last_pts + 1)
        return self._last_pts

    def _encode(self, picture: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._explain(error) from error

    def close(self) -> None:
        """Write the end and give the file its name.

        Raises:
            SinkError: the end could not be written, or there was no frame at all; then
                nothing is left behind.
        """
        if not self._count:
            self.discard()
            raise SinkError(f"{self._path}: no frame came, no file was written", hint="")
        try:
            self._encode(None)
            self._container.close()
            os.fsync(self._lock)
            self._part.replace(self._path)
            self._sync_folder()
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise error if isinstance(error, SinkError) else self._explain(error) from error
        os.close(self._lock)

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Remove what was written."""
        # a full disk fails again while the end is written; the file goes anyway
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        self._remove()

    def _remove(self) -> None:
        self._part.unlink(missing_ok=True)
        os.close(self._lock)

    def _explain(self, error: av.FFmpegError | OSError) -> SinkError:
        folder = self._path.parent
        reason, hint = _REASONS.get(error.errno or 0, (f"cannot be written ({error})", ""))
        return SinkError(f"{self._path}: {reason}", hint=hint.format(folder=folder))


def open_sink(uri: str, video: Video) -> FileSink:
    """Open `file:PATH`; option: crf=0..51.

    Raises:
        ConfigError: the suffix or an option is not one we know.
        SinkError: the file cannot be written.
    """
    address = Address(uri, ["crf"])
    path = Path(address.place)
    if not address.place:
        raise ConfigError(f"sink {uri!r} names no file", hint="file:out.mp4")
    # os.path's, as Path's raises where it may not look
    if os.path.isdir(path):  # noqa: PTH112
        raise SinkError(f"{path}: is a folder, not a file", hint=f"file:{path}/out.mp4")
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"sink {uri!r}: cannot make a {path.suffix or 'nameless'} file",
            hint=f"end its name in one of: {', '.join(SUFFIXES)}",
        )
    return FileSink(path, video, crf=address.number("crf", 20, 0, 51))
