"""The `.stylecam` bundle: one style, its models for every engine, and what is known of it.

A bundle is a ZIP, stored uncompressed, of `manifest.json` and the artifacts that it
lists. It may come from a stranger: names, sizes and hashes are checked before anything is
parsed, everything stays in memory, and no path or length inside it is ever trusted.
The schema is explained in docs/bundle.md.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from edge.errors import BundleError, SinkError

SCHEMA_VERSION = 1
SUFFIX = ".stylecam"
MANIFEST = "manifest.json"
MAX_BUNDLE_BYTES = 128 * 1024 * 1024
MAX_MANIFEST_BYTES = 1024 * 1024
_SAFE_NAME = re.compile(r"[a-z0-9_]+(-[a-z0-9_]+)*(/[a-z0-9_]+(-[a-z0-9_]+)*)?(\.[a-z0-9_]+)+")

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
StyleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")]
# What a terminal and the page can show: one line, no control characters.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Side = Annotated[int, Field(ge=16, le=8192)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Artifact(_Strict):
    """One file of the bundle: its name, length and hash."""

    name: str
    bytes: Annotated[int, Field(ge=0, le=MAX_BUNDLE_BYTES)]
    sha256: Sha256


class Quality(_Strict):
    """How near a variant is to the float generator, on photos that calibration did not see.

    Attributes:
        photos: how many photos were compared.
        psnr_db: mean over them; psnr_worst_db: the worst one. 8-bit RGB, peak 255.
    """

    photos: Annotated[int, Field(ge=1)]
    psnr_db: float
    psnr_worst_db: float


class Variant(_Strict):
    """One way to run the generator: `(1, height, width, 3)` uint8 RGB to the same.

    `files` are artifact names in the order that the engine expects: one `.tflite`, one
    `.onnx`, or an `.xml` and its `.bin`. Variants may share a file.
    """

    engine: Literal["tflite", "openvino", "onnx"]
    precision: Literal["int8", "fp16", "fp32"]
    height: Side
    width: Side
    files: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    quality: Quality | None = None

    @model_validator(mode="after")
    def _check_count(self) -> Variant:
        wanted = 2 if self.engine == "openvino" else 1
        if len(self.files) != wanted:
            raise ValueError(f"{self.engine} runs {wanted} files, not {len(self.files)}")
        return self


class GeneratorInfo(_Strict):
    """The network: its specification (train's), parameters, and MACs by "HEIGHTxWIDTH"."""

    spec: dict[str, Any]
    parameters: Annotated[int, Field(ge=1)]
    macs: dict[str, int]


class Provenance(_Strict):
    """Where the weights came from: recipe as run, hash of the data list, versions."""

    recipe: dict[str, Any]
    data_sha256: Sha256
    commit: str
    versions: dict[str, str]


class Manifest(_Strict):
    """All that is known of a style; `measures` holds train's figures by name."""

    schema_version: Literal[1]
    name: StyleName
    title: Line
    task: Literal["style"]
    author: Line
    licence: Line
    description: Line = ""
    generator: GeneratorInfo
    artifacts: tuple[Artifact, ...]
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)]
    measures: dict[str, float] = {}
    provenance: Provenance


@dataclass(frozen=True)
class Bundle:
    """An opened, checked bundle, held in memory."""

    manifest: Manifest
    files: Mapping[str, bytes]
    path: Path

    def choose(
        self,
        engine: str,
        precision: str = "int8",
        picture: tuple[int, int] | None = None,
    ) -> Variant | None:
        """Return the engine's variant that wastes least on a (height, width) picture."""
        fitting = [
            variant
            for variant in self.manifest.variants
            if (variant.engine, variant.precision) == (engine, precision)
        ]
        height, width = picture or (480, 640)
        return max(fitting, key=lambda v: _coverage(v, height, width), default=None)

    def read(self, variant: Variant) -> list[bytes]:
        """Return the bytes of a variant's files, in their order."""
        return [self.files[name] for name in variant.files]


def _coverage(variant: Variant, height: int, width: int) -> tuple[float, int]:
    """Rank by the share of the frame that the picture fills, then by nearness in size."""
    scale = min(variant.height / height, variant.width / width)
    share = scale * scale * height * width / (variant.height * variant.width)
    return round(share, 2), -abs(variant.height * variant.width - height * width)


