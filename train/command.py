"""`stylecam train`: read the recipe and the pictures, train, say what to type next.

torch is imported when the command runs, not when `stylecam --help` lists it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from train.loop import Job, Terms

console = Console(highlight=False, soft_wrap=True)


@click.command("train")
@click.argument("recipe")
@click.option("--style", type=click.Path(path_type=Path), required=True, help="The painting.")
@click.option("--content", type=click.Path(path_type=Path), help="Folder of photos to train on.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/STYLE if not given.")
@click.option("--perceptual", type=click.Path(path_type=Path), help="SqueezeNet: .npz or .pth.")
@click.option("--steps", type=click.IntRange(min=1), help="Instead of the recipe's.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the recipe's.")
@click.option("--resume", is_flag=True, help="Go on from the run folder's last checkpoint.")
def command(
    recipe: str,
    style: Path,
    content: Path | None,
    out: Path | None,
    perceptual: Path | None,
    steps: int | None,
    seed: int | None,
    resume: bool,
) -> None:
    """Train a generator for one painting, by a RECIPE: quick, great_wave, or a .toml file."""
    from train.job import prepare
    from train.recipe import load_recipe

    numbers = load_recipe(recipe).changed(steps=steps, seed=seed)
    out = out or Path("runs") / style.stem
    job, said = prepare(numbers, style, content, out, perceptual)
    for line in said:
        console.print(line)
    again = f"stylecam train {recipe} --style {style} --out {out}"
    again += f" --content {content}" if content else ""
    began = time.monotonic()
    try:
        _train(job, resume)
    except KeyboardInterrupt:
        console.print(f"\nstopped; go on with: {again} --resume")
        raise SystemExit(130) from None
    console.print(f"{out}: trained in {(time.monotonic() - began) / 60:.1f} min")
    console.print(f"look at {out / 'preview.png'}, then type:")
    console.print(f"  stylecam quantize {out} --out {style.stem}.stylecam")


def free_cores() -> int:
    """Cores that nothing else is using, at least one.

    A thread that must share its core holds up all others at every layer: with two threads on
    two cores busy elsewhere a step took 2.9 s, with one 0.6 s.
    """
    cores = os.cpu_count() or 1
    return max(1, min(cores, cores - round(os.getloadavg()[0])))


def _train(job: Job, resume: bool) -> None:
    import torch

    from train.job import finish
    from train.loop import train

    torch.set_num_threads(free_cores())

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=job.recipe.optimiser.steps)

        def report(step: int, terms: Terms) -> None:
            progress.update(task, completed=step, description=f"loss {terms['total']:.3f}")

        generator = train(job, report=report, resume=resume)
    finish(job, generator)
