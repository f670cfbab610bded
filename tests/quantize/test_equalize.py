from __future__ import annotations

import pytest
import torch

from quantize.device_graph import DeviceGraph
from quantize.equalize import equalize
from tests.quantize.conftest import draw_photo, lively_generator
from train.generator import GeneratorSpec

PHOTOS = [draw_photo(seed)[:96, :128] for seed in (1, 2)]


def reach_after_stem(graph: DeviceGraph) -> torch.Tensor:
    frame = torch.from_numpy(PHOTOS[0]).permute(2, 0, 1)[None].float()
    return graph.entry(graph.stem(frame)).abs().flatten(2).max(dim=2).values[0]


@pytest.mark.parametrize(
    "spec",
    [
        GeneratorSpec(width=16, deep=(1, 2), deep_width=24, exit=(1, 2)),
        GeneratorSpec(width=16, canvas=4, deep=(1,), deep_width=16),
        GeneratorSpec(width=16, block="inverted", deep=(), entry=(1, 1)),
        GeneratorSpec(width=16, block="fused", deep=(1,), deep_width=16, head="shuffle4"),
    ],
    ids=["dense", "canvas", "inverted", "fused"],
)
def test_equalized_graph_computes_the_same(spec: GeneratorSpec) -> None:
    graph = DeviceGraph(lively_generator(spec))
    equal = equalize(graph, PHOTOS)
    frame = torch.from_numpy(PHOTOS[1]).permute(2, 0, 1)[None].float()
    canvas, scaled = graph.spread_canvas((96, 128)), equal.spread_canvas((96, 128))
    assert not torch.equal(equal.last.weight, graph.last.weight)
    torch.testing.assert_close(equal(frame, scaled), graph(frame, canvas), atol=1e-3, rtol=1e-3)


def test_channels_come_to_reach_equally_far() -> None:
    graph = DeviceGraph(lively_generator())
    with torch.no_grad():
        graph.stem[0].weight[0] *= 6
    before, after = (reach_after_stem(g) for g in (graph, equalize(graph, PHOTOS, strength=1.0)))
    assert before.max() / before.median() > 2
    assert after.max() / after.median() < 0.6 * before.max() / before.median()


def test_strength_zero_changes_nothing() -> None:
    graph = DeviceGraph(lively_generator())
    assert torch.equal(equalize(graph, PHOTOS, strength=0.0).last.weight, graph.last.weight)
