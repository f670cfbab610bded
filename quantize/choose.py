"""Try each engine's calibration settings and keep the one whose worst picture is best.

No setting wins for every style: the one that gains 5 dB here loses 4 dB on one dark photo
there. The pictures that choose are neither those that ranges are measured on nor those
that the finished bundle is judged on. A wide range is forgiven a little, as it does not
saturate on the photo that nobody showed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.bundle import Bundle, Manifest, Quality, Variant
from edge.pixels import Pixels
from quantize import export_openvino, export_tflite
from quantize.calibrate import at_size
from quantize.device_graph import DeviceGraph
from quantize.integer import FloatOps, float_ops_openvino, float_ops_tflite
from quantize.verify import compare, load_variant, restyle
from train.generator import Generator

Size = tuple[int, int]
Done = Callable[[str, float], None]
"""Told what was done and about how many seconds that takes on two cores."""

# 10 logit photos show 200,000 logits: enough for a range.
_LOGIT_PHOTOS = 10
# A narrow range that was 1 dB better here was 5 dB worse on one of 30 other photos.
_FORGIVEN_DB = 1.5


class _Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Trial:
    """One engine with one setting, and how it did on the pictures that choose."""

    engine: str
    setting: str
    quality: Quality
    kept: bool


@dataclass(frozen=True)
class Quantized:
    """One engine's INT8 models of every size.

    Attributes:
        files: artifacts by name.
        variants: what they are; no quality yet.
        float_ops: what an engine still computes in float.
        trials: every setting tried.
    """

    files: Mapping[str, bytes]
    variants: tuple[Variant, ...]
    float_ops: FloatOps
    trials: tuple[Trial, ...]

    @property
    def kept(self) -> Trial:
        """The trial whose setting the models have."""
        return next(trial for trial in self.trials if trial.kept)


@dataclass(frozen=True)
class Photos:
    """Pictures of one size: to measure ranges on, and others to choose by, with their style."""

    ranges: list[Pixels]
    choice: list[Pixels]
    reference: list[Pixels]

    @classmethod
    def divide(cls, pictures: Sequence[Pixels], size: Size, generator: Generator) -> Photos:
        """Give three fifths to the ranges, the rest to the choice; one picture serves as both."""
        cropped = at_size(pictures, size)
        share = max(1, round(len(cropped) * 0.6))
        choice = cropped[share:] or cropped
        return cls(cropped[:share], choice, restyle(generator, choice))


def quantize_for_tflite(
    graph: DeviceGraph, photos: Photos, sizes: Sequence[Size], done: Done
) -> Quantized:
    """Quantise for TFLite: ranges measured at the first size serve all of them."""
    models = {}
    for size in sizes:
        models[size] = export_tflite.to_tflite_float(graph, size, integer=True)
        done("tflite: converted", 5)
    first = models[sizes[0]]
    measured = export_tflite.measure(first, photos.ranges, lambda: done("tflite: measured", 0.2))
    logit_range = export_tflite.best_logit_range(graph, photos.ranges[:_LOGIT_PHOTOS])

    def make(setting: export_tflite.Setting, size: Size) -> dict[str, bytes]:
        name = f"tflite-int8-{size[0]}x{size[1]}.tflite"
        model = export_tflite.quantize_tflite(models[size], measured, setting, logit_range)
        return {name: model}

    tried = []
    for setting in export_tflite.SETTINGS:
        made = make(setting, sizes[0])
        variant = _variant("tflite", sizes[0], tuple(made))
        tried.append((_judge(variant, made, photos), setting))
        done(f"tflite: tried {setting.name}", 2)
    kept = _best([quality for quality, _ in tried])
    best = [make(tried[kept][1], size) for size in sizes]
    return Quantized(
        files={name: data for made in best for name, data in made.items()},
        variants=tuple(
            _variant("tflite", size, tuple(made)) for size, made in zip(sizes, best, strict=True)
        ),
        float_ops=float_ops_tflite(next(iter(best[0].values()))),
        trials=_trials("tflite", tried, kept),
    )


def quantize_for_openvino(
    graph: DeviceGraph, photos: Photos, sizes: Sequence[Size], done: Done
) -> Quantized:
    """Quantise for OpenVINO at the first size and reshape to the others."""
    model = export_openvino.to_openvino_float(graph, sizes[0])
    done("openvino: converted", 1)
    tried, models = [], []
    for setting in export_openvino.SETTINGS:
        quantized = export_openvino.quantize_openvino(model, graph, photos.ranges, setting)
        files, (variant,) = _openvino_files(quantized, graph, sizes[:1])
        tried.append((_judge(variant, files, photos), setting))
        models.append(quantized)
        done(f"openvino: tried {setting.name}", 8)
    kept = _best([quality for quality, _ in tried])
    best = models[kept]
    files, variants = _openvino_files(best, graph, sizes)
    return Quantized(
        files=files,
        variants=variants,
        float_ops=float_ops_openvino(export_openvino.finish(best, graph, sizes[0], integer=True)),
        trials=_trials("openvino", tried, kept),
    )


def _openvino_files(
    model: object, graph: DeviceGraph, sizes: Sequence[Size]
) -> tuple[dict[str, bytes], tuple[Variant, ...]]:
    """Serialise every size; weights are stored once, as they know no size."""
    files: dict[str, bytes] = {}
    variants = []
    for size in sizes:
        xml, weights = export_openvino.to_bytes(
            export_openvino.finish(model, graph, size, integer=True)
        )
        stem = f"openvino-int8-{size[0]}x{size[1]}"
        shared = files.setdefault("openvino-int8.bin", weights) == weights
        weights_name = "openvino-int8.bin" if shared else f"{stem}.bin"
        files |= {f"{stem}.xml": xml, weights_name: weights}
        variants.append(_variant("openvino", size, (f"{stem}.xml", weights_name)))
    return files, tuple(variants)


def _variant(engine: str, size: Size, files: tuple[str, ...]) -> Variant:
    return Variant.model_validate(
        {"engine": engine, "precision": "int8", "height": size[0], "width": size[1], "files": files}
    )


def _best(tried: Sequence[Quality]) -> int:
    """Return the place of the first, so the widest, that is nearly as good as the best."""
    best = max(quality.psnr_worst_db for quality in tried)
    return next(i for i, q in enumerate(tried) if q.psnr_worst_db >= best - _FORGIVEN_DB)


def _trials(engine: str, tried: Sequence[tuple[Quality, _Named]], kept: int) -> tuple[Trial, ...]:
    return tuple(
        Trial(engine, setting.name, quality, place == kept)
        for place, (quality, setting) in enumerate(tried)
    )


def _judge(variant: Variant, files: Mapping[str, bytes], photos: Photos) -> Quality:
    """Run a variant that no bundle holds yet through its engine."""
    manifest = Manifest.model_construct(variants=(variant,))
    engine = load_variant(Bundle(manifest, files, Path(variant.files[0])), variant)
    return compare([engine(photo) for photo in photos.choice], photos.reference)
