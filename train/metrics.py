"""Measures of a trained generator that no loss of the training saw.

Style is placed between two marks, as a raw distance says nothing: 1 is a mere recolouring of
the photo (each channel's mean and deviation set to the painting's), 0 is one half of the
painting against the whole (its two halves may differ more than a photo does: a wave on the
left, sky on the right). The judge is to be a network that did not train.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from train.data import to_tensor
from train.generator import Generator
from train.losses import content_loss, gram, style_loss
from train.perceptual import Features, SqueezeNet
from train.scene import Scene

STYLE_LAYERS = {"conv1": 1.0, "fire2": 1.0, "fire3": 1.0, "fire4": 1.0, "fire6": 1.0}
CONTENT_LAYER = "fire5"


@dataclass(frozen=True)
class Marks:
    """The two ends of the style scale, as raw distances to the painting."""

    recolouring: float
    half: float

    def place(self, raw: float) -> float:
        """1 at the recolouring, 0 at half of the painting itself; nan if they are no scale."""
        if self.recolouring <= self.half:
            return math.nan
        return (raw - self.half) / (self.recolouring - self.half)


@dataclass(frozen=True)
class Quality:
    """What `judge` found, means over the photos.

    Attributes:
        style: 1 for a recolouring, 0 for the painting itself.
        content: relative change of deep features; 0 for the photo itself.
        noise_gain: change of the output over change of the input, still picture, fresh noise.
        grid: deviation (of 255) of the 4-pixel pattern on flat grey.
    """

    style: float
    content: float
    noise_gain: float
    grid: float

    def as_dict(self) -> dict[str, float]:
        """Plain numbers for metrics.json."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


class StyleScale:
    """The scale of one painting, by one judge."""

    def __init__(self, style: Tensor, photos: list[Tensor], judge: SqueezeNet) -> None:
        self.judge = judge
        self.target = self._grams(style)
        half = style.shape[3] // 2
        halves = (style[..., :half], style[..., half:])
        recoloured = [self.raw(recolour(photo, style)) for photo in photos]
        self.marks = Marks(
            float(np.mean(recoloured)), float(np.mean([self.raw(part) for part in halves]))
        )

    def raw(self, picture: Tensor) -> float:
        """Relative Gram distance of (1, 3, H, W) to the painting."""
        return self._distance(self._grams(picture), self.target)

    def place(self, picture: Tensor) -> float:
        """Place a picture on the scale: 1 a recolouring, 0 the painting."""
        return self.marks.place(self.raw(picture))

    @torch.no_grad()
    def _grams(self, picture: Tensor) -> Features:
        features = self.judge(picture, tuple(STYLE_LAYERS))
        return {layer: gram(value) for layer, value in features.items()}

    def _distance(self, grams: Features, target: Features) -> float:
        return float(style_loss(grams, target, STYLE_LAYERS))


def judge_generator(
    generator: Generator, style: Tensor, photos: list[Tensor], judge: SqueezeNet
) -> Quality:
    """Judge a generator on photos that it never saw.

    Args:
        generator: in eval mode.
        style: (1, 3, H, W) in 0..1, the painting as trained with.
        photos: each (1, 3, H, W) in 0..1.
        judge: another network than the one that trained.
    """
    scale = StyleScale(style, photos, judge)
    placed, contents, gains = [], [], []
    with torch.no_grad():
        for photo in photos:
            output = generator(photo)
            placed.append(scale.place(output))
            contents.append(_content(judge, output, photo))
            gains.append(noise_gain(generator, photo))
    return Quality(
        style=float(np.mean(placed)),
        content=float(np.mean(contents)),
        noise_gain=float(np.mean(gains)),
        grid=grid_on_flat(generator),
    )


def recolour(photo: Tensor, style: Tensor) -> Tensor:
    """Give each channel of a photo the mean and deviation of the painting's."""
    mean, deviation = photo.mean((2, 3), keepdim=True), photo.std((2, 3), keepdim=True)
    wanted_mean, wanted = style.mean((2, 3), keepdim=True), style.std((2, 3), keepdim=True)
    return ((photo - mean) / deviation.clamp_min(1e-4) * wanted + wanted_mean).clamp(0, 1)


