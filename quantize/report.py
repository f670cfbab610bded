"""What a person sees at the end: how near, what was tried, what is left in float."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from edge.bundle import Bundle, Quality
from quantize.choose import Quantized
from quantize.pack import Verdict


def print_report(
    console: Console, bundle: Bundle, quantized: Sequence[Quantized], verdict: Verdict
) -> None:
    """Print the tables and the float operations left."""
    console.print(_tried(quantized))
    console.print(_quality(bundle, verdict))
    for each in quantized:
        console.print(f"{each.variants[0].engine}: {each.float_ops}")


def _tried(quantized: Sequence[Quantized]) -> Table:
    table = _table(
        "Settings tried, on photos of their own; bold is kept", "engine", "setting", "mean", "worst"
    )
    for each in quantized:
        for trial in each.trials:
            style = "bold" if trial.kept else "dim"
            table.add_row(trial.engine, trial.setting, *_db(trial.quality), style=style)
    return table


def _quality(bundle: Bundle, verdict: Verdict) -> Table:
    photos = verdict.agreement.photos
    title = f"INT8 against the float generator, {photos} photos that calibration did not see"
    table = _table(title, "engine", "size", "mean", "worst", "KiB")
    for variant in verdict.variants:
        if variant.quality:
            size = sum(len(bundle.files[name]) for name in variant.files)
            table.add_row(
                variant.engine, f"{variant.height}x{variant.width}", *_db(variant.quality),
                f"{size / 1024:.0f}",
            )  # fmt: skip
    table.add_row("one engine against the other", "", *_db(verdict.agreement), "")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, justify="right" if name in ("mean", "worst", "KiB") else "left")
    return table


def _db(quality: Quality) -> Iterator[str]:
    yield f"{quality.psnr_db:.1f} dB"
    yield f"{quality.psnr_worst_db:.1f} dB"
