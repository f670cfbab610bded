"""The guide: a painter made of filters, slow and steady, that the generator learns to imitate.

Gram matrices alone teach a tiny generator a recolouring, or, with less weight on the photo,
strokes that dissolve it. The guide shows it instead where strokes belong: the photo's colours
looked up in a palette taken from the painting, brushed along the edges' direction, hatched
along the lines of equal light, contours inked. Everything in it is a function of the photo
around a pixel, so it can be learned by convolutions and does not flicker.

Sources: Kyprianidis and Kang 2011, "Image and video abstraction by coherence-enhancing
filtering" (brushing and shock filter); Kang et al. 2007, "Coherent line drawing" (contours).
"""

from __future__ import annotations

import math

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn.functional import conv2d, grid_sample, pad

from train.losses import luminance

_TONES, _WARMTHS = 24, 12


class GuideRecipe(BaseModel):
    """How the guide paints; lengths in pixels of the frame.

    Attributes:
        views: photo views painted for a run; each costs about as much as five steps.
        saturation: of the palette, 1 leaves the painting's.
        warmth: how readily a warm colour of the photo takes the painting's warm side.
        gamma, lift: luminance L becomes lift + (1 - lift) * L ** gamma before the palette.
        detail: how much fine contrast is raised before brushing.
        passes, brush: brushings along the edges, and the length of one.
        levels: flat steps of tone; 0 keeps it smooth.
        hatching, wavelength: strength and spacing of the strokes along equal light.
        octaves: how faint a slope of light is still hatched; each one more doubles it.
        ink, threshold: strength of the contours, and how sharp an edge must be for one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    views: int = Field(default=0, ge=0)
    saturation: float = Field(default=1.2, ge=0, le=4)
    warmth: float = Field(default=6.0, ge=0, le=50)
    gamma: float = Field(default=0.9, gt=0, le=4)
    lift: float = Field(default=0.0, ge=0, le=0.9)
    detail: float = Field(default=0.0, ge=0, le=5)
    passes: int = Field(default=2, ge=0, le=8)
    brush: float = Field(default=6.0, ge=0, le=40)
    levels: int = Field(default=0, ge=0, le=16)
    hatching: float = Field(default=0.17, ge=0, le=1)
    wavelength: float = Field(default=11.0, ge=4, le=64)
    octaves: float = Field(default=4.6, ge=0, le=8)
    ink: float = Field(default=0.95, ge=0, le=1)
    threshold: float = Field(default=0.005, ge=0, le=0.2)


class Guide:
    """Paints photos in the colours of one painting.

    Args:
        style: (1, 3, H, W) in 0..1.
        recipe: how.
    """

    def __init__(self, style: Tensor, recipe: GuideRecipe) -> None:
        self.recipe = recipe
        self.palette = saturate(palette_of(style), recipe.saturation)
        self.ink = self.palette[:, :, :2].mean((2, 3), keepdim=True)

    @torch.no_grad()
    def paint(self, photo: Tensor) -> Tensor:
        """Paint (1, 3, H, W) in 0..1; the result has the same shape and range."""
        recipe, light = self.recipe, luminance(photo)
        brushed = photo + recipe.detail * 0.12 * torch.tanh((light - blur(light, 6.0)) / 0.12)
        for _ in range(recipe.passes):
            brushed = _brush(brushed, recipe.brush)
        tone = blur(luminance(brushed), 0.7).clamp(0, 1) ** recipe.gamma
        tone = recipe.lift + (1 - recipe.lift) * tone
        if recipe.levels:
            tone = _posterise(tone, recipe.levels)
        middle = (tone / 0.15).clamp(0, 1) * ((1 - tone) / 0.15).clamp(0, 1)
        hatches = torch.tanh(2.5 * hatching(light, recipe.wavelength, recipe.octaves))
        tone = (tone + recipe.hatching * middle * hatches).clamp(0, 1)
        painted = self._colour(brushed, tone)
        contours = recipe.ink * _contours(light, recipe.threshold)
        return (painted + (self.ink - painted) * contours).clamp(0, 1)

    def _colour(self, picture: Tensor, tone: Tensor) -> Tensor:
        red_minus_blue = blur(picture[:, :1] - picture[:, 2:], 1.0)
        warmth = torch.sigmoid(self.recipe.warmth * (red_minus_blue - 0.04))
        return _look_up(self.palette, tone, warmth)


def palette_of(style: Tensor) -> Tensor:
    """Table of a painting's colours, (1, 3, tones, warmths): dark to light, cool to warm.

    Each row holds as many of the painting's pixels as any other, so that a photo whose tones
    are spread evenly comes out with the painting's own share of each colour.
    """
    pixels = style[0].flatten(1).T  # (HW, 3)
    by_tone = pixels[luminance(style).flatten().argsort()]
    rows = []
    for row in by_tone.tensor_split(_TONES):
        by_warmth = row[(row[:, 0] - row[:, 2]).argsort()]
        rows.append(torch.stack([part.mean(0) for part in by_warmth.tensor_split(_WARMTHS)]))
    return torch.stack(rows).permute(2, 0, 1)[None]


def saturate(colours: Tensor, factor: float) -> Tensor:
    """Move (N, 3, H, W) away from grey of the same luminance."""
    grey = luminance(colours)
    return (grey + (colours - grey) * factor).clamp(0, 1)


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (N, C, H, W); edges repeat."""
    radius = max(1, int(2.5 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(x.shape[1], 1, 1, 1)  # (C, 1, 1, K)
    x = pad(x, (radius, radius, radius, radius), mode="replicate")
    x = conv2d(x, kernel, groups=x.shape[1])
    return conv2d(x, kernel.transpose(2, 3), groups=x.shape[1])


def hatching(light: Tensor, wavelength: float, octaves: float) -> Tensor:
    """Strokes along lines of equal light, -1..1, at about the same spacing everywhere.

    A stroke pattern is a sine of luminance, whose spacing shrinks where light falls off
    steeply; so the two octaves around the wanted spacing are mixed. Slopes too faint for the
    finest octave fade out: following them would turn sensor noise into crawling strokes.

    Args:
        light: (N, 1, H, W) in 0..1.
        wavelength: spacing in pixels.
        octaves: log2 of the most periods from black to white.
    """
    smooth = blur(light, 4.5)
    slope = torch.cat(_gradient(smooth), 1).norm(dim=1, keepdim=True)
    wanted = torch.log2((1 / (wavelength * slope + 1e-6)).clamp(1, 2**octaves))
    octave = wanted.floor()
    share = wanted - octave
    share = share * share * (3 - 2 * share)
    coarse = torch.sin(2 * math.pi * smooth * 2**octave)
    fine = torch.sin(2 * math.pi * smooth * 2 ** (octave + 1))
    visible = (2**octaves * wavelength * slope).clamp(0, 1)
    return ((1 - share) * coarse + share * fine) * visible


def _brush(picture: Tensor, length: float) -> Tensor:
    """Smear along the edges, then sharpen across them."""
    flow = _flow(luminance(picture), 3.0)
    smeared = _along(picture, flow, length)
    light = blur(luminance(smeared), 0.8)
    across = torch.cat([-flow[:, 1:], flow[:, :1]], 1)
    ahead, behind = _fetch(light, across), _fetch(light, -across)
    curvature = ahead + behind - 2 * light
    colour_ahead, colour_behind = _fetch(smeared, across), _fetch(smeared, -across)
    lighter = torch.where(ahead > behind, colour_ahead, colour_behind)
    darker = torch.where(ahead > behind, colour_behind, colour_ahead)
    strength = 0.8 * torch.tanh(curvature.abs() * 60)
    return smeared + (torch.where(curvature > 0, darker, lighter) - smeared) * strength


def _contours(light: Tensor, threshold: float) -> Tensor:
    """Dark lines at edges, 0..1: a difference of Gaussians, smoothed along the edge."""
    edges = blur(light, 1.3) - 0.985 * blur(light, 2.1)
    return torch.sigmoid((-_along(edges, _flow(light, 2.5), 7.0) - threshold) * 500)


def _posterise(tone: Tensor, levels: int) -> Tensor:
    steps = tone.clamp(0, 0.999) * levels
    floor = steps.floor()
    return (floor + torch.sigmoid((steps - floor - 0.5) * 14)) / levels


def _look_up(palette: Tensor, tone: Tensor, warmth: Tensor) -> Tensor:
    where = torch.stack([warmth[:, 0] * 2 - 1, tone[:, 0] * 2 - 1], 3)
    palette = palette.expand(tone.shape[0], -1, -1, -1)
    return grid_sample(palette, where, padding_mode="border", align_corners=False)


def _gradient(light: Tensor) -> tuple[Tensor, Tensor]:
    """Change per pixel of (N, 1, H, W) along x and y."""
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]).view(1, 1, 3, 3) / 8
    padded = pad(light, (1, 1, 1, 1), mode="replicate")
    return conv2d(padded, kernel), conv2d(padded, kernel.transpose(2, 3))


