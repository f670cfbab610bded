"""What the daemon is asked to do: from a TOML file, overridden by the command line.

Every key is explained in docs/config.md.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

AUTO = "auto"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Web(_Section):
    """Where the page is served."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    jpeg_quality: Annotated[int, Field(ge=30, le=100)] = 85


class Config(_Section):
    """The whole configuration; each default is what a newcomer wants."""

    style: str = "great_wave"
    source: str = AUTO
    sinks: Annotated[tuple[str, ...], Field(min_length=1)] = ("web",)
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
                fields.setdefault(section, {})[name] = value
            else:
                fields[key] = value
    try:
        return Config.model_validate(fields)
    except ValidationError as error:
        raise _explain(error, path) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(
            f"{path}: cannot be read: {reason}", hint="name a TOML file with --config"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path}: not TOML: {error}", hint="write lines like: style = 'great_wave'"
        ) from error


def _explain(error: ValidationError, path: Path | None) -> ConfigError:
    """Turn pydantic's first complaint into place, value and what is allowed."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    place = f"{path}: " if path else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys()
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean: {nearest[0]}" if nearest else f"there are: {', '.join(known)}"
        return ConfigError(f"{place}no key is named {key!r}", hint=hint)
    return ConfigError(
        f"{place}{key} = {first['input']!r}: {first['msg']}", hint="see docs/config.md"
    )


def _known_keys() -> list[str]:
    keys = [name for name in Config.model_fields if name != "web"]
    return [*keys, *(f"web.{name}" for name in Web.model_fields)]
