"""Decoded pictures to upright RGB, and FFmpeg's errors to sentences.

One conversion for every source that FFmpeg reads: one pass of its scaler per frame
(0.1 to 0.4 ms at 640x480 on x86; one thread, as a second one only doubles the CPU time).
"""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import Colorspace

from edge.pixels import Fit, Pixels

_UNSPECIFIED = 2
_HD_HEIGHT = 720


def to_rgb(picture: av.VideoFrame) -> Pixels:
    """Convert a decoded picture to RGB, turned as its display matrix says (phones).

    A picture that does not say which colour matrix it was made with gets BT.709 from 720
    lines on and BT.601 below, as players and browsers assume.
    """
    guess = None
    if picture.colorspace == _UNSPECIFIED and not picture.format.is_rgb:
        guess = Colorspace.ITU709 if picture.height >= _HD_HEIGHT else Colorspace.ITU601
    rgb = picture.reformat(format="rgb24", src_colorspace=guess, threads=1).to_ndarray()
    # rotation counts degrees counter-clockwise, as rot90 does
    return np.ascontiguousarray(np.rot90(rgb, round(picture.rotation / 90) % 4))


def at_size(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return the picture at a source's size, should a stream or folder change midway."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return Fit.inside(pixels.shape[:2], (height, width)).place(pixels)
