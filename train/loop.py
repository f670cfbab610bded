"""The training loop: one painting, many photos, a generator a few minutes later.

`train` reads top to bottom. Everything that a step draws (crops, motion, noise) comes from the
seed and the step's number alone, so that a resumed run goes on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from edge.errors import TrainingError
from train import losses
from train.checkpoint import (
    PREVIEW,
    RECIPE,
    WEIGHTS,
    load_resume,
    load_weights,
    save_resume,
    save_text,
    save_weights,
)
from train.data import Crops, Photo, to_tensor
from train.discriminator import Discriminator
from train.generator import CANVAS_PERIOD, Generator
from train.guide import Guide
from train.perceptual import Features, SqueezeNet
from train.preview import save_preview
from train.recipe import RECIPES, Recipe
from train.temporal import Motion, disturb, temporal_loss

Terms = dict[str, float]
Report = Callable[[int, Terms], None]


@dataclass
class Job:
    """What `train` is asked to do.

    Attributes:
        recipe: the numbers.
        style: (1, 3, H, W) in 0..1, the painting at the recipe's style_height.
        photos: to train on.
        previews: (N, 3, H, W) photos for the preview picture.
        network: judges style and content; None trains without.
        out: the run folder.
        style_name: kept in the checkpoint.
        provenance: kept in the checkpoint.
    """

    recipe: Recipe
    style: Tensor
    photos: tuple[Photo, ...]
    previews: Tensor
    network: SqueezeNet | None
    out: Path
    style_name: str
    provenance: dict[str, Any] = field(default_factory=dict)


def train(job: Job, *, report: Report, resume: bool = False) -> Generator:
    """Train a generator; the run folder has a whole checkpoint at every moment after the first.

    Args:
        job: what to train.
        report: called after every step with the step's number (from 1) and the loss terms.
        resume: go on from the run folder's last checkpoint.

    Returns:
        The trained generator, in eval mode.

    Raises:
        TrainingError: the loss is no longer a number, or there is nothing to resume.
    """
    recipe, steps = job.recipe, job.recipe.optimiser.steps
    torch.manual_seed(recipe.seed)
    trainer = Trainer(job)
    start = trainer.resume() if resume else 0
    save_text(job.out / RECIPE, recipe.to_toml())
    guide = Guide(job.style, recipe.guide)
    crops = Crops(
        job.photos,
        recipe.data.crop,
        seed=recipe.seed,
        views=recipe.guide.views,
        paint=guide.paint,
    )
    for step in range(start, steps):
        random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        trainer.schedule(step)
        photo, painted = crops.batch(step, recipe.data.batch)  # (N, 3, crop, crop) each
        terms = trainer.step(photo, painted, step / steps, random)
        if not math.isfinite(terms["total"]):
            raise _diverged(job.out, step, terms)
        if (step + 1) % recipe.report_every == 0 or step + 1 == steps:
            trainer.save(step + 1)
        report(step + 1, terms)
    return trainer.generator.eval()


class Trainer:
    """The networks, their optimisers, and what one step does with them."""

    def __init__(self, job: Job) -> None:
        self.job, self.recipe = job, job.recipe
        # Channels last is 30 % faster on a processor, in the generator and the feature network.
        self.generator = _first_generator(job.recipe)
        self.generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.discriminator = Discriminator()
        betas = (0.5, 0.99)
        rates = job.recipe.optimiser
        self.adam = torch.optim.Adam(self.generator.parameters(), rates.rate, betas)
        self.adam_d = torch.optim.Adam(
            self.discriminator.parameters(), rates.discriminator_rate, betas
        )
        self.style_grams: Features = {}
        if job.network:
            with torch.no_grad():
                taps = tuple(job.recipe.losses.style_layers)
                self.style_grams = self._grams_of(job.network(job.style, taps))

    def schedule(self, step: int) -> None:
        """Set the learning rate, and freeze BatchNorm's statistics when it is time."""
        numbers = self.recipe.optimiser
        warm = min(1.0, (step + 1) / (numbers.warmup + 1))
        share = 0.5 * (1 + math.cos(math.pi * step / numbers.steps)) * warm
        for group in self.adam.param_groups:
            group["lr"] = numbers.rate * share
        for group in self.adam_d.param_groups:
            group["lr"] = numbers.discriminator_rate * share
        self.generator.train()
        if step >= numbers.freeze_norm * numbers.steps:
            for module in self.generator.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def step(
        self, photo: Tensor, painted: Tensor, progress: float, random: torch.Generator
    ) -> Terms:
        """Move the weights once; returns the weighted loss terms."""
        photo = photo.contiguous(memory_format=torch.channels_last)
        # The canvas moves from step to step, so that no stroke is learned by its place.
        rows, columns = torch.randint(CANVAS_PERIOD, (2,), generator=random).tolist()
        shift = (rows, columns)
        output = self.generator(self._seen(photo, random), shift)
        terms = self._photo_terms(self._inner(output), self._inner(painted))
        if self.recipe.losses.palette > 0:
            terms["palette"] = self.recipe.losses.palette * losses.palette_loss(output, painted)
        if self.recipe.losses.guide > 0:
            # On the whole crop: the edges too, else zero padding frames every picture.
            terms["guide"] = self.recipe.losses.guide * losses.guide_loss(output, painted)
        steadiness = self.recipe.losses.temporal * self._ramp(progress)
        if steadiness > 0:
            terms["temporal"] = steadiness * self._temporal(photo, output, shift, random)
        if self.recipe.losses.adversarial > 0:
            real = (
                self._inner(painted)
                if self.recipe.guide.views and self.recipe.losses.real == "guide"
                else self._style_patches(photo.shape[0], random)
            )
            self._train_discriminator(real, self._inner(output).detach())
            judged = self.discriminator(self._inner(output))
            hinge = losses.generator_hinge_loss(judged)
            terms["adversarial"] = self.recipe.losses.adversarial * hinge
        total = torch.stack(list(terms.values())).sum()
        self.adam.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.generator.parameters(), self.recipe.optimiser.clip)
        self.adam.step()
        return {name: float(term.detach()) for name, term in (terms | {"total": total}).items()}

    def save(self, step: int) -> None:
        """Write weights, resume state and preview."""
        job = self.job
        provenance = job.provenance | {"step": step}
        self.generator.eval()
        save_weights(
            job.out / WEIGHTS, self.generator, style_name=job.style_name, provenance=provenance
        )
        save_resume(job.out, {"step": step} | {k: v.state_dict() for k, v in self._parts().items()})
        save_preview(job.out / PREVIEW, self.generator, job.previews)

    def resume(self) -> int:
        """Take up the last checkpoint; returns the steps already done."""
        state = load_resume(self.job.out)
        try:
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise TrainingError(
                f"{self.job.out}: its generator has another shape than the recipe's",
                hint=f"resume with the recipe it was begun with: {self.job.out / RECIPE}",
            ) from error
        return int(state["step"])

    def _photo_terms(self, output: Tensor, photo: Tensor) -> dict[str, Tensor]:
        weights = self.recipe.losses
        terms = {
            "structure": (weights.structure, losses.structure_loss),
            "low": (weights.low_frequency, losses.low_frequency_loss),
        }
        found = {name: w * loss(output, photo) for name, (w, loss) in terms.items() if w > 0}
        if weights.variation > 0:
            found["variation"] = weights.variation * losses.variation_loss(output)
        network = self.job.network
        if network is None:
            return found
        taps = tuple({*weights.style_layers, weights.content_layer})
        features = network(output, taps)
        with torch.no_grad():
            target = network(photo, taps)
        deep = weights.content_layer
        grams = self._grams_of(features)
        content = losses.content_loss(features[deep], target[deep])
        style = losses.style_loss(grams, self.style_grams, weights.style_layers)
        found |= {"style": weights.style * style, "content": weights.content * content}
        if weights.texture > 0:
            texture = losses.style_loss(grams, self._grams_of(target), weights.style_layers)
            found["texture"] = weights.texture * texture
        return found

    def _grams_of(self, features: Features) -> Features:
        return {layer: losses.gram(features[layer]) for layer in self.recipe.losses.style_layers}

    def _seen(self, photo: Tensor, random: torch.Generator) -> Tensor:
        """What a camera would give: the guide painted the clean photo, so noise is unlearned."""
        return disturb(photo, random, noise=self.recipe.temporal.noise, exposure=0.0)

    def _temporal(
        self, photo: Tensor, output: Tensor, shift: tuple[int, int], random: torch.Generator
    ) -> Tensor:
        numbers = self.recipe.temporal
        if float(torch.rand((), generator=random)) < numbers.still:
            motion = Motion.none(photo.shape[0])
        else:
            motion = Motion.random(photo.shape[0], random)
        moved = disturb(motion.warp(photo), random, noise=numbers.noise, exposure=numbers.exposure)
        again = self.generator(moved, shift)
        return temporal_loss(output, again, motion, self.recipe.data.margin)

    def _train_discriminator(self, real: Tensor, output: Tensor) -> None:
        loss = losses.discriminator_hinge_loss(self.discriminator(real), self.discriminator(output))
        self.adam_d.zero_grad()
        loss.backward()
        self.adam_d.step()

    def _style_patches(self, count: int, random: torch.Generator) -> Tensor:
        style, size = self.job.style, self.recipe.data.crop - 2 * self.recipe.data.margin
        size = min(size, *style.shape[2:])
        patches = []
        for _ in range(count):
            top = int(torch.randint(style.shape[2] - size + 1, (), generator=random))
            left = int(torch.randint(style.shape[3] - size + 1, (), generator=random))
            patches.append(style[:, :, top : top + size, left : left + size])
        return torch.cat(patches)

    def _inner(self, x: Tensor) -> Tensor:
        margin = self.recipe.data.margin
        return x[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin]

    def _ramp(self, progress: float) -> float:
        begin, full = self.recipe.temporal.begin, self.recipe.temporal.full
        return min(1.0, max(0.0, (progress - begin) / max(full - begin, 1e-6)))

    def _parts(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "adam": self.adam,
            "adam_d": self.adam_d,
        }


def scaled_style(pixels: Any, height: int) -> Tensor:
    """The painting as (1, 3, height, W) in 0..1."""
    style = to_tensor(pixels)
    width = round(style.shape[3] * height / style.shape[2])
    return interpolate(style, (height, width), mode="bilinear", antialias=True).clamp(0, 1)


def _first_generator(recipe: Recipe) -> Generator:
    generator = Generator(recipe.generator)
    if recipe.warm_start:
        given = Path(recipe.warm_start)
        shipped = RECIPES / f"{recipe.warm_start}.safetensors"
        warm, _ = load_weights(given if given.suffix == ".safetensors" else shipped)
        generator.load_state_dict(warm.state_dict())
    return generator


def _diverged(out: Path, step: int, terms: Terms) -> TrainingError:
    culprits = [name for name, value in terms.items() if not math.isfinite(value)]
    return TrainingError(
        f"step {step + 1}: the loss is no longer a number ({', '.join(culprits)})",
        hint=f"lower [optimiser] rate in the recipe; {out} keeps the last checkpoint",
    )
