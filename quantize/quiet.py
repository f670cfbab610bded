"""Silence for the converters, which narrate every pass on both output streams."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator

_LOGGERS = ("nncf", "absl", "litert_torch", "torch.onnx", "root")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what the code inside prints, logs or warns of; its exceptions pass.

    Standard error is turned away at the file descriptor, as C++ writes there directly.
    """
    levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in _LOGGERS]
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        for logger, _ in levels:
            logger.setLevel(logging.ERROR)
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
        for logger, level in levels:
            logger.setLevel(level)
