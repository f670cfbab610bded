"""The last step: what was made and measured becomes one bundle, or an error says why not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import simplejpeg
import tomllib

from edge.bundle import (
    Bundle,
    GeneratorInfo,
    Manifest,
    Provenance,
    Quality,
    Variant,
    describe_artifacts,
)
from edge.errors import QuantizeError
from edge.pixels import Pixels
from quantize.calibrate import PictureSet, at_size
from quantize.choose import Quantized
from quantize.device_graph import DeviceGraph
from quantize.export_onnx import to_onnx
from quantize.verify import compare, load_variant, restyle
from train.checkpoint import Checkpoint

MIN_WORST_DB = 40.0
"""Below this on any judging photo the INT8 picture is visibly not the float one's."""

ONNX, PREVIEW = "onnx-fp32.onnx", "preview.jpg"
_PACKAGES = (
    "torch", "openvino", "nncf", "litert-torch", "litert-converter", "ai-edge-quantizer",
    "ai-edge-litert", "numpy",
)  # fmt: skip


@dataclass(frozen=True)
class Credits:
    """What a person says of the style; empty parts are filled in from the run."""

    title: str = ""
    author: str = ""
    licence: str = ""
    description: str = ""


@dataclass(frozen=True)
class Verdict:
    """How every INT8 variant did on the judging pictures, and the engines among themselves."""

    variants: tuple[Variant, ...]
    agreement: Quality

    @property
    def worst_db(self) -> float:
        """The worst picture of any variant."""
        return min(v.quality.psnr_worst_db for v in self.variants if v.quality)


def judge(bundle: Bundle, generator: Any, pictures: Sequence[Pixels]) -> Iterator[Variant]:
    """Yield each INT8 variant of a bundle with its quality on the given pictures."""
    for variant in bundle.manifest.variants:
        if variant.precision == "int8":
            photos = at_size(pictures, (variant.height, variant.width))
            engine = load_variant(bundle, variant)
            quality = compare([engine(p) for p in photos], restyle(generator, photos))
            yield variant.model_copy(update={"quality": quality})


def agreement(bundle: Bundle, pictures: Sequence[Pixels]) -> Quality:
    """Compare the two engines with each other, at the first size."""
    first = bundle.manifest.variants[0]
    photos = at_size(pictures, (first.height, first.width))
    one, other = (
        load_variant(bundle, variant)
        for variant in bundle.manifest.variants
        if (variant.height, variant.width) == (first.height, first.width)
        and variant.precision == "int8"
    )
    return compare([one(p) for p in photos], [other(p) for p in photos])


def check(verdict: Verdict, limit: float, *, force: bool) -> None:
    """Refuse a bundle whose worst picture is below the limit.

    Raises:
        QuantizeError: it is, and `force` was not asked for.
    """
    if verdict.worst_db >= limit or force:
        return
    worst = min(
        (v for v in verdict.variants if v.quality),
        key=lambda v: v.quality.psnr_worst_db if v.quality else 0.0,
    )
    raise QuantizeError(
        f"{worst.engine} at {worst.height}x{worst.width} comes within {verdict.worst_db:.1f} dB "
        f"of the float generator on its worst photo, but {limit:.0f} dB is the least",
        hint="calibrate on more varied photos (--calibration FOLDER), train longer, "
        "or write it all the same with --force",
    )


def assemble(
    checkpoint: Checkpoint, quantized: Sequence[Quantized], graph: DeviceGraph, credits: Credits
) -> Bundle:
    """Gather models and facts into a bundle in memory; nothing is judged yet."""
    variants = [variant for each in quantized for variant in each.variants]
    files = {name: data for each in quantized for name, data in each.files.items()}
    files[ONNX] = to_onnx(graph)
    sizes = list(dict.fromkeys((v.height, v.width) for v in variants))
    variants += [_onnx_variant(size) for size in sizes]
    generator = checkpoint.generator
    manifest = Manifest(
        schema_version=1,
        name=checkpoint.style_name,
        title=credits.title or checkpoint.style_name.replace("_", " ").title(),
        task="style",
        author=credits.author or "not stated",
        licence=credits.licence or "not stated",
        description=credits.description,
        generator=GeneratorInfo(
            spec=checkpoint.spec.model_dump(mode="json"),
            parameters=generator.parameters_count(),
            macs={f"{h}x{w}": generator.macs(h, w) for h, w in sizes},
        ),
        artifacts=describe_artifacts(files),
        variants=tuple(variants),
        measures=dict(_numbers(checkpoint.metrics)),
        provenance=_provenance(checkpoint, quantized),
    )
    return Bundle(manifest, files, Path(f"{checkpoint.style_name}.stylecam"))


def complete(
    bundle: Bundle, verdict: Verdict, preview: Pixels, pictures: PictureSet, limit: float
) -> Bundle:
    """Add what was found out at the end: quality, preview, the pictures' hash."""
    files = {**bundle.files, PREVIEW: simplejpeg.encode_jpeg(preview, 85, "RGB", "420")}
    judged = {variant.files: variant for variant in verdict.variants}
    measures = bundle.manifest.measures | {
        "engines_agree_db": verdict.agreement.psnr_db,
        "engines_agree_worst_db": verdict.agreement.psnr_worst_db,
        "int8_worst_db": verdict.worst_db,
        "int8_limit_db": limit,
        "written_below_limit": float(verdict.worst_db < limit),
    }
    manifest = bundle.manifest.model_copy(
        update={
            "artifacts": describe_artifacts(files),
            "variants": tuple(judged.get(v.files, v) for v in bundle.manifest.variants),
            "measures": measures,
            "provenance": bundle.manifest.provenance.model_copy(
                update={"data_sha256": pictures.sha256}
            ),
        }
    )
    return replace(bundle, manifest=Manifest.model_validate(manifest.model_dump()), files=files)


def _onnx_variant(size: tuple[int, int]) -> Variant:
    return Variant(engine="onnx", precision="fp32", height=size[0], width=size[1], files=(ONNX,))


def _provenance(checkpoint: Checkpoint, quantized: Sequence[Quantized]) -> Provenance:
    kept = {each.kept.engine: each.kept.setting for each in quantized}
    return Provenance(
        recipe={
            "training": _recipe(checkpoint),
            "run": checkpoint.provenance,
            "quantization": kept,
        },
        data_sha256="0" * 64,
        commit=_commit(),
        versions={name: metadata.version(name) for name in _PACKAGES},
    )


def _recipe(checkpoint: Checkpoint) -> dict[str, Any]:
    try:
        return tomllib.loads(checkpoint.recipe)
    except tomllib.TOMLDecodeError as error:
        raise QuantizeError(
            f"{checkpoint.folder}/recipe.toml: not TOML ({error})",
            hint="put back the recipe that training wrote, or delete the file",
        ) from error


def _commit() -> str:
    """Return the commit of the code that quantises, where it is a git checkout."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()


def _numbers(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Flatten what training measured; what is not a number is left out."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
