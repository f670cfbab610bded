"""`stylecam train` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from edge.errors import TrainingError
from tests.train.conftest import draw
from train.checkpoint import load_checkpoint
from train.command import command, free_cores

RECIPE = """
report_every = 2
[generator]
width = 8
deep = []
[data]
crop = 64
batch = 1
style_height = 96
[losses]
low_frequency = 1.0
"""


@pytest.fixture
def arguments(tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        "train.perceptual.find_squeezenet.__kwdefaults__",
        {"url": "http://127.0.0.1:9/x", "sha256_prefix": ""},
    )
    (tmp_path / "tiny.toml").write_text(RECIPE)
    Image.fromarray(draw(9)).save(tmp_path / "dots.png")
    style, out = str(tmp_path / "dots.png"), str(tmp_path / "run")
    return [
        str(tmp_path / "tiny.toml"),
        "--style",
        style,
        "--content",
        str(photo_folder),
        "--out",
        out,
        "--steps",
        "4",
    ]


def test_train_ends_by_saying_what_to_type_next(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert f"stylecam quantize {tmp_path / 'run'} --out dots.stylecam" in result.output
    assert "training without one" in result.output
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint.style_name == "dots"
    assert set(checkpoint.provenance["held_out"]) > set()
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["parameters"] > 0


def test_a_style_that_is_missing_is_named(arguments: list[str]) -> None:
    arguments[2] = "gone.jpg"
    with pytest.raises(TrainingError, match=r"gone\.jpg: no such file"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


@pytest.mark.parametrize(("load", "threads"), [(0.1, 4), (1.6, 2), (9.0, 1)])
def test_training_leaves_busy_cores_alone(
    monkeypatch: pytest.MonkeyPatch, load: float, threads: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.getloadavg", lambda: (load, load, load))
    assert free_cores() == threads
