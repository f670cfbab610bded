"""A real, tiny training: it learns, leaves a run that loads, and goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edge.errors import TrainingError
from tests.train.conftest import JobMaker, random_squeezenet_weights
from train.checkpoint import load_checkpoint
from train.loop import Terms, train
from train.perceptual import CAFFE, SqueezeNet
from train.recipe import OptimiserRecipe

PLAIN = {"low_frequency": 1.0, "structure": 0.5, "adversarial": 0.1, "temporal": 5.0}


def test_training_lowers_the_loss_and_leaves_a_run_that_loads(job: JobMaker) -> None:
    made, seen = job(steps=12, guide=3.0), []
    generator = train(made, report=lambda step, terms: seen.append((step, terms["total"])))
    assert [step for step, _ in seen] == list(range(1, 13))
    assert seen[-1][1] < 0.9 * seen[0][1]
    loaded = load_checkpoint(made.out)
    picture = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(loaded.generator(picture), generator(picture), atol=1e-5)
    assert loaded.provenance == {"photos": 3, "step": 12}
    names = {path.name for path in made.out.iterdir()}
    assert names == {"weights.safetensors", "recipe.toml", "resume.pt", "preview.png"}


def test_every_loss_takes_part(job: JobMaker) -> None:
    network = SqueezeNet(random_squeezenet_weights(), CAFFE)
    losses = PLAIN | {"content": 0.5, "style": 1.0, "texture": 1.0, "guide": 1.0, "variation": 0.1}
    seen: list[Terms] = []
    train(job(steps=6, network=network, **losses), report=lambda _, terms: seen.append(terms))
    wanted = {"style", "content", "texture", "structure", "low", "variation", "adversarial"}
    assert wanted | {"guide", "temporal", "total"} <= set(seen[-1])


def test_batchnorm_stands_still_in_the_last_part(job: JobMaker) -> None:
    made, means = job(steps=10, **PLAIN), []
    train(made, report=lambda *_: means.append(load_mean(made.out)))
    # report_every is 5: the frozen statistics of step 10 are those of step 6, not of step 5.
    assert not means[4].equal(means[9])
    made.recipe = made.recipe.model_copy(
        update={"optimiser": OptimiserRecipe(steps=10, warmup=0, freeze_norm=0.5)}
    )
    means.clear()
    train(made, report=lambda *_: means.append(load_mean(made.out)))
    assert means[4].equal(means[9])


def load_mean(out: Path) -> torch.Tensor:
    if not (out / "weights.safetensors").exists():
        return torch.zeros(1)
    return load_checkpoint(out).generator.stem[1].running_mean


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(job: JobMaker, tmp_path: Path) -> None:
    whole = train(job(steps=10, **PLAIN), report=lambda *_: None)

    def stop(step: int, _: Terms) -> None:
        if step == 7:
            raise KeyboardInterrupt

    cut = job(steps=10, **PLAIN)
    cut.out = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        train(cut, report=stop)
    steps: list[int] = []
    resumed = train(cut, report=lambda step, _: steps.append(step), resume=True)
    assert steps == [6, 7, 8, 9, 10]
    picture = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(resumed(picture), whole(picture), atol=1e-4)


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_term(job: JobMaker) -> None:
    made = job(steps=3, low_frequency=1.0)
    made.photos = tuple(made.photos)
    made.recipe = made.recipe.model_copy(
        update={"optimiser": OptimiserRecipe(steps=3, warmup=0, rate=float("inf"))}
    )
    with pytest.raises(TrainingError, match="no longer a number") as caught:
        train(made, report=lambda *_: None)
    assert "rate" in caught.value.hint
