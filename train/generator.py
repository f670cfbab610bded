"""The generator: the one network that runs on the device, about 145 thousand numbers.

Time on a small processor sits in layers at full and half resolution, not in multiplications.
So the picture is cut into 4x4 patches by the first convolution, everything in between runs at
a quarter of the height and width (and, for a wide view, an eighth), and the head gives the
pixels back in one step. There is no crop, no resize to full size and no InstanceNorm, which
flickers and does not survive INT8; BatchNorm trains as well and folds away.

The last operation is a sigmoid, in training and in every export. It bounds the output in both
engines: without it OpenVINO's uint8 output wraps around, and a clamp stays float in TFLite,
whereas TFLite's LOGISTIC costs next to nothing and always has the scale 1/256, zero point -128.

A convolution paints a flat area flat, unless it amplifies the camera's noise, which flickers. So
there is a canvas: a few channels of fixed noise, joined to the features after the stem, which the
network smears into strokes. It stands still as the canvas of a painting does, so a still camera
gives a still picture.
"""

from __future__ import annotations

import copy
import itertools
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad
from torch.nn.utils.fusion import fuse_conv_bn_eval

BlockKind = Literal["dense", "fused", "inverted"]
HeadKind = Literal["shuffle2", "shuffle4"]
# The canvas repeats after this many cells of 4x4 pixels.
CANVAS_PERIOD = 96


class GeneratorSpec(BaseModel):
    """The shape of a generator: pure data, written into recipe, checkpoint and bundle.

    Attributes:
        block: "dense" one 3x3 convolution; "fused" 3x3 expand and 1x1 project; "inverted" 1x1
            expand, 3x3 depthwise, 1x1 project. Which is fastest is the board's business.
        width: channels at 1/4 resolution; multiples of 32 fill OpenVINO's vectors.
        canvas: how many of them are fixed noise; 0 for none.
        expansion: how many times wider a fused or inverted block is inside.
        entry: one block at 1/4 resolution per number, which is its dilation.
        deep: the same at 1/8 resolution, on a branch that joins back; empty for no branch.
        deep_width: channels at 1/8 resolution.
        exit: blocks at 1/4 resolution after the branch has joined.
        head: "shuffle2" goes to 1/2 by nearest neighbours, then a 3x3 convolution and a
            pixel-shuffle of 2 (no 4-pixel grid); "shuffle4" goes straight from 1/4.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    block: BlockKind = "dense"
    width: int = Field(default=32, ge=4, le=256)
    canvas: int = Field(default=0, ge=0, le=16)
    expansion: int = Field(default=2, ge=1, le=8)
    entry: tuple[int, ...] = (1,)
    deep: tuple[int, ...] = (1, 2, 1)
    deep_width: int = Field(default=64, ge=4, le=512)
    exit: tuple[int, ...] = (1,)
    head: HeadKind = "shuffle2"

    @property
    def multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 8 if self.deep else 4


class ConvUnit(nn.Sequential):
    """Convolution, BatchNorm until folded, ReLU if asked: (N, in, H, W) to (N, out, H/s, W/s)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        # Patches (kernel = stride) need no padding: a padded strided convolution adds a PAD op.
        padding = 0 if stride > 1 else dilation * (kernel // 2)
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=True)
        super().__init__(conv, nn.BatchNorm2d(outputs), *([nn.ReLU()] if relu else []))

    def fold(self) -> None:
        """Absorb the BatchNorm into the convolution before it."""
        conv, *rest = self
        if isinstance(conv, nn.Conv2d) and rest and isinstance(rest[0], nn.BatchNorm2d):
            folded = fuse_conv_bn_eval(conv, rest[0])
            del self[:]
            self.extend([folded, *rest[1:]])


class Block(nn.Module):
    """A residual block, (N, C, H, W) to the same shape."""

    def __init__(self, kind: BlockKind, width: int, expansion: int, dilation: int) -> None:
        super().__init__()
        inner = width * expansion
        self.body = nn.Sequential()
        if kind == "dense":
            self.body.append(ConvUnit(width, width, 3, dilation=dilation))
            return
        if kind == "fused":
            self.body.append(ConvUnit(width, inner, 3, dilation=dilation))
        else:
            self.body.append(ConvUnit(width, inner, 1))
            self.body.append(ConvUnit(inner, inner, 3, dilation=dilation, groups=inner))
        self.body.append(ConvUnit(inner, width, 1, relu=False))

    def forward(self, x: Tensor) -> Tensor:
        """Add what the block computes to what it got."""
        return x + self.body(x)


class DeepBranch(nn.Module):
    """A look at 1/8 resolution, added to the features at 1/4: a wide view for a quarter's cost."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.down = ConvUnit(spec.width, spec.deep_width, 2, stride=2)
        self.blocks = _blocks(spec, spec.deep_width, spec.deep)
        self.up = ConvUnit(spec.deep_width, spec.width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch's features to (N, C, H, W); H and W even."""
        deep = self.up(self.blocks(self.down(x)))
        return x + interpolate(deep, scale_factor=2.0, mode="nearest")


