"""The run folder: what training leaves behind, and all that quantisation needs.

    runs/<name>/weights.safetensors   the generator as it ships (BatchNorm not yet folded);
                                      its spec, style name and provenance are in the header
    runs/<name>/recipe.toml           the recipe as run, with every default written out
    runs/<name>/metrics.json          what was measured at the end
    runs/<name>/preview.png           before and after, by step
    runs/<name>/resume.pt             optimisers, discriminator, step: for --resume only

Each file is written under another name, then moved into place, so that a run that is
interrupted at any moment leaves the last whole checkpoint and never half of one.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from edge.errors import TrainingError
from train.generator import Generator, GeneratorSpec

WEIGHTS = "weights.safetensors"
RECIPE = "recipe.toml"
METRICS = "metrics.json"
PREVIEW = "preview.png"
RESUME = "resume.pt"


@dataclass(frozen=True)
class Checkpoint:
    """A trained generator and where it came from.

    Attributes:
        folder: the run folder.
        generator: in eval mode, BatchNorm not folded; `generator.folded()` is what to export.
        recipe: the text of recipe.toml as run; "" if the folder has none.
        style_name: for the bundle's manifest, e.g. "great_wave".
        provenance: step, style image hash, photos, held-out rule, versions: plain JSON.
        metrics: what training measured at its end; {} before that.
    """

    folder: Path
    generator: Generator
    style_name: str
    recipe: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> GeneratorSpec:
        """The shape of the generator."""
        return self.generator.spec


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a name to write to; it becomes `path` when the block ends well, else it vanishes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save_weights(
    path: Path, generator: Generator, *, style_name: str, provenance: dict[str, Any]
) -> None:
    """Write a generator, its spec and its provenance to one safetensors file."""
    header = {
        "spec": generator.spec.model_dump_json(),
        "style_name": style_name,
        "provenance": json.dumps(provenance, sort_keys=True),
    }
    with written_whole(path) as temporary:
        save_file({k: v.contiguous() for k, v in generator.state_dict().items()}, temporary, header)


def save_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a run folder.

    Raises:
        TrainingError: the folder is missing, is not a run, or its weights are damaged.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        what = "is not a run folder" if folder.is_dir() else "no such run folder"
        raise TrainingError(
            f"{folder}: {what} (no {WEIGHTS})",
            hint=f"train one with: stylecam train quick --style IMAGE --out {folder}",
        )
    generator, header = load_weights(weights)
    return Checkpoint(
        folder=folder,
        generator=generator,
        style_name=header["style_name"],
        recipe=_read_text(folder / RECIPE),
        provenance=json.loads(header["provenance"]),
        metrics=_read_metrics(folder / METRICS),
    )


def load_weights(path: Path) -> tuple[Generator, dict[str, str]]:
    """Read one safetensors file: the generator in eval mode, and the file's header.

    Raises:
        TrainingError: the file is damaged, or holds something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        generator = Generator(GeneratorSpec.model_validate_json(header["spec"]))
        generator.load_state_dict(tensors)
        header["style_name"], json.loads(header["provenance"])
    except (OSError, SafetensorError, KeyError, ValidationError, RuntimeError, ValueError) as error:
        raise TrainingError(
            f"{path}: not the weights of a stylecam generator ({_first_line(error)})",
            hint="the file is damaged or another program's: train again, or copy the run again",
        ) from error
    return generator.eval(), header


def save_resume(folder: Path, state: dict[str, Any]) -> None:
    """Write what --resume needs beside the weights."""
    with written_whole(folder / RESUME) as temporary:
        torch.save(state, temporary)


def load_resume(folder: Path) -> dict[str, Any]:
    """Read what `save_resume` wrote.

    Raises:
        TrainingError: there is nothing to resume, or it is damaged.
    """
    path = folder / RESUME
    if not path.is_file():
        raise TrainingError(
            f"{folder}: nothing to resume (no {RESUME})",
            hint="leave --resume away to start this run from the beginning",
        )
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds for a damaged file
        raise TrainingError(
            f"{path}: damaged, cannot be resumed ({_first_line(error)})",
            hint="leave --resume away to start this run from the beginning",
        ) from error
    return state


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _read_metrics(path: Path) -> dict[str, Any]:
    try:
        metrics: dict[str, Any] = json.loads(_read_text(path) or "{}")
    except ValueError as error:
        raise TrainingError(
            f"{path}: not JSON ({error})", hint="delete the file: it only documents the run"
        ) from error
    return metrics


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:160]
