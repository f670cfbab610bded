import pytest

from edge.config import load_config
from edge.daemon import SAMPLE, Daemon, resolve_source
from edge.errors import BundleError


@pytest.fixture
def daemon():
    asked = {"source": "pattern:320x150@30", "sinks": ("null:",)}
    running = Daemon(load_config(None, asked))
    yield running
    running.stop()


def test_without_a_camera_the_sample_clip_is_played(monkeypatch):
    monkeypatch.setattr("edge.daemon.find_cameras", list)
    assert resolve_source("auto") == f"file:{SAMPLE}?loop=1"
    assert SAMPLE.is_file()


def test_the_status_tells_the_styled_pictures_size_and_what_really_runs(daemon):
    status = daemon.status()
    assert (status.height, status.width) == (300, 640)
    assert status.engine["height"] == 360
    assert status.engine["precision"] == "int8"


def test_a_style_is_changed_while_running_and_an_unknown_one_leaves_the_good_one(daemon):
    daemon.start()
    daemon.set_style("starry_night")
    assert daemon.status().style == "starry_night"
    with pytest.raises(BundleError, match=r"no style is named '\.\./starry_night'"):
        daemon.set_style("../starry_night")
    assert daemon.status().style == "starry_night"
    assert [style.name for style in daemon.styles() if style.active] == ["starry_night"]


def test_strength_is_mixed_into_the_next_frames(daemon):
    daemon.set_strength(0.25)
    assert daemon.pipeline.look.strength == 0.25


def test_every_shipped_style_has_a_preview(daemon):
    for style in daemon.styles():
        assert daemon.preview(style.name).startswith(b"\xff\xd8")
