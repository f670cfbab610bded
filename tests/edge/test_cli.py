"""The command line as a person meets it: real processes, real files, real errors."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from edge.bundle import describe_artifacts, open_bundle, write_bundle
from edge.styles import FOLDER

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "edge" / "samples" / "flight.mp4"


def stylecam(*words: object, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, words)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_one_line(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """One line on stderr, with every part in it, a hint, exit code 2, no traceback."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """A copy of a shipped style, to harm."""
    copy = tmp_path / "copy.stylecam"
    copy.write_bytes((FOLDER / "great_wave.stylecam").read_bytes())
    return copy


def convert(*extra: object, cwd: Path, out: str = "out.mp4") -> subprocess.CompletedProcess[str]:
    return stylecam("run", "--sink", f"file:{out}", *extra, cwd=cwd)


def test_help_lists_every_command_without_torch(tmp_path):
    result = stylecam("--help", cwd=tmp_path)
    assert result.returncode == 0
    for command in ("run", "check", "styles", "bundle", "train", "quantize"):
        assert command in result.stdout


def test_check_prints_what_would_run(tmp_path):
    result = stylecam("check", "--source", "pattern:320x240@30", "--sink", "null:", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert '"style": "great_wave"' in result.stdout
    assert "source = pattern:320x240@30" in result.stdout
    assert "engine = " in result.stdout


def test_check_leaves_nothing_of_a_file_that_it_only_tried(tmp_path):
    result = stylecam("check", "--source", "pattern:64x64", "--sink", "file:o.mp4", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_recording_outlives_ctrl_c_systemd_and_a_closed_terminal(tmp_path, number):
    words = ["run", "--source", "pattern:64x64@30", "--sink", "file:out.mp4"]
    with subprocess.Popen(
        [sys.executable, "-m", "edge", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        part = tmp_path / ".out.mp4.part"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (part.exists() and part.stat().st_size):
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        assert process.wait(20) == 0
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert video.streams.video[0].frames > 0
    assert not part.exists()


def test_styles_lists_what_is_shipped_and_inspect_shows_how_good_it_is(tmp_path):
    listed = stylecam("styles", cwd=tmp_path)
    assert "great_wave" in listed.stdout
    assert "starry_night" in listed.stdout
    inspected = stylecam("bundle", "inspect", "great_wave", cwd=tmp_path)
    for word in ("tflite", "openvino", "onnx", "480x640", "PSNR"):
        assert word in inspected.stdout
    verified = stylecam("bundle", "verify", "great_wave", cwd=tmp_path)
    assert verified.returncode == 0
    assert "hashes fit" in verified.stdout
    assert "tflite: draws" in verified.stdout
    assert "openvino: draws" in verified.stdout


def test_a_bundle_whose_model_has_lost_its_weights_is_not_verified(tmp_path, style):
    """Lengths and hashes fit and the model loads; it fails when it is run."""
    opened = open_bundle(style)
    files = dict(opened.files)
    for name in (name for name in files if name.endswith(".tflite")):
        fifth, half = len(files[name]) // 5, len(files[name]) // 2
        files[name] = files[name][:fifth] + bytes(half - fifth) + files[name][half:]
    manifest = opened.manifest.model_copy(update={"artifacts": describe_artifacts(files)})
    write_bundle(style, manifest, files)
    assert_one_line(
        stylecam("bundle", "verify", style, cwd=tmp_path), "copy.stylecam", "tflite cannot run"
    )


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("file:none.mp4", ("none.mp4", "no such file")),
        ("file:.", ("is a folder",)),
        ("file:empty.mp4", ("empty.mp4", "empty")),
        ("file:notes.mp4", ("notes.mp4",)),
        ("file:truncated.mp4", ("truncated.mp4",)),
        ("v4l2:/dev/video99", ("/dev/video99",)),
        ("images:none", ("none",)),
        ("http://127.0.0.1:9/x", ("127.0.0.1:9",)),
        ("pattern:0x0@30", ("pattern",)),
        ("camera", ("'camera'", "v4l2:")),
    ],
)
def test_a_source_that_cannot_be_opened_is_one_line_and_leaves_nothing(tmp_path, source, parts):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.mp4").write_text("this is not a video\n" * 50)
    (tmp_path / "truncated.mp4").write_bytes(SAMPLE.read_bytes()[:20_000])
    before = sorted(tmp_path.iterdir())
    assert_one_line(convert("--source", source, cwd=tmp_path), *parts)
    assert sorted(tmp_path.iterdir()) == before


def test_a_video_cut_in_the_middle_is_an_error_and_leaves_no_half_result(tmp_path):
    whole = SAMPLE.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    before = sorted(tmp_path.iterdir())
    assert_one_line(convert("--source", "file:cut.mp4", cwd=tmp_path), "cut.mp4")
    assert sorted(tmp_path.iterdir()) == before


def harm_text(path: Path) -> None:
    path.write_text("I am a bundle, honestly")


def harm_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def harm_name(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", b"x")


def harm_size(path: Path) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<II", data, data.rindex(b"PK\x01\x02") + 20, 0xFFFFFFF0, 0xFFFFFFF0)
    path.write_bytes(data)


def harm_zip64(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        info = archive.infolist()[-1]
        info.file_size = info.compress_size = 10 * 1024**3
        archive.comment = b"written again"


@pytest.mark.parametrize("harm", [harm_text, harm_byte, harm_name, harm_size, harm_zip64])
def test_a_harmed_bundle_is_one_line_and_nothing_runs(tmp_path, style, harm):
    harm(style)
    result = convert("--style", style, "--source", "pattern:64x48@30", cwd=tmp_path)
    assert_one_line(result, "copy.stylecam")
    assert not (tmp_path / "out.mp4").exists()


def test_an_unknown_style_names_the_nearest(tmp_path):
    result = convert("--style", "grate_wave", "--source", "pattern:64x48@30", cwd=tmp_path)
    assert_one_line(result, "'grate_wave'", "did you mean: great_wave")


def test_an_engine_that_is_not_installed_says_what_to_install(tmp_path):
    for module in ("ai_edge_litert", "tflite_runtime", "openvino"):
        (tmp_path / "gone" / module).mkdir(parents=True)
        (tmp_path / "gone" / module / "__init__.py").write_text(f"raise ImportError('no {module}')")
    for engine in ("tflite", "openvino"):
        result = stylecam(
            "run", "--engine", engine, "--source", "pattern:64x48@30", "--sink", "null:",
            cwd=tmp_path, path=str(tmp_path / "gone"),
        )  # fmt: skip
        assert_one_line(result, engine, f"pip install 'stylecam[{engine}]'")


def test_a_busy_port_names_another(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = stylecam("run", "--source", "pattern:64x48@30", "--port", port, cwd=tmp_path)
    assert_one_line(result, f"port {port} on 127.0.0.1 is taken", f"--port {port + 1}")


@pytest.mark.parametrize(
    "words",
    [
        ("--engine", "magic"),
        ("--strength", 3),
        ("--sink", "teapot:"),
        ("--sink", "file:x.txt"),
        ("--port", "eighty"),
        ("great_wave", "--stile"),
    ],
)
def test_a_bad_option_is_one_line(tmp_path, words):
    result = stylecam("run", "--source", "pattern:64x48@30", *words, cwd=tmp_path)
    assert_one_line(result, str(words[1]).rstrip(":"))


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A real file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        reason = f"a tmpfs needs root: {mounted.stderr.strip()}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_one_line_and_leaves_no_half_result(tmp_path, tiny_disk):
    result = convert("--source", f"file:{SAMPLE}", cwd=tmp_path, out=str(tiny_disk / "out.mp4"))
    assert_one_line(result, "out.mp4", "space")
    assert list(tiny_disk.iterdir()) == []


def read(path: Path) -> tuple[list[np.ndarray], tuple]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return frames, (stream.average_rate, stream.width, stream.height)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Two seconds of the sample, at a size and rate that are not the model's."""
    path = tmp_path_factory.mktemp("clip") / "A.mp4"
    with av.open(str(SAMPLE)) as given, av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 480, 270, "yuv420p"
        for index, frame in enumerate(given.decode(video=0)):
            if index == 50:
                break
            scaled = frame.reformat(480, 270, "yuv420p")
            scaled.pts, scaled.time_base = index, Fraction(1, 25)
            out.mux(stream.encode(scaled))
        out.mux(stream.encode())
    return path


