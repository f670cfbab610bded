"""The generator as a device runs it: pixels in, pixels out, not one layer more than needed.

Training's head goes to 1/2 resolution by nearest neighbours, convolves, and shuffles. Every
output pixel there reads 2x2 distinct features only, so the three steps are one 3x3
convolution at 1/4 resolution with 48 outputs, zero padding included (equal to 1e-6). That
takes a fifth off the time of both engines (12.0 to 9.7 ms at 480x640, 8 convolutions).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from train.generator import CANVAS_PERIOD, Generator, Head

CELL = 4
"""One feature position stands for CELL x CELL pixels."""

# Which 1/4-resolution neighbour (0 before, 1 itself, 2 after) the three taps of a kernel at
# 1/2 resolution see, for the first and the second of the two positions there.
_TAPS = ((0, 1, 1), (1, 1, 2))


class DeviceGraph(nn.Module):
    """A folded generator with pixel scale and head absorbed into its convolutions.

    Weights are a copy; the generator is left as it was.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        folded = generator.folded()
        self.multiple = generator.spec.multiple
        self.stem, self.entry, self.deep = folded.stem, folded.entry, folded.deep
        self.exit = folded.exit
        self.tile = None if folded.canvas is None else folded.canvas.tile.clone()
        if self.tile is not None:
            self._widen_stem(self.tile.shape[1])
        self.last = join_head(folded.head)
        self._take_pixels()
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def _take_pixels(self) -> None:
        """Let the stem read 0..255; exact, as it pads nothing."""
        conv = self.stem[0]
        assert isinstance(conv, nn.Conv2d)
        conv.weight /= 255

    @torch.no_grad()
    def _widen_stem(self, channels: int) -> None:
        """Let the stem write zeros where the canvas comes, so that it is added, not joined."""
        conv = self.stem[0]
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        conv.weight = nn.Parameter(pad(conv.weight, (0, 0, 0, 0, 0, 0, 0, channels)))
        conv.bias = nn.Parameter(pad(conv.bias, (0, channels)))
        conv.out_channels += channels

    def forward(self, pixels: Tensor, canvas: Tensor | None = None) -> Tensor:
        """Turn pixels into logits.

        Args:
            pixels: (1, 3, H, W), 0..255.
            canvas: (1, C, H/4, W/4) from `spread_canvas`, for a generator that has one.

        Returns:
            (1, 48, H/4, W/4), ordered (row, column, colour).
        """
        features = self.stem(pixels)
        if canvas is not None:
            blank = features.shape[1] - canvas.shape[1]
            features = features + pad(canvas, (0, 0, 0, 0, blank, 0))
        return self.last(self.exit(self.deep(self.entry(features))))  # type: ignore[no-any-return]

    def spread_canvas(self, size: tuple[int, int]) -> Tensor | None:
        """Repeat the canvas over a (height, width) frame; None if the generator has none."""
        if self.tile is None:
            return None
        rows, columns = (torch.arange(side // CELL) % CANVAS_PERIOD for side in size)
        return self.tile[:, :, rows][:, :, :, columns]


class PictureGraph(nn.Module):
    """The whole road in float, channels last as frames are: (1, H, W, 3) 0..255 to 0..peak."""

    def __init__(self, graph: DeviceGraph, size: tuple[int, int], peak: int = 1) -> None:
        super().__init__()
        self.peak = peak
        # Not `graph`: torch.fx keeps its own under that name.
        self.inner = graph
        self.register_buffer("canvas", graph.spread_canvas(size))

    def forward(self, frame: Tensor) -> Tensor:
        """Restyle one frame."""
        styled = spread(torch.sigmoid(self.inner(frame.permute(0, 3, 1, 2), self.canvas)))
        return styled if self.peak == 1 else styled * self.peak


def spread(cells: Tensor) -> Tensor:
    """Lay cells (1, 48, H/4, W/4) out as a picture (1, H, W, 3): one transpose of 12 bytes."""
    _, channels, rows, columns = cells.shape
    run = channels // CELL
    grid = cells.permute(0, 2, 3, 1).reshape(rows, columns, CELL, run)
    return grid.transpose(1, 2).reshape(1, rows * CELL, columns * CELL, run // CELL)


@torch.no_grad()
def join_head(head: Head) -> nn.Conv2d:
    """Return a head as one convolution from (N, C, H/4, W/4) to 48 ordered channels."""
    conv = head.conv
    joined = nn.Conv2d(conv.in_channels, 3 * CELL * CELL, 3, padding=1)
    assert conv.bias is not None
    if head.grows:
        weight, bias = _see_through_nearest(conv.weight, conv.bias)
    else:
        weight = conv.weight.unflatten(0, (3, CELL, CELL))
        bias = conv.bias.unflatten(0, (3, CELL, CELL))
    # Pixel-shuffle keeps the colour outermost; frames keep it innermost.
    joined.weight.copy_(weight.movedim(0, 2).flatten(0, 2))
    joined.bias.copy_(bias.movedim(0, 2).flatten())  # type: ignore[union-attr]
    return joined


def _see_through_nearest(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Rewrite a 3x3 kernel behind nearest x2 for the features before it.

    Args:
        weight: (12, C, 3, 3), the 12 being (colour, row, column) of a 2x2 pixel-shuffle.
        bias: (12,).

    Returns:
        weight (3, 4, 4, C, 3, 3) and bias (3, 4, 4), ordered (colour, row, column).
    """
    fine = weight.unflatten(0, (3, 2, 2))
    wide = weight.new_zeros(3, CELL, CELL, weight.shape[1], 3, 3)
    for row in range(CELL):
        for column in range(CELL):
            kernel = fine[:, row % 2, column % 2]
            for y, to_y in enumerate(_TAPS[row // 2]):
                for x, to_x in enumerate(_TAPS[column // 2]):
                    wide[:, row, column, :, to_y, to_x] += kernel[..., y, x]
    return wide, bias.unflatten(0, (3, 2, 2)).repeat(1, 2, 2)
