"""The styles that are shipped: one `.stylecam` file each, found by its name."""

from __future__ import annotations

import difflib
from pathlib import Path

from edge.bundle import SUFFIX, Bundle, open_bundle
from edge.errors import BundleError

FOLDER = Path(__file__).parent


def style_names() -> list[str]:
    """Return the names of the shipped styles, in order."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def open_style(name: str) -> Bundle:
    """Open a shipped style by name, or any bundle by its path.

    Raises:
        BundleError: no such style (the nearest name is given), or a bad bundle.
    """
    if name.endswith(SUFFIX) or "/" in name:
        return open_bundle(Path(name))
    if name in (names := style_names()):
        return open_bundle(FOLDER / f"{name}{SUFFIX}")
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    raise BundleError(
        f"no style is named {name!r}",
        hint=f"did you mean: {nearest[0]}" if nearest else f"there are: {', '.join(names)}",
    )
