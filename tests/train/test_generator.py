"""The generator folds without changing its picture, and counts what it costs."""

from __future__ import annotations

import pytest
import torch

from train.generator import Generator, GeneratorSpec

SPECS = [
    GeneratorSpec(),
    GeneratorSpec(block="inverted", head="shuffle4", deep=()),
    GeneratorSpec(block="fused", entry=(1, 2)),
]


def trained_a_little(spec: GeneratorSpec) -> Generator:
    torch.manual_seed(0)
    generator = Generator(spec)
    for _ in range(3):
        generator(torch.rand(2, 3, 32, 32))
    return generator.eval()


@pytest.mark.parametrize("spec", SPECS)
@torch.no_grad()
def test_folding_changes_no_pixel(spec: GeneratorSpec) -> None:
    generator, picture = trained_a_little(spec), torch.rand(1, 3, 40, 64)
    folded = generator.folded()
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    assert torch.allclose(folded(picture), generator(picture), atol=1e-5)
    assert torch.equal(folded.folded()(picture), folded(picture))


@pytest.mark.parametrize("spec", SPECS)
@torch.no_grad()
def test_output_has_the_shape_of_the_input_and_stays_in_range(spec: GeneratorSpec) -> None:
    output = trained_a_little(spec)(torch.rand(2, 3, 24, 48) * 3 - 1)
    assert output.shape == (2, 3, 24, 48)
    assert 0 <= output.min() < output.max() <= 1


def test_spec_survives_json() -> None:
    spec = GeneratorSpec(block="fused", entry=(1, 4), deep=(), head="shuffle4")
    assert GeneratorSpec.model_validate_json(spec.model_dump_json()) == spec


def test_macs_and_parameters_agree_with_a_count_by_hand() -> None:
    generator = Generator(GeneratorSpec(entry=(1, 1), deep=(), exit=(), head="shuffle4"))
    quarter = 120 * 160
    per_cell = 32 * 3 * 16 + 2 * 32 * 32 * 9 + 48 * 32 * 9
    assert generator.macs(480, 640) == quarter * per_cell
    assert generator.parameters_count() == per_cell + 32 + 2 * 32 + 48


def test_the_shipped_shape_stays_within_its_budget() -> None:
    assert Generator(GeneratorSpec()).macs(480, 640) < 1.4e9
