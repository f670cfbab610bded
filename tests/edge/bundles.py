"""A small valid bundle to bend: real format, a model that no engine is asked to load."""

from __future__ import annotations

from pathlib import Path

from edge.bundle import (
    GeneratorInfo,
    Manifest,
    Provenance,
    Variant,
    describe_artifacts,
    write_bundle,
)

FILES = {
    "preview.jpg": b"\xff\xd8 not a real picture",
    "tflite/int8-480x640.tflite": b"model " * 50,
    "tflite/int8-360x640.tflite": b"other " * 50,
}


def manifest(files: dict[str, bytes] = FILES) -> Manifest:
    return Manifest(
        schema_version=1,
        name="small",
        title="Small",
        task="style",
        author="the test",
        licence="CC0-1.0",
        generator=GeneratorInfo(spec={"width": 8}, parameters=1, macs={"480x640": 1}),
        artifacts=describe_artifacts(files),
        variants=(
            Variant(engine="tflite", precision="int8", height=480, width=640,
                    files=("tflite/int8-480x640.tflite",)),
            Variant(engine="tflite", precision="int8", height=360, width=640,
                    files=("tflite/int8-360x640.tflite",)),
        ),
        provenance=Provenance(recipe={}, data_sha256="0" * 64, commit="none", versions={}),
    )  # fmt: skip


def write_small(path: Path) -> Path:
    write_bundle(path, manifest(), FILES)
    return path
