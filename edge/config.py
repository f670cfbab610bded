"""What the daemon is asked to do: from a TOML file, overridden by the command line.

Every key is explained in docs/config.md.
"""

from __future__ import annotations

import difflib
import reprlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from edge.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

AUTO = "auto"
# A thousand times what anyone writes; reading more would only take time and memory.
MAX_CONFIG_BYTES = 1024 * 1024
# No path or address holds a NUL, and the system's calls refuse it each in its own way.
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Web(_Section):
    """Where the page is served."""

    host: Word = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    jpeg_quality: Annotated[int, Field(ge=30, le=100)] = 85


class Config(_Section):
    """The whole configuration; each default is what a newcomer wants."""

    style: Word = "great_wave"
    source: Word = AUTO
    sinks: Annotated[tuple[Word, ...], Field(min_length=1, max_length=16)] = ("web",)
    engine: Literal["auto", "tflite", "openvino"] = "auto"
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    frames: Annotated[int, Field(ge=1)] | None = None
    web: Web = Web()


def load_config(path: Path | None, overrides: dict[str, Any]) -> Config:
    """Read the file, if any, and put what the command line says over it.

    Args:
        path: a TOML file, or None for the defaults.
        overrides: by dotted key (`web.port`); None values are left out.

    Raises:
        ConfigError: unreadable, not TOML, an unknown key (the nearest is named), or a value
            out of range; the message names file and key.
    """
    fields = _read_toml(path) if path else {}
    for key, value in overrides.items():
        if value is not None:
            section, dot, name = key.partition(".")
            if dot:
                table = fields.setdefault(section, {})
                if isinstance(table, dict):  # else the validation tells
                    table[name] = value
            else:
                fields[key] = value
    try:
        return Config.model_validate(fields)
    except ValidationError as error:
        raise _explain(error, path) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        _check_file(path)
        text = path.read_text(encoding="utf-8-sig")
    except ConfigError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(
            f"{path}: cannot be read: {reason}", hint="name a TOML file with --config"
        ) from error
    try:
        return tomllib.loads(text)
    # Besides its own error, tomllib lets through what very long or deep values cause.
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path}: not TOML: {error}", hint="write lines like: style = 'great_wave'"
        ) from error


def _check_file(path: Path) -> None:
    """Refuse what would block or fill the memory when it is read."""
    if not (path.is_file() or path.is_dir()) and path.exists():
        raise ConfigError(f"{path}: is not a file", hint="name a TOML file with --config")
    if (size := path.stat().st_size) > MAX_CONFIG_BYTES:
        raise ConfigError(
            f"{path}: {size} bytes, but a configuration has at most {MAX_CONFIG_BYTES}",
            hint="name a TOML file with --config",
        )


def _explain(error: ValidationError, path: Path | None) -> ConfigError:
    """Turn pydantic's first complaint into place, value and what is allowed."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    place = f"{path}: " if path else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys()
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean: {nearest[0]}" if nearest else f"there are: {', '.join(known)}"
        return ConfigError(f"{place}no key is named {reprlib.repr(key)}", hint=hint)
    return ConfigError(
        f"{place}{key} = {reprlib.repr(first['input'])}: {first['msg']}", hint="see docs/config.md"
    )


def _known_keys() -> list[str]:
    keys = [name for name in Config.model_fields if name != "web"]
    return [*keys, *(f"web.{name}" for name in Web.model_fields)]