@torch.no_grad()
def noise_gain(generator: Generator, photo: Tensor, sigma: float = 2 / 255) -> float:
    """RMS change of the output over RMS change of the input, for two draws of sensor noise."""
    random = torch.Generator().manual_seed(0)
    first, second = (
        (photo + torch.randn(photo.shape, generator=random) * sigma).clamp(0, 1) for _ in range(2)
    )
    changed = generator(first) - generator(second)
    return float(changed.square().mean().sqrt() / (first - second).square().mean().sqrt())


@torch.no_grad()
def grid_on_flat(generator: Generator, size: int = 128) -> float:
    """Deviation (of 255) of the output on flat greys, mean over five of them, edges left out."""
    found = []
    for grey in (0.1, 0.3, 0.5, 0.7, 0.9):
        output = generator(torch.full((1, 3, size, size), grey))[..., 48:-48, 48:-48]
        found.append(float(output.std((2, 3)).mean()) * 255)
    return float(np.mean(found))


@torch.no_grad()
def steadiness(
    generator: Generator, frames: list[Tensor], flows: list[Tensor], valids: list[Tensor]
) -> float:
    """RMS of output_t - warp(output_t-1), over the same of the input clip: 1 as steady as it.

    Args:
        generator: in eval mode.
        frames: each (1, 3, H, W) in 0..1.
        flows: one fewer; (1, 2, H, W) pixels (x, y), from a pixel of frame t to frame t-1.
        valids: one fewer; (1, 1, H, W), 1 where the flow is exact and nothing is hidden.
    """
    outputs = [generator(frame) for frame in frames]
    styled = _warp_error(outputs, flows, valids)
    return styled / max(_warp_error(frames, flows, valids), 1e-9)


def scene_steadiness(generator: Generator, height: int = 240, width: int = 320) -> float:
    """Steadiness under the exact flow of a rendered flight that no training frame comes from.

    A thirtieth of a second apart, mean over three moments; 1 is as steady as the scene itself.
    """
    scene, found = Scene(seed=7, fineness=0.5), []
    for time_s in (2.0, 5.0, 8.0):
        pair = scene.pair(time_s, 1 / 30, height, width)
        frames = [to_tensor(pair.first), to_tensor(pair.second)]
        flow = torch.from_numpy(pair.flow).permute(2, 0, 1)[None]
        valid = torch.from_numpy(pair.valid)[None, None].float()
        found.append(steadiness(generator, frames, [flow], [valid]))
    return float(np.mean(found))


def warp_by_flow(picture: Tensor, flow: Tensor) -> Tensor:
    """Fetch (N, C, H, W) at each pixel plus its flow, (N, 2, H, W) pixels as (x, y)."""
    height, width = picture.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x = (columns + flow[:, 0] + 0.5) / width * 2 - 1
    y = (rows + flow[:, 1] + 0.5) / height * 2 - 1
    grid = torch.stack([x, y], dim=3)
    return grid_sample(picture, grid, mode="bilinear", align_corners=False)


def _warp_error(frames: list[Tensor], flows: list[Tensor], valids: list[Tensor]) -> float:
    errors = []
    for (before, after), flow, valid in zip(pairwise(frames), flows, valids, strict=True):
        difference = (after - warp_by_flow(before, flow)) ** 2 * valid
        errors.append(float(difference.sum() / (3 * valid.sum()).clamp_min(1)))
    return float(np.sqrt(np.mean(errors)))


@torch.no_grad()
def _content(judge: SqueezeNet, output: Tensor, photo: Tensor) -> float:
    features = judge(output, (CONTENT_LAYER,))[CONTENT_LAYER]
    return float(content_loss(features, judge(photo, (CONTENT_LAYER,))[CONTENT_LAYER]))
