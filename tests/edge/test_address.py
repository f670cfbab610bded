import pytest

from edge.address import Address, masked, parse_rate, parse_size
from edge.errors import ConfigError


def test_options_are_read_from_behind_the_question_mark() -> None:
    address = Address("v4l2:/dev/video0?size=1280x720&fps=30", ["size", "fps"])
    assert address.place == "/dev/video0"
    assert address.size("size") == (720, 1280)
    assert address.number("fps", 0, 1, 120) == 30


def test_options_that_are_not_given_have_their_default() -> None:
    address = Address("file:a.mp4", ["loop", "size", "crf", "kind"])
    assert address.flag("loop") is False
    assert address.size("size") is None
    assert address.number("crf", 20, 0, 51) == 20
    assert address.word("kind", "auto", ("auto", "raw")) == "auto"


@pytest.mark.parametrize("name", ["why?.mp4", "a:b.mp4", "50%20off.mp4", "a?b=c?.mp4"])
def test_a_file_may_have_any_name(name: str) -> None:
    assert Address(f"file:{name}").place == name


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("lop=1", "no option 'lop'", "did you mean loop? options: loop, fps"),
        ("zzz=1", "no option 'zzz'", "options: loop, fps"),
        ("loop", "option 'loop' has no value", "loop=1"),
        ("loop=1&loop=0", "option 'loop' is given twice", "keep one"),
    ],
)
def test_a_wrong_option_is_named_with_the_nearest_right_one(
    query: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Address(f"file:a.mp4?{query}", ["loop", "fps"])
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_an_address_without_options_says_so() -> None:
    with pytest.raises(ConfigError, match="it takes no options"):
        Address("null:?a=1")


def test_wrong_values_are_refused_with_what_is_allowed() -> None:
    address = Address("x:y?a=maybe&b=99&c=1.5&d=720&e=raw", list("abcde"))
    with pytest.raises(ConfigError, match="a=maybe is not 0 or 1"):
        address.flag("a")
    with pytest.raises(ConfigError, match="b=99 is not a number from 0 to 51"):
        address.number("b", 20, 0, 51)
    with pytest.raises(ConfigError, match=r"c=1\.5 is not a whole number from 0 to 9"):
        address.count("c", 0, 0, 9)
    with pytest.raises(ConfigError, match="d=720 is not a size such as 1280x720"):
        address.size("d")
    with pytest.raises(ConfigError, match="e=raw is not one of auto, mjpeg"):
        address.word("e", "auto", ("auto", "mjpeg"))


def test_a_size_is_written_width_first_and_read_height_first() -> None:
    assert parse_size("1280x720") == (720, 1280)
    for wrong in ("0x5", "5x0", "9000x10", "10x", "x10", "-1x5", "1280X720"):
        assert parse_size(wrong) is None


def test_a_rate_may_be_a_fraction() -> None:
    assert parse_rate("30000/1001") == pytest.approx(29.97003)
    for wrong in ("", "a", "1/0", "nan", "inf", "1/2/3"):
        assert parse_rate(wrong) is None


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("rtsp://me:pa@ss@cam:554/live", "rtsp://***@cam:554/live"),
        ("http://cam/video?user=me&pwd=pass", "http://cam/video?***"),
        ("http://cam", "http://cam"),
        ("file:a.mp4?loop=1", "file:a.mp4?loop=1"),
    ],
)
def test_a_masked_address_shows_no_password(uri: str, shown: str) -> None:
    assert masked(uri) == shown
