import pytest

from edge.errors import ConfigError
from edge.sinks import Video, open_sink
from edge.sinks.null import NullSink
from edge.sources import open_source

VIDEO = Video(48, 64, 25)


def test_null_counts_and_keeps_nothing() -> None:
    sink = open_sink("null:", VIDEO)
    for frame in open_source("pattern:64x48@25?live=0&frames=3").frames():
        sink.write(frame)
    sink.close()
    assert isinstance(sink, NullSink)
    assert sink.frames == 3
    assert not sink.lossless


def test_null_may_be_written_without_its_colon() -> None:
    assert isinstance(open_sink("null", VIDEO), NullSink)


def test_null_takes_neither_name_nor_options() -> None:
    with pytest.raises(ConfigError, match="null takes no name"):
        open_sink("null:file", VIDEO)
    with pytest.raises(ConfigError, match="it takes no options"):
        open_sink("null:?crf=3", VIDEO)
