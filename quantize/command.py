"""`stylecam quantize RUN`: a trained run becomes one bundle for every engine.

Loaded by name from the command line, so nothing heavy is imported before it is called.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.errors import QuantizeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from edge.bundle import Bundle
    from edge.pixels import Pixels
    from quantize.calibrate import PictureSet
    from quantize.choose import Quantized
    from quantize.device_graph import DeviceGraph
    from quantize.pack import Credits
    from train.checkpoint import Checkpoint

Size = tuple[int, int]
DEFAULT_SIZES = ((480, 640), (360, 640))


class _SizeType(click.ParamType):
    name = "HxW"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Size:
        found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", str(value))
        if not found:
            self.fail(f"{value!r} is not a size; height first, for example 480x640", param, ctx)
        return int(found[1]), int(found[2])


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The bundle [RUN's style.stylecam].")
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    help="Folder of photos [frames of the built-in landscape].",
)
@click.option(
    "--size", "sizes", type=_SizeType(), multiple=True, help="Height x width [480x640, 360x640]."
)
@click.option("--photos", default=40, show_default=True, type=click.IntRange(2, 1000),
              help="How many photos to calibrate on.")  # fmt: skip
@click.option("--title", default="", help="The style's name for people.")
@click.option("--author", default="", help="Who made the style.")
@click.option("--licence", default="", help="Under which terms it may be used.")
@click.option("--description", default="", help="A sentence about it.")
@click.option("--force", is_flag=True, help="Write the bundle even if INT8 lost too much.")
def command(
    run: Path, out: Path | None, calibration: Path | None, sizes: tuple[Size, ...], photos: int,
    title: str, author: str, licence: str, description: str, *, force: bool,
) -> None:  # fmt: skip
    """Turn the training RUN folder into one bundle with INT8 models for every engine."""
    from rich.console import Console

    from quantize.quiet import quiet

    with quiet():
        from quantize.pack import Credits

    # Named, as the converters' output is turned away from sys.stdout while they work.
    console = Console(file=sys.stdout)
    facts = Credits(title, author, licence, description)
    path = quantize_run(
        run, out, calibration, sizes or DEFAULT_SIZES, photos, facts, console, force=force
    )
    console.print(f"Next: stylecam run --style {path}", soft_wrap=True)


def quantize_run(
    run: Path, out: Path | None, calibration: Path | None, sizes: Sequence[Size], photos: int,
    facts: Credits, console: Console, *, force: bool = False,
) -> Path:  # fmt: skip
    """Read a run, quantise, verify, and write the bundle; return where it is.

    Raises:
        QuantizeError: not a run, no photos, a size the generator cannot take, or INT8 lost
            too much and `force` is not set.
        SinkError: the bundle cannot be written.
    """
    from edge.bundle import SUFFIX, write_bundle
    from quantize.calibrate import read_pictures

    checkpoint = _read_run(run)
    _check_sizes(sizes, checkpoint.spec.multiple)
    path = out or Path(f"{checkpoint.style_name}{SUFFIX}")
    pictures = read_pictures(calibration, photos)
    console.print(f"{run}: {pictures.told}", soft_wrap=True)
    bundle = _make(checkpoint, pictures, sizes, facts, console, force=force)
    write_bundle(path, bundle.manifest, bundle.files)
    console.print(f"{path}: {path.stat().st_size / 1e6:.2f} MB", soft_wrap=True)
    return path


def _make(
    checkpoint: Checkpoint, pictures: PictureSet, sizes: Sequence[Size], facts: Credits,
    console: Console, *, force: bool,
) -> Bundle:  # fmt: skip
    from quantize import pack
    from quantize.device_graph import DeviceGraph
    from quantize.report import print_report

    graph = DeviceGraph(checkpoint.generator)
    seconds = _expected_seconds(len(pictures.calibration), len(pictures.verification), len(sizes))
    with _progress(console, seconds) as done:
        quantized = _quantize(checkpoint, graph, pictures, sizes, done)
        bundle = pack.assemble(checkpoint, quantized, graph, facts)
        done("assembled", 2)
        judged = []
        for variant in pack.judge(bundle, checkpoint.generator, pictures.verification):
            judged.append(variant)
            done(f"judged {variant.engine}", 0.1 * len(pictures.verification))
        verdict = pack.Verdict(tuple(judged), pack.agreement(bundle, pictures.verification))
    print_report(console, bundle, quantized, verdict)
    pack.check(verdict, pack.MIN_WORST_DB, force=force)
    return pack.complete(bundle, verdict, _preview(bundle), pictures, pack.MIN_WORST_DB)


def _quantize(
    checkpoint: Checkpoint, graph: DeviceGraph, pictures: PictureSet, sizes: Sequence[Size],
    done: Callable[[str, float], None],
) -> list[Quantized]:  # fmt: skip
    from quantize import choose
    from quantize.equalize import equalize

    photos = choose.Photos.divide(pictures.calibration, sizes[0], checkpoint.generator)
    equal = equalize(graph, photos.ranges)
    done("equalized", 2)
    return [
        choose.quantize_for_tflite(equal, photos, sizes, done),
        choose.quantize_for_openvino(equal, photos, sizes, done),
    ]


def _read_run(run: Path) -> Checkpoint:
    from edge.errors import TrainingError
    from train.checkpoint import load_checkpoint

    try:
        return load_checkpoint(run)
    except TrainingError as error:
        raise QuantizeError(error.message, hint=error.hint) from error


def _check_sizes(sizes: Sequence[Size], multiple: int) -> None:
    for height, width in sizes:
        if height % multiple or width % multiple:
            raise QuantizeError(
                f"--size {height}x{width}: this generator takes multiples of {multiple}",
                hint=f"for example --size {_nearest(height, multiple)}x{_nearest(width, multiple)}",
            )


def _nearest(side: int, multiple: int) -> int:
    return max(16, multiple * round(side / multiple))


def _preview(bundle: Bundle) -> Pixels:
    """Restyle a frame of the built-in landscape; the left third stays as it was."""
    from quantize.verify import load_variant
    from train.scene import Scene

    variant = bundle.manifest.variants[0]
    frame = Scene().render(2.0, variant.height, variant.width).pixels
    styled = load_variant(bundle, variant)(frame).copy()
    third = variant.width // 3
    styled[:, :third] = frame[:, :third]
    styled[:, third : third + 2] = 255
    return styled


def _expected_seconds(calibration: int, verification: int, sizes: int) -> float:
    """Add up what the steps below announce, for the time left."""
    tflite = 5 * sizes + 0.2 * max(1, round(calibration * 0.6)) + 2 * 3
    return 2 + tflite + 1 + 8 * 3 + 2 + 2 * sizes * 0.1 * verification


@contextmanager
def _progress(console: Console, seconds: float) -> Iterator[Callable[[str, float], None]]:
    from rich.progress import Progress, TimeRemainingColumn

    columns = (
        *Progress.get_default_columns()[:-1],
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("quantizing", total=seconds)

        def done(what: str, weight: float) -> None:
            progress.update(task, description=what, advance=weight)

        yield done
