"""What tests of several folders share: video files made on the spot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import pytest

from edge.sources.pattern import draw


class ClipMaker(Protocol):
    def __call__(
        self,
        name: str = "clip.mp4",
        *,
        size: tuple[int, int] = (96, 128),
        frames: int = 20,
        rate: Fraction | int = 25,
        sound: bool = False,
        options: dict[str, str] | None = None,
    ) -> Path: ...


@pytest.fixture
def clip(tmp_path: Path) -> ClipMaker:
    """Make an H.264 video of the test pattern, so that each frame tells its number."""

    def make(
        name: str = "clip.mp4",
        *,
        size: tuple[int, int] = (96, 128),
        frames: int = 20,
        rate: Fraction | int = 25,
        sound: bool = False,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream(
                "libx264", rate=rate, options={"g": "10", "preset": "veryfast"}
            )
            stream.height, stream.width = size
            stream.pix_fmt = "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
            speaker = container.add_stream("aac", rate=8000) if sound else None
            for number in range(frames):
                picture = av.VideoFrame.from_ndarray(draw(*size, number), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
            if speaker is not None:
                silence = np.zeros((1, 1024), np.float32)
                quiet = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
                quiet.sample_rate = 8000
                container.mux([*speaker.encode(quiet), *speaker.encode(None)])
        return path

    return make
