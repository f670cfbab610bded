from __future__ import annotations

import pytest
import torch

from quantize.device_graph import DeviceGraph, PictureGraph
from tests.quantize.conftest import SPEC, lively_generator

SIZE = (48, 64)


@pytest.mark.parametrize("head", ["shuffle2", "shuffle4"])
@pytest.mark.parametrize("canvas", [0, 4])
def test_one_convolution_paints_what_the_whole_head_painted(head: str, canvas: int) -> None:
    generator = lively_generator(SPEC.model_copy(update={"head": head, "canvas": canvas}))
    frame = torch.rand(1, *SIZE, 3)
    with torch.no_grad():
        expected = generator(frame.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        painted = PictureGraph(DeviceGraph(generator), SIZE)(frame * 255)
    assert expected.std() > 0.05
    torch.testing.assert_close(painted, expected, atol=1e-5, rtol=0)


def test_device_graph_leaves_the_generator_as_it_was() -> None:
    generator = lively_generator()
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    DeviceGraph(generator)
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, before[name]), name
