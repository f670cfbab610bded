"""Draw the README's picture again: the rendered scene, and the same frame in each shipped style.

usage: python docs/pictures/draw.py        (in an environment with the train extra)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import simplejpeg

from edge.engines import load_engine
from edge.styles import open_style, style_names
from train.scene import Scene

TIME_S, HEIGHT, WIDTH, GAP = 5.0, 480, 640, 8


def main() -> None:
    """Write before_after.jpg beside this file."""
    camera = Scene(seed=7).render(TIME_S, HEIGHT, WIDTH).pixels
    styled = [load_engine(open_style(name))(camera) for name in style_names()]
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    row = [part for picture in (camera, *styled) for part in (picture, gap)][:-1]
    jpeg = simplejpeg.encode_jpeg(np.concatenate(row, axis=1), quality=85, colorspace="RGB")
    Path(__file__).with_name("before_after.jpg").write_bytes(jpeg)


if __name__ == "__main__":
    main()
