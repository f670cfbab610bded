"""Give every channel of a residual trunk the same range, so that 8 bits serve all of them.

An INT8 tensor has one scale. In a trained trunk the largest channel reaches ten times as far
as the median one, whose pictures then live on a few steps. A positive factor per channel
passes through ReLU, addition and nearest neighbours, so it can be put into the convolutions
that write a trunk and taken out of those that read it: the same function, better coded.

Source: Nagel et al. 2019, "Data-free quantization through weight equalization", section 4.1,
with a whole trunk in the place of one layer and measured ranges in the place of weights.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edge.pixels import Pixels
from quantize.device_graph import DeviceGraph
from train.generator import Block, ConvUnit, DeepBranch

# On a trained style, worst photo of 30: OpenVINO 45.8 dB without, 47.6 at 0.75, 47.7 at 1.0;
# TFLite 45.7, 46.8, 46.6, as its weights begin to suffer.
STRENGTH = 0.75
# A channel that hardly moves is not blown up: its weights would need the steps instead.
_MOST = 8.0


@dataclass
class _Trunk:
    """Tensors that share their channels because they are added to each other.

    Attributes:
        writers: convolutions whose outputs are added into it.
        readers: convolutions whose inputs it is.
        states: modules whose output is the trunk at some depth.
    """

    writers: list[nn.Conv2d]
    readers: list[nn.Conv2d]
    states: list[nn.Module]


@torch.no_grad()
def equalize(
    graph: DeviceGraph, photos: Sequence[Pixels], strength: float = STRENGTH
) -> DeviceGraph:
    """Return a graph that computes the same from channels of more equal range.

    Args:
        graph: left as it was.
        photos: (H, W, 3) uint8 each, to measure ranges on.
        strength: 0 changes nothing, 1 makes all ranges equal.
    """
    equal = copy.deepcopy(graph)
    trunks = _trunks(equal)
    for trunk, reach in zip(trunks, _measure(equal, trunks, photos), strict=True):
        factors = (reach.max() / reach.clamp(min=reach.max() / _MOST)) ** strength
        for conv in trunk.writers:
            own = factors[: conv.out_channels]  # the stem leaves the canvas's channels out
            conv.weight *= own[:, None, None, None]
            assert conv.bias is not None
            conv.bias *= own
        for conv in trunk.readers:
            conv.weight /= factors[:, None, None]
        if trunk is trunks[0] and equal.tile is not None:
            equal.tile *= factors[-equal.tile.shape[1] :, None, None]
    return equal


def _trunks(graph: DeviceGraph) -> list[_Trunk]:
    """Find the trunk at 1/4 resolution and, if there is one, that at 1/8."""
    blocks = [*_blocks(graph.entry), *_blocks(graph.exit)]
    shallow = _trunk([_conv(graph.stem)], blocks, [graph.last], [graph.stem])
    if not isinstance(graph.deep, DeepBranch):
        return [shallow]
    branch = graph.deep
    shallow.writers.append(_conv(branch.up))
    shallow.readers.append(_conv(branch.down))
    shallow.states.append(branch)
    deep = _trunk([_conv(branch.down)], _blocks(branch.blocks), [_conv(branch.up)], [branch.down])
    return [shallow, deep]


def _trunk(
    writers: list[nn.Conv2d],
    blocks: list[Block],
    readers: list[nn.Conv2d],
    states: list[nn.Module],
) -> _Trunk:
    units = [list(block.body) for block in blocks]
    return _Trunk(
        [*writers, *(_conv(body[-1]) for body in units)],
        [*readers, *(_conv(body[0]) for body in units)],
        [*states, *blocks],
    )


def _measure(
    graph: DeviceGraph, trunks: Sequence[_Trunk], photos: Iterable[Pixels]
) -> list[Tensor]:
    """Return how far each channel of each trunk goes at any depth, (C,) per trunk."""
    reach = [torch.zeros(trunk.readers[0].in_channels) for trunk in trunks]

    def watch(module: nn.Module, place: int) -> torch.utils.hooks.RemovableHandle:
        def note(_: nn.Module, __: object, output: Tensor) -> None:
            highest = output[0].abs().flatten(1).max(dim=1).values
            known = reach[place][: len(highest)]
            torch.maximum(known, highest, out=known)

        return module.register_forward_hook(note)

    handles = [
        watch(module, place) for place, trunk in enumerate(trunks) for module in trunk.states
    ]
    for photo in photos:
        frame = torch.from_numpy(photo).permute(2, 0, 1)[None].float()
        graph(frame, graph.spread_canvas(photo.shape[:2]))
    for handle in handles:
        handle.remove()
    return reach


def _blocks(sequence: nn.Module) -> list[Block]:
    return [module for module in sequence.children() if isinstance(module, Block)]


def _conv(unit: nn.Module) -> nn.Conv2d:
    assert isinstance(unit, ConvUnit)
    conv = unit[0]
    assert isinstance(conv, nn.Conv2d)
    return conv
