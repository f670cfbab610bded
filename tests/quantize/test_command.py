"""The command, as a person meets it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from edge.bundle import Quality, Variant, open_bundle
from edge.errors import QuantizeError, StylecamError
from quantize.command import command, quantize_run
from quantize.pack import Credits, Verdict, check
from tests.quantize.conftest import write_photos


def verdict(worst_db: float) -> Verdict:
    quality = Quality(photos=3, psnr_db=worst_db + 3, psnr_worst_db=worst_db)
    fields = {"engine": "tflite", "precision": "int8", "height": 480, "width": 640}
    variant = Variant.model_validate({**fields, "files": ("a.tflite",), "quality": quality})
    return Verdict((variant,), quality)


def refused(run: Path, **options: object) -> StylecamError:
    """Run the command and return what it refused with."""
    arguments = [f"--{name}={value}" for name, value in options.items()]
    result = CliRunner().invoke(command, [str(run), *arguments])
    assert isinstance(result.exception, StylecamError), result.output
    return result.exception


def test_command_is_described_without_loading_torch() -> None:
    code = "import sys, quantize.command as q; sys.exit('torch' in sys.modules or not q.command)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_missing_run_is_named_with_the_way_to_make_one(tmp_path: Path) -> None:
    error = refused(tmp_path / "nowhere")
    assert "nowhere: no such run folder" in error.message
    assert "stylecam train" in error.hint
    assert isinstance(error, QuantizeError)


def test_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    assert "is not a run folder" in refused(tmp_path).message


def test_size_that_the_generator_cannot_take_is_answered_with_one_that_it_can(run: Path) -> None:
    error = refused(run, size="100x130")
    assert "--size 100x130: this generator takes multiples of 8" in error.message
    assert error.hint == "for example --size 96x128"


def test_size_that_is_none_is_explained(run: Path) -> None:
    result = CliRunner().invoke(command, [str(run), "--size", "huge"])
    assert result.exit_code == 2
    assert "height first, for example 480x640" in result.output


def test_missing_photo_folder_is_named(run: Path, tmp_path: Path) -> None:
    error = refused(run, calibration=tmp_path / "none")
    assert "none: no such folder" in error.message
    assert "--calibration FOLDER" in error.hint


def test_bundle_below_the_limit_is_refused_with_its_figure() -> None:
    with pytest.raises(QuantizeError, match=r"tflite at 480x640 comes within 31\.5 dB") as caught:
        check(verdict(31.5), 40.0, force=False)
    assert "--force" in caught.value.hint


def test_bundle_below_the_limit_can_be_forced() -> None:
    check(verdict(31.5), 40.0, force=True)
    check(verdict(40.0), 40.0, force=False)


def test_refused_bundle_leaves_nothing_behind_and_a_forced_one_says_so(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantize.pack.MIN_WORST_DB", 90.0)
    photos = write_photos(tmp_path / "photos", 6)
    out, console = tmp_path / "out" / "blobs.stylecam", Console(file=io.StringIO())
    with pytest.raises(QuantizeError, match="but 90 dB is the least"):
        quantize_run(run, out, photos, [(32, 48)], 3, Credits(), console)
    assert not out.parent.exists()
    quantize_run(run, out, photos, [(32, 48)], 3, Credits(), console, force=True)
    assert [path.name for path in out.parent.iterdir()] == ["blobs.stylecam"]
    manifest = open_bundle(out).manifest
    assert manifest.measures["written_below_limit"] == 1.0
    assert manifest.measures["int8_limit_db"] == 90.0
    assert (manifest.title, manifest.author) == ("Blobs", "not stated")