def open_bundle(path: Path) -> Bundle:
    """Read a bundle into memory and check all of it.

    Raises:
        BundleError: no such file, not a bundle, a name, size or hash that does not fit.
    """
    data = _read_file(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = _read_entries(path, archive, len(data))
    except BundleError:
        raise
    # What zipfile raises on bytes that are not a ZIP depends on which of them are wrong.
    except (zipfile.BadZipFile, EOFError, LookupError, RuntimeError, ValueError) as error:
        raise BundleError(
            f"{path}: not a {SUFFIX} bundle, or damaged ({error})",
            hint="copy it again, or list what is shipped: stylecam styles",
        ) from error
    manifest = parse_manifest(path, files.pop(MANIFEST))
    _check_artifacts(path, manifest, files)
    return Bundle(manifest, files, path)


def _read_file(path: Path) -> bytes:
    try:
        # Opening a named pipe would wait for its writer.
        if not (path.is_file() or path.is_dir()) and path.exists():
            raise BundleError(f"{path}: is not a file", hint=f"name a {SUFFIX} file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BUNDLE_BYTES:
                raise BundleError(
                    f"{path}: {size} bytes, but a bundle has at most {MAX_BUNDLE_BYTES}",
                    hint=f"is this a {SUFFIX} file? See: stylecam styles",
                )
            return file.read(MAX_BUNDLE_BYTES)
    except FileNotFoundError as error:
        raise BundleError(f"{path}: no such file", hint="see: stylecam styles") from error
    except IsADirectoryError as error:
        raise BundleError(
            f"{path}: a directory, not a bundle", hint=f"name a {SUFFIX} file in it"
        ) from error
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror})", hint="check its permissions"
        ) from error


def _read_entries(path: Path, archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """Check every entry's name and claimed length, then read them all."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise BundleError(f"{path}: a file name occurs twice", hint="quantize the style again")
    if MANIFEST not in names:
        raise BundleError(
            f"{path}: a ZIP without {MANIFEST}, so not a bundle",
            hint="see: stylecam styles",
        )
    for entry in entries:
        _check_entry(path, entry)
    if sum(entry.file_size for entry in entries) > size:
        raise BundleError(
            f"{path}: claims {sum(entry.file_size for entry in entries)} bytes of content, "
            f"but is {size} bytes long",
            hint="the file is damaged or was made to harm: do not use it",
        )
    return {entry.filename: archive.read(entry) for entry in entries}


def _check_entry(path: Path, entry: zipfile.ZipInfo) -> None:
    if not _SAFE_NAME.fullmatch(entry.filename):
        raise BundleError(
            f"{path}: holds a file named {entry.filename!r}, which a bundle may not",
            hint="the file was made to harm or by another tool: do not use it",
        )
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise BundleError(
            f"{path}: {entry.filename} is compressed, but a bundle is stored",
            hint="quantize the style again: stylecam quantize RUN",
        )
    if entry.filename == MANIFEST and entry.file_size > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"{path}: {MANIFEST} is {entry.file_size} bytes, at most {MAX_MANIFEST_BYTES}",
            hint="the file is damaged or was made to harm: do not use it",
        )


def parse_manifest(path: Path, text: bytes) -> Manifest:
    """Validate a manifest's JSON; the error names the key that does not fit."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: {MANIFEST} is not JSON ({error})") from error
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{path}: schema version {version}, but this stylecam reads {SCHEMA_VERSION}",
            hint="install the stylecam that made it, or quantize the style again",
        )
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"{path}: {MANIFEST}: {key}: {first['msg']}",
            hint="quantize the style again",
        ) from error


def _check_artifacts(path: Path, manifest: Manifest, files: Mapping[str, bytes]) -> None:
    listed = {artifact.name for artifact in manifest.artifacts}
    if listed != set(files):
        odd = sorted(listed ^ set(files))[0]
        raise BundleError(
            f"{path}: {odd} is in the file or its manifest, but not in both",
            hint="the file is damaged: copy it again",
        )
    for artifact in manifest.artifacts:
        content = files[artifact.name]
        if (len(content), hashlib.sha256(content).hexdigest()) != (
            artifact.bytes,
            artifact.sha256,
        ):
            raise BundleError(
                f"{path}: {artifact.name} is not what the manifest says (length or sha256)",
                hint="the file is damaged: copy it again",
            )
    for name in (name for variant in manifest.variants for name in variant.files):
        if name not in listed:
            raise BundleError(f"{path}: a variant needs {name}, which is not in the bundle")


def describe_artifacts(files: Mapping[str, bytes]) -> tuple[Artifact, ...]:
    """List files as the manifest does: name, length and sha256, ordered by name."""
    return tuple(
        Artifact(
            name=name,
            bytes=len(files[name]),
            sha256=hashlib.sha256(files[name]).hexdigest(),
        )
        for name in sorted(files)
    )


def write_bundle(path: Path, manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """Write a bundle; the same manifest and files give the same bytes.

    It appears under its name only when whole.

    Raises:
        BundleError: manifest and files do not belong together.
        SinkError: it cannot be written (full disk, no permission).
    """
    _check_artifacts(path, manifest, files)
    text = manifest.model_dump_json(indent=1).encode()
    entries = [(MANIFEST, text), *((name, files[name]) for name in sorted(files))]
    try:
        _replace(path, _archive(entries))
    except OSError as error:
        raise SinkError(
            f"{path}: cannot be written ({error.strerror})",
            hint="free some space or choose another place with --out",
        ) from error


def _archive(entries: Iterable[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def _replace(path: Path, data: bytes) -> None:
    """Write beside the target, flush to the disk, then rename over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
