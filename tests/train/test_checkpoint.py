"""A run folder is whole or it is an error that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edge.errors import TrainingError
from train.checkpoint import load_checkpoint, load_resume, save_weights, written_whole
from train.generator import Generator, GeneratorSpec

SPEC = GeneratorSpec(width=8, deep=())


def saved(folder: Path) -> Generator:
    generator = Generator(SPEC).eval()
    path = folder / "weights.safetensors"
    save_weights(path, generator, style_name="wave", provenance={"step": 3})
    return generator


@torch.no_grad()
def test_a_checkpoint_loads_as_it_was_saved(tmp_path: Path) -> None:
    generator, picture = saved(tmp_path), torch.rand(1, 3, 16, 16)
    loaded = load_checkpoint(tmp_path)
    assert (loaded.spec, loaded.style_name, loaded.provenance) == (SPEC, "wave", {"step": 3})
    assert not loaded.generator.training
    assert torch.equal(loaded.generator(picture), generator(picture))


def fail_halfway(path: Path) -> None:
    with written_whole(path) as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / "weights.safetensors"
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        fail_halfway(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_truncated_checkpoint_is_named(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TrainingError, match=r"weights\.safetensors: not the weights"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(("name", "said"), [("gone", "no such run"), (".", "is not a run folder")])
def test_a_folder_that_is_no_run_says_how_to_train_one(
    tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(TrainingError, match=said) as caught:
        load_checkpoint(tmp_path / name)
    assert "stylecam train" in caught.value.hint


def test_nothing_to_resume_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to resume"):
        load_resume(tmp_path)
    (tmp_path / "resume.pt").write_bytes(b"not torch")
    with pytest.raises(TrainingError, match="cannot be resumed"):
        load_resume(tmp_path)
