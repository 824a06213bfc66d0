"""A notice at the operator's desk: the bell, and what a terminal makes of OSC 9 or OSC 777."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bwp_tui.domain.text import clean_line

_LONGEST: Final = 120
_BELL: Final = "\a"
_END: Final = "\x1b\\"


def notification_sequence(words: str, how: str, environ: Mapping[str, str]) -> str:
    """Return what to send the terminal; nothing where notices are off.

    Args:
        how: `desktop`, `bell` or `off`, as the setting `notices` has it.
    """
    if how == "off":
        return ""
    terminal = environ.get("TERM", "")
    if how == "bell" or terminal in ("linux", "dumb", ""):
        return _BELL
    text = clean_line(words)[:_LONGEST].replace(";", ",")  # a semicolon would end the text of OSC 777
    if terminal.startswith(("rxvt", "foot")):
        notice = f"\x1b]777;notify;bwp-tui;{text}{_END}"
    else:
        notice = f"\x1b]9;bwp-tui: {text}{_END}"
    if environ.get("TMUX"):
        doubled = notice.replace("\x1b", "\x1b\x1b")
        notice = f"\x1bPtmux;{doubled}{_END}"
    return notice + _BELL