def _flow(light: Tensor, sigma: float) -> Tensor:
    """Direction of the edges, unit vectors (N, 2, H, W), from the smoothed structure tensor."""
    x, y = _gradient(light)
    xx, xy, yy = blur(torch.cat([x * x, x * y, y * y], 1), sigma).split(1, 1)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)
    return torch.cat([-torch.sin(angle), torch.cos(angle)], 1)


def _along(picture: Tensor, flow: Tensor, length: float, stride: float = 2.0) -> Tensor:
    """Average along the flow, `length` pixels each way, nearer ones weigh more."""
    total, weights = picture.clone(), 1.0
    count = int(length / stride)
    for direction in (flow, -flow):
        offset = torch.zeros_like(flow)
        for index in range(count):
            offset = offset + direction * stride
            weight = math.exp(-0.5 * ((index + 1) / (0.5 * count)) ** 2)
            total = total + weight * _fetch(picture, offset)
            weights += weight
            there = _fetch(flow, offset)
            # A direction has no sign: keep going the way we came.
            turned = (there * direction).sum(1, keepdim=True) < 0
            direction = torch.where(turned, -there, there)
    return total / weights


def _fetch(picture: Tensor, offset: Tensor) -> Tensor:
    """(N, C, H, W) at each pixel plus its offset, (N, 2, H, W) as (x, y) pixels."""
    height, width = picture.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x = (columns + offset[:, 0] + 0.5) / width * 2 - 1
    y = (rows + offset[:, 1] + 0.5) / height * 2 - 1
    grid = torch.stack([x, y], 3)
    return grid_sample(picture, grid, padding_mode="border", align_corners=False)
