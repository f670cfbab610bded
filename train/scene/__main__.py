"""Render the sample clip: `python -m train.scene --out edge/samples/flight.mp4`."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from edge.errors import StylecamError, TrainingError
from train.scene import Scene

Frame = NDArray[np.uint8]


def main() -> int:
    """Render and say what was written; 2 when the command line asks the impossible."""
    args = _arguments()
    try:
        frames = _frames(args)
        _write(args.out, frames, args)
    except StylecamError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    size = args.out.stat().st_size / 1e6
    sys.stdout.write(
        f"{args.out}: {size:.2f} MB. Next: stylecam run --source 'file:{args.out}?loop=1'\n"
    )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m train.scene", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the .mp4 to write")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--height", type=int, default=480, help="even")
    parser.add_argument("--width", type=int, default=640, help="even")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--fineness", type=float, default=1.0, help="of the maps, 0.1..2")
    parser.add_argument("--crf", type=int, default=24, help="0 best .. 51 smallest")
    parser.add_argument(
        "--dissolve",
        type=float,
        default=0.8,
        help="seconds at the end that blend into the start, for a soft loop",
    )
    return parser.parse_args()


def _frames(args: argparse.Namespace) -> Iterator[Frame]:
    """The flight; its last part dissolves into what comes before the start."""
    count = round(args.seconds * args.fps)
    if count < 1 or args.height % 2 or args.width % 2 or not 0 <= args.dissolve <= args.seconds:
        raise TrainingError(
            f"{count} frames of {args.height}x{args.width} with {args.dissolve} s of dissolve "
            "cannot be encoded",
            hint="at least 1 frame, height and width even, dissolve within the clip",
        )
    scene = Scene(args.seed, fineness=args.fineness)
    began = time.monotonic()
    for index in range(count):
        seconds = index / args.fps
        pixels = scene.render(seconds, args.height, args.width).pixels
        share = (seconds - (args.seconds - args.dissolve)) * args.fps + 1
        share /= args.dissolve * args.fps + 1
        if share > 0:
            start = scene.render(seconds - args.seconds, args.height, args.width).pixels
            pixels = (pixels * (1 - share) + start * share + 0.5).astype(np.uint8)
        yield pixels
        left_s = (time.monotonic() - began) / (index + 1) * (count - index - 1)
        sys.stderr.write(f"\rframe {index + 1}/{count}, {left_s:.0f} s left  ")
    sys.stderr.write("\n")


def _write(out: Path, frames: Iterator[Frame], args: argparse.Namespace) -> None:
    """Encode to a file beside `out`, then rename: never a half-written clip."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    options = {"movflags": "+faststart"}
    try:
        with av.open(str(partial), "w", format="mp4", options=options) as container:
            stream = container.add_stream("libx264", rate=args.fps)
            stream.height, stream.width, stream.pix_fmt = args.height, args.width, "yuv420p"
            stream.options = {"crf": str(args.crf), "preset": "veryslow", "tune": "animation"}
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
