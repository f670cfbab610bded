import io
import json
import os
import struct
import zipfile
from pathlib import Path

import pytest

from edge.bundle import open_bundle, write_bundle
from edge.errors import BundleError, SinkError
from tests.edge.bundles import FILES, manifest, write_small


def repack(path: Path, change: dict[str, bytes | None]) -> Path:
    """Write the small bundle again with entries replaced, added or (None) removed."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()} | change
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            if content is not None:
                archive.writestr(name, content)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_small(tmp_path / "small.stylecam")


def test_a_bundle_comes_back_as_it_was_written(small):
    bundle = open_bundle(small)
    assert bundle.manifest == manifest()
    assert bundle.files == FILES


def test_the_same_content_gives_the_same_bytes(small, tmp_path):
    again = write_small(tmp_path / "again.stylecam")
    assert again.read_bytes() == small.read_bytes()


@pytest.mark.parametrize(
    ("picture", "height"),
    [((480, 640), 480), ((360, 640), 360), ((1080, 1920), 360), ((64, 64), 480)],
)
def test_the_variant_that_wastes_least_is_chosen(small, picture, height):
    chosen = open_bundle(small).choose("tflite", "int8", picture)
    assert chosen is not None
    assert chosen.height == height


def test_no_variant_is_chosen_for_an_engine_that_the_bundle_lacks(small):
    assert open_bundle(small).choose("openvino") is None


def test_every_flipped_byte_of_content_is_noticed(small):
    data = bytearray(small.read_bytes())
    at = data.index(b"model model")
    data[at] ^= 1
    small.write_bytes(data)
    with pytest.raises(BundleError, match="damaged"):
        open_bundle(small)


@pytest.mark.parametrize("step", range(0, 40))
def test_no_flipped_byte_anywhere_gets_through_or_raises_anything_else(small, step):
    data = bytearray(small.read_bytes())
    for at in range(step, len(data), 40):
        flipped = data.copy()
        flipped[at] ^= 0x41
        small.write_bytes(flipped)
        try:
            bundle = open_bundle(small)
        except BundleError:
            continue
        # Flags and dates of the ZIP itself do not matter; content does.
        assert bundle.files == FILES
        assert bundle.manifest.artifacts == manifest().artifacts


@pytest.mark.parametrize(
    "name",
    ["../evil.sh", "/etc/passwd", "a/../../b.txt", "C:\\x.txt", "a//b.txt", ".hidden", "a b.txt"],
)
def test_a_name_that_leads_elsewhere_is_refused(small, name):
    repack(small, {name: b"x"})
    with pytest.raises(BundleError, match="which a bundle may not"):
        open_bundle(small)


def test_a_claimed_size_of_ten_gigabytes_is_refused_without_reading_it(small):
    data = bytearray(small.read_bytes())
    entry = data.index(b"PK\x01\x02")
    # Central directory: compressed and uncompressed size as ZIP64 would not be needed for 4 GB.
    struct.pack_into("<II", data, entry + 20, 0xFFFFFFF0, 0xFFFFFFF0)
    small.write_bytes(data)
    with pytest.raises(BundleError):
        open_bundle(small)


def test_a_zip64_claim_of_ten_gigabytes_is_refused(small):
    ten_gigabytes = 10 * 1024**3
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {"manifest.json": b"{}", "big.bin": b"x"}.items():
            archive.writestr(name, content)
        info = archive.getinfo("big.bin")
        info.file_size = info.compress_size = ten_gigabytes
    small.write_bytes(buffer.getvalue())
    with pytest.raises(BundleError, match="claims 10737418"):
        open_bundle(small)


def test_a_compressed_entry_is_refused(small):
    with zipfile.ZipFile(small, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bin", b"\0" * 1_000_000)
    with pytest.raises(BundleError, match="compressed"):
        open_bundle(small)


def test_a_file_that_the_manifest_does_not_list_is_refused(small):
    repack(small, {"extra.bin": b"x"})
    with pytest.raises(BundleError, match="not in both"):
        open_bundle(small)


def test_a_missing_file_is_refused(small):
    repack(small, {"preview.jpg": None})
    with pytest.raises(BundleError, match=r"preview\.jpg is in the file or its manifest"):
        open_bundle(small)


def test_an_unknown_manifest_key_is_named(small):
    with zipfile.ZipFile(small) as archive:
        text = archive.read("manifest.json")
    repack(small, {"manifest.json": text.replace(b'"title"', b'"tittle"')})
    with pytest.raises(BundleError, match="title"):
        open_bundle(small)


def test_a_newer_schema_says_what_to_do(small):
    repack(small, {"manifest.json": b'{"schema_version": 99}'})
    with pytest.raises(BundleError, match="schema version 99, but this stylecam reads 1") as caught:
        open_bundle(small)
    assert "install" in caught.value.hint


@pytest.mark.parametrize(
    "manifest_text", [b"[" * 100_000, b"\xff\xfe", b"null", b'{"schema_version": true}']
)
def test_a_hostile_manifest_is_one_clear_error(small, manifest_text):
    repack(small, {"manifest.json": manifest_text})
    with pytest.raises(BundleError, match=r"manifest|schema version"):
        open_bundle(small)


def test_a_text_file_a_directory_and_nothing_are_each_named(tmp_path):
    text = tmp_path / "notes.stylecam"
    text.write_text("hello")
    with pytest.raises(BundleError, match=r"notes\.stylecam: not a \.stylecam bundle"):
        open_bundle(text)
    with pytest.raises(BundleError, match="a directory, not a bundle"):
        open_bundle(tmp_path)
    with pytest.raises(BundleError, match="no such file"):
        open_bundle(tmp_path / "none.stylecam")


def test_a_bundle_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    place = tmp_path / "a_directory"
    (place / "inside").mkdir(parents=True)
    with pytest.raises(SinkError, match="cannot be written"):
        write_bundle(place, manifest(), FILES)
    assert sorted(tmp_path.rglob("*")) == [place, place / "inside"]


def test_a_manifest_that_does_not_fit_its_files_is_not_written(tmp_path):
    with pytest.raises(BundleError):
        write_bundle(tmp_path / "x.stylecam", manifest(), {**FILES, "preview.jpg": b"other"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["title", "author", "licence", "description"])
@pytest.mark.parametrize("text", ["\\u001b[2J", "two\\nlines", "\\ud800"])
def test_a_text_that_a_terminal_would_obey_is_refused(small, key, text):
    fields = json.loads(manifest().model_dump_json())
    hostile = json.dumps({**fields, key: "HERE"}).replace("HERE", text)
    repack(small, {"manifest.json": hostile.encode()})
    with pytest.raises(BundleError, match=f"manifest.json: {key}: "):
        open_bundle(small)


def test_a_variant_with_a_file_too_many_is_refused(small):
    fields = json.loads(manifest().model_dump_json())
    fields["variants"][0]["files"] *= 2
    repack(small, {"manifest.json": json.dumps(fields).encode()})
    with pytest.raises(BundleError, match="tflite runs 1 files, not 2"):
        open_bundle(small)


def test_a_named_pipe_is_refused_without_waiting_for_its_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.stylecam")
    with pytest.raises(BundleError, match=r"pipe\.stylecam: is not a file"):
        open_bundle(tmp_path / "pipe.stylecam")
    with pytest.raises(BundleError, match="/dev/zero: is not a file"):
        open_bundle(Path("/dev/zero"))
