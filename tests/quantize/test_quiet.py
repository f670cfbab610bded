from __future__ import annotations

import os
import warnings

import pytest

from quantize.quiet import quiet


def test_quiet_drops_what_is_printed_written_and_warned(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet():
        print("narration")  # noqa: T201
        os.write(2, b"narration from C++\n")
        warnings.warn("narration", stacklevel=1)
    os.write(2, b"afterwards\n")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == "afterwards\n"


def test_quiet_lets_exceptions_through_and_speaks_again(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="what went wrong"), quiet():
        raise ValueError("what went wrong")
    os.write(2, b"still heard\n")
    assert capfd.readouterr().err == "still heard\n"
