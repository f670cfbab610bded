"""A video file as FFmpeg reads it, which notices when the file ends too early.

FFmpeg plays a file that was cut off without a word and just stops. Made into another
file that would be a shorter one that looks whole, so here it is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import av

from edge.errors import SourceError

log = logging.getLogger(__name__)
# A duration in a header is rounded, and the last frame may be shown longer than it lasts.
_SHORT_S = 0.5
_FALLBACK_FPS = 25.0


class Clip:
    """One pass through a video file; use it as a context manager.

    Attributes:
        fps: the average rate that the file states.

    Raises:
        SourceError: not a video file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # absolute: FFmpeg takes what stands before a colon (12:30.mp4) for a protocol
            self._container = av.open(str(path.absolute()))
        except (av.FFmpegError, OSError) as error:
            raise SourceError(
                f"{path}: not a video that can be read",
                hint="is it cut off, or no video? a player tells: ffplay FILE",
            ) from error
        if not self._container.streams.video:
            self._container.close()
            raise SourceError(f"{path}: holds no video track", hint="give a file with pictures")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.fps = _rate(self._stream)
        self._packets = self._pictures = self._damaged = 0
        self._end_s = 0.0

    def __enter__(self) -> Clip:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def first(self) -> av.VideoFrame:
        """Return the first picture; SourceError when there is none."""
        for picture in self.pictures():
            return picture
        raise SourceError(
            f"{self._path}: its video track holds no pictures", hint="record or copy it again"
        )

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every picture, in the order shown.

        Raises:
            SourceError: the file is cut off or damaged; the message says where.
        """
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    yield from self._decode(None)
                    raise self._broken("is cut off")
                yield from self._decode(packet)
        except av.FFmpegError as error:
            raise self._broken("is damaged") from error
        if self._is_short():
            raise self._broken("is cut off")
        if self._damaged and self._pictures < self._packets:
            raise self._broken("is damaged")
        if self._damaged:
            log.warning("%s: %d pictures are damaged", self._path, self._damaged)

    def _decode(self, packet: av.Packet[av.VideoStream] | None) -> Iterator[av.VideoFrame]:
        if packet is not None and packet.size:
            self._packets += 1
            if packet.pts is not None and packet.time_base:
                end = packet.pts + (packet.duration or 0)
                self._end_s = max(self._end_s, float(end * packet.time_base))
        for picture in self._stream.decode(packet):
            self._pictures += 1
            self._damaged += picture.is_corrupt
            yield picture

    def _is_short(self) -> bool:
        if self._packets < len(self._stream.index_entries):
            return True
        return self._end_s < self._expected_end_s() - _SHORT_S

    def _expected_end_s(self) -> float:
        """Return when the video track should end, seconds; 0 when nothing says so."""
        stated = self._stream.metadata.get("DURATION", "")  # Matroska's
        if stated.count(":") == 2:
            hours, minutes, seconds = map(float, stated.split(":"))
            return hours * 3600 + minutes * 60 + seconds
        if len(self._container.streams) == 1 and self._container.duration:
            start = max(0, self._container.start_time or 0)
            return (start + self._container.duration) / av.time_base
        return 0.0

    def _broken(self, what: str) -> SourceError:
        second = self._pictures / self.fps
        return SourceError(
            f"{self._path}: {what} at frame {self._pictures} ({second:.1f} s)",
            hint=f"copy it again, or keep what is whole: ffmpeg -i {self._path} whole.mp4",
        )


def _rate(stream: av.VideoStream) -> float:
    average, guessed = stream.average_rate, stream.guessed_rate
    # AVI counts fields: its average is then twice the rate of the pictures.
    if average and guessed and average == 2 * guessed:
        average = guessed
    return float(average or guessed or _FALLBACK_FPS)
