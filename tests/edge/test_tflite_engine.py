"""What TensorFlow Lite says on its own, and what of it a person gets to see."""

from __future__ import annotations

import os

from edge.engines import tflite


def test_only_the_greeting_is_kept_back_whatever_else_is_written_meanwhile_comes_out(capfd):
    with tflite._without_greeting():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"ERROR: tensor 3 is invalid\n")
    assert capfd.readouterr().err == "ERROR: tensor 3 is invalid\n"
