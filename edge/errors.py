"""Every error class of the project, each a sentence for a person and a command to type.

They live in one file, below everything else, so that the CLI can print any of them
the same way: message, hint, exit code; never a traceback for the user's own mistake.
"""


class StylecamError(Exception):
    """Something a person can mend: what is wrong, and what to type instead.

    Args:
        message: what is wrong, with the value and where it came from.
        hint: what to do next, if possible a command that can be typed.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BundleError(StylecamError, ValueError):
    """A `.stylecam` file is missing, damaged, or not one at all."""


class ConfigError(StylecamError, ValueError):
    """A configuration file, option or address does not say something we can do."""


class EngineError(StylecamError, RuntimeError):
    """An inference engine cannot be loaded or cannot run this bundle."""


class MissingPackageError(EngineError, ImportError):
    """An optional package is not installed; the hint is the command that installs it."""


class SourceError(StylecamError, OSError):
    """A camera, stream, clip or folder cannot be opened or stopped giving frames."""


class SinkError(StylecamError, OSError):
    """An output cannot be opened or written: a full disk, a busy port, no such folder."""


class TrainingError(StylecamError, ValueError):
    """A recipe, style, photo folder or checkpoint cannot be trained from."""


class QuantizeError(StylecamError, ValueError):
    """A checkpoint cannot be exported, or its INT8 form lost too much of the picture."""