def test_both_engines_make_a_whole_film_of_a_film_and_agree(tmp_path, clip):
    given, properties = read(clip)
    made = {}
    for engine in ("tflite", "openvino"):
        out = f"{engine}.mkv?crf=1"
        result = convert("--engine", engine, "--source", f"file:{clip}", cwd=tmp_path, out=out)
        assert result.returncode == 0, result.stderr
        made[engine], made_properties = read(tmp_path / f"{engine}.mkv")
        assert made_properties == properties
        assert len(made[engine]) == len(given) == 50
    error = np.mean(
        [(a.astype(float) - b) ** 2 for a, b in zip(made["tflite"], made["openvino"], strict=True)]
    )
    assert 10 * np.log10(255**2 / error) >= 40
    changed = np.abs(np.asarray(made["tflite"], float) - np.asarray(given, float)).mean()
    assert changed > 10


def test_starting_the_daemon_imports_no_training_stack(tmp_path):
    program = (
        "import sys, edge.daemon, edge.cli\n"
        "from edge.config import load_config\n"
        "daemon = edge.daemon.Daemon(load_config(None, {'source': 'pattern:64x48@30',"
        " 'sinks': ('null:',), 'frames': 2}))\n"
        "daemon.start(); daemon.pipeline.wait(20); daemon.stop()\n"
        "print(daemon.pipeline.health.report().counts['styled'])\n"
        "heavy = {'torch', 'nncf', 'onnx', 'litert_torch', 'tensorflow', 'jax', 'train'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert result.stdout.splitlines() == ["2", "[]"], result.stderr


def test_brackets_in_a_name_or_a_title_are_shown_as_they_are(tmp_path, style):
    manifest = json.loads(zipfile.ZipFile(style).read("manifest.json"))
    manifest["title"] = "[/bold] wave"
    with zipfile.ZipFile(style) as whole, zipfile.ZipFile(tmp_path / "b.stylecam", "w") as made:
        for name in whole.namelist():
            text = json.dumps(manifest).encode()
            made.writestr(name, text if name == "manifest.json" else whole.read(name))
    result = stylecam("bundle", "inspect", "./b.stylecam", cwd=tmp_path)
    assert "[/bold] wave" in result.stdout, result.stderr
    clip = tmp_path / "[/x].mp4"
    clip.parent.mkdir()
    clip.write_bytes(SAMPLE.read_bytes())
    words = ("--style", "./b.stylecam", "--source", "file:[/x].mp4", "--sink", "null:")
    result = stylecam("run", *words, "--frames", 2, cwd=tmp_path)
    assert "[/bold] wave on file:[/x].mp4" in result.stdout, result.stderr
