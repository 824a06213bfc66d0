"""The themes: dark and light in true colour, and the terminal's own sixteen colours; and the style sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from textual.theme import BUILTIN_THEMES, Theme

import bwp_tui
from bwp_tui.settings.profile import THEMES as THEME_NAMES

DARK: Final = Theme(
    name="bwp-dark",
    dark=True,
    background="#14161b",
    surface="#1a1d24",
    panel="#22262f",
    foreground="#d5d9e2",
    primary="#6cb0f5",
    secondary="#b59cf0",
    accent="#f0b35e",
    success="#7fc79a",
    warning="#e6b95f",
    error="#f27c83",
)
LIGHT: Final = Theme(
    name="bwp-light",
    dark=False,
    background="#fbfaf6",
    surface="#f3f1ea",
    panel="#e9e5da",
    foreground="#2a2e36",
    primary="#1d63c7",
    secondary="#7446b8",
    accent="#a3560a",
    success="#2b7449",
    warning="#8f5f00",
    error="#b8323a",
)

ANSI_DARK: Final = replace(BUILTIN_THEMES["ansi-dark"], primary="ansi_cyan", error="ansi_bright_red")
"""As Textual's, but for blue and red, which are too dark to be read on black."""

ANSI_LIGHT: Final = replace(BUILTIN_THEMES["ansi-light"], success="ansi_default", warning="ansi_magenta")
"""As Textual's, but for green and bright red, which are too light to be read on white."""

OWN_THEMES: Final = (DARK, LIGHT, ANSI_DARK, ANSI_LIGHT)

THEMES: Final = dict(zip(THEME_NAMES, ("bwp-dark", "bwp-light", "ansi-dark", "ansi-light"), strict=True))
"""Names an operator may choose, and Textual's names for them."""

_PACKAGE: Final = Path(bwp_tui.__file__).parent
_STYLES: Final = next(folder for folder in (_PACKAGE / "styles", _PACKAGE.parent / "styles") if folder.is_dir())
"""The folder of the style sheets: inside an installed package, beside it in a checkout."""

FIRST_STYLES: Final = tuple(_STYLES / f"{name}.tcss" for name in ("main", "lists", "roles"))
"""The style sheets that the first frame needs."""
LATER_STYLES: Final = tuple(_STYLES / f"{name}.tcss" for name in ("screens", "request_form", "downloads"))
"""The style sheets that are read after the first frame, which comes sooner without them."""

_SIXTEEN_COLOURS: Final = frozenset({"linux", "xterm", "xterm-color", "screen", "tmux", "vt100", "vt220", "ansi"})


def choose_theme(name: str | None, environ: Mapping[str, str]) -> str:
    """Return the name in `THEMES` to start with: `name`, made colourless or sixteen-coloured where it must.

    `NO_COLOR` needs a theme of terminal colours to be really without colour, and a terminal without true colour
    shows its own sixteen better than a guess at ours.
    """
    name = name if name in THEMES else "dark"
    plain_terminal = environ.get("TERM") in _SIXTEEN_COLOURS and not environ.get("COLORTERM")
    if (plain_terminal or environ.get("NO_COLOR")) and not name.startswith("ansi-"):
        return f"ansi-{name}"
    return name