class Canvas(nn.Module):
    """Fixed noise behind the features: (N, C, H, W) to (N, C + channels, H, W).

    The noise is part of the weights. Its channels are in turn fine (one cell), fine, and
    smooth over three and over five cells, so that strokes of several widths can be drawn.

    Source: Ulyanov et al. 2016, "Texture networks", which feed fresh noise for the same reason.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("tile", _noise_tile(channels))
        self.tile: Tensor

    def forward(self, x: Tensor, shift: tuple[int, int]) -> Tensor:
        """Join the canvas, moved by `shift` cells: training moves it, a device does not."""
        height, width = x.shape[2:]
        rows, columns = -(-height // CANVAS_PERIOD), -(-width // CANVAS_PERIOD)
        tile = torch.roll(self.tile, shift, (2, 3)).repeat(1, 1, rows, columns)
        return torch.cat([x, tile[:, :, :height, :width].expand(x.shape[0], -1, -1, -1)], dim=1)


def _noise_tile(channels: int) -> Tensor:
    """(1, channels, CANVAS_PERIOD, CANVAS_PERIOD), periodic, mostly within -1..1."""
    random = torch.Generator().manual_seed(1)
    white = torch.randn(1, channels, CANVAS_PERIOD, CANVAS_PERIOD, generator=random)
    smooth = [
        avg_pool2d(pad(white[:, i : i + 1], (size // 2,) * 4, mode="circular"), size, stride=1)
        for i, size in zip(range(channels), itertools.cycle((1, 1, 3, 5)))
    ]
    return torch.cat([layer / (2 * layer.std()) for layer in smooth], dim=1).clamp(-1.25, 1.25)


class Head(nn.Module):
    """Features at 1/4 resolution to pixels in 0..1."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.grows = spec.head == "shuffle2"
        factor = 2 if self.grows else 4
        self.conv = nn.Conv2d(spec.width, 3 * factor**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(factor)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H/4, W/4) to (N, 3, H, W)."""
        if self.grows:
            x = interpolate(x, scale_factor=2.0, mode="nearest")
        return torch.sigmoid(self.shuffle(self.conv(x)))


class Generator(nn.Module):
    """Restyles a picture: (N, 3, H, W) RGB in 0..1 to the same; H, W multiples of spec.multiple."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec
        self.stem = ConvUnit(3, spec.width - spec.canvas, 4, stride=4)
        self.canvas = Canvas(spec.canvas) if spec.canvas else None
        self.entry = _blocks(spec, spec.width, spec.entry)
        self.deep = DeepBranch(spec) if spec.deep else nn.Identity()
        self.exit = _blocks(spec, spec.width, spec.exit)
        self.head = Head(spec)

    def forward(self, x: Tensor, shift: tuple[int, int] = (0, 0)) -> Tensor:
        """Restyle a batch, the canvas moved by `shift` cells of 4x4 pixels."""
        return self._paint(self.stem(x * 2 - 1), shift)

    def _paint(self, x: Tensor, shift: tuple[int, int]) -> Tensor:
        if self.canvas is not None:
            x = self.canvas(x, shift)  # (N, width, H/4, W/4)
        return self.head(self.exit(self.deep(self.entry(x))))  # (N, 3, H, W)

    def folded(self) -> FoldedGenerator:
        """Return a copy for export: eval mode, no BatchNorm, no input normalisation."""
        return FoldedGenerator(self)

    def parameters_count(self) -> int:
        """Count the numbers that ship: weights and biases with BatchNorm folded."""
        return sum(p.numel() for p in self.folded().parameters())

    def macs(self, height: int, width: int) -> int:
        """Count multiply-accumulates of all convolutions for one (height, width) picture."""
        total = 0

        def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal total
            assert isinstance(module, nn.Conv2d)
            total += module.weight[0].numel() * output.numel()

        copied = self.folded().to("meta")
        for module in copied.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(count)
        copied(torch.empty(1, 3, height, width, device="meta"))
        return total


class FoldedGenerator(Generator):
    """A generator as it ships, convolutions only: same output as the one it was folded from."""

    def __init__(self, generator: Generator) -> None:
        nn.Module.__init__(self)
        twin = copy.deepcopy(generator).eval()
        for unit in [m for m in twin.modules() if isinstance(m, ConvUnit)]:
            unit.fold()
        self.spec = twin.spec
        self.stem, self.canvas = twin.stem, twin.canvas
        self.entry, self.deep = twin.entry, twin.deep
        self.exit, self.head = twin.exit, twin.head
        if not isinstance(generator, FoldedGenerator):
            _absorb_normalisation(self.stem)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor, shift: tuple[int, int] = (0, 0)) -> Tensor:
        """Restyle a batch; the normalisation is already in the stem."""
        return self._paint(self.stem(x), shift)


def _blocks(spec: GeneratorSpec, width: int, dilations: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(Block(spec.block, width, spec.expansion, d) for d in dilations))


@torch.no_grad()
def _absorb_normalisation(stem: ConvUnit) -> None:
    """Put x * 2 - 1 into the stem; exact, as the stem pads nothing."""
    conv = stem[0]
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    conv.bias -= conv.weight.sum(dim=(1, 2, 3))
    conv.weight *= 2
