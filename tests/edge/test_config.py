import os
import re
from pathlib import Path

import pytest

from edge.config import Config, Web, load_config
from edge.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "stylecam.toml"
    path.write_text(text)
    return path


def test_the_command_line_wins_over_the_file_and_the_file_over_the_defaults(tmp_path):
    path = write(tmp_path, "style = 'starry_night'\nstrength = 0.5\n[web]\nport = 9000\n")
    config = load_config(path, {"strength": 0.8, "web.host": "localhost", "engine": None})
    assert (config.style, config.strength, config.engine) == ("starry_night", 0.8, "auto")
    assert (config.web.port, config.web.host) == (9000, "localhost")


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("stile = 'x'", "stile", "did you mean: style"),
        ("[web]\nprot = 1", r"web\.prot", "did you mean: web.port"),
        ("zzzz = 1", "zzzz", "there are: style, source"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_one(tmp_path, text, key, hint):
    with pytest.raises(ConfigError, match=rf"stylecam\.toml: no key is named '{key}'") as caught:
        load_config(write(tmp_path, text), {})
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strength = 2", "strength = 2: .*less than or equal to 1"),
        ("engine = 'magic'", "engine = 'magic'"),
        ("sinks = []", "sinks"),
        ("web = 3", "web = 3"),
        ("style = ", "not TOML"),
    ],
)
def test_a_bad_value_says_file_key_and_what_is_allowed(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text), {})


def test_a_missing_file_and_a_directory_are_named(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path, {})


def test_every_key_is_documented():
    text = Path("docs/config.md").read_text()
    keys = [key for key in Config.model_fields if key != "web"]
    for key in [*keys, *(f"web.{name}" for name in Web.model_fields)]:
        assert re.search(rf"^\| `{re.escape(key)}` \|", text, re.MULTILINE), key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("style = " + "[" * 20_000, "not TOML"),
        ("frames = " + "9" * 5000, "not TOML"),
        ('style = "a\\u0000b"', "style = "),
        ('sinks = ["file:a\\u0000b.mp4"]', r"sinks\.0 = "),
        ("sinks = [" + "'null:'," * 1000 + "]", "at most 16"),
    ],
)
def test_a_hostile_file_is_one_short_error(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(write(tmp_path, text), {})
    assert len(str(caught.value)) < 1000


def test_a_value_of_a_megabyte_is_not_repeated(tmp_path):
    with pytest.raises(ConfigError, match="engine = ") as caught:
        load_config(write(tmp_path, f"engine = '{'x' * 1_000_000}'"), {})
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", ["web = 3", "[[web]]\nport = 80"])
def test_a_section_that_is_none_is_named_though_the_command_line_adds_to_it(tmp_path, text):
    with pytest.raises(ConfigError, match="web = "):
        load_config(write(tmp_path, text), {"web.port": 80})


def test_a_named_pipe_and_a_huge_file_are_refused_unread(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(ConfigError, match=r"pipe\.toml: is not a file"):
        load_config(tmp_path / "pipe.toml", {})
    with pytest.raises(ConfigError, match="/dev/zero: is not a file"):
        load_config(Path("/dev/zero"), {})
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(ConfigError, match="at most 1048576"):
        load_config(huge, {})


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbfstrength = 0.5")
    assert load_config(path, {}).strength == 0.5
