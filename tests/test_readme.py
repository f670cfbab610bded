"""The README's figures are those that were measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.styles import open_style, style_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = json.loads((ROOT / "devices/results/engines.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("engine", ["tflite", "openvino"])
def test_the_speeds_are_those_of_the_stored_benchmark(engine):
    times, ratios = RESULTS["cpu_ms"], RESULTS["ratios"]
    for figure in (
        f"{times[f'{engine} johnson fp32']['median_ms']:.0f} ms",
        f"{times[f'{engine} ours fp32']['median_ms']:.1f} ms",
        f"**{times[f'{engine} ours int8']['median_ms']:.1f} ms**",
        f"{ratios[f'{engine}: johnson fp32 / ours int8']['median']:.0f}x",
        f"{ratios[f'{engine}: ours fp32 / ours int8']['median']:.1f}x",
    ):
        assert figure in README


@pytest.mark.parametrize("name", style_names())
def test_the_qualities_are_those_of_the_shipped_bundles(name):
    measured = [v for v in open_style(name).manifest.variants if v.quality and v.height == 480]
    assert len(measured) == 2
    for variant in measured:
        quality = variant.quality
        assert f"{quality.psnr_db:.1f} / {quality.psnr_worst_db:.1f} dB" in README
        assert quality.photos == 30
        assert quality.psnr_db >= 46
        assert quality.psnr_worst_db >= 43
