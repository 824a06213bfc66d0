"""Notify the operator by the bell, and by OSC 9 or OSC 777 where the terminal shows a desktop notification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bwp_tui.console.terminal.clipboard import TERMS_WITHOUT_OSC
from bwp_tui.domain.text import clean_line

_MAX_LENGTH: Final = 120
_BELL: Final = "\a"
_END: Final = "\x1b\\"


def notification_sequence(sentence: str, how: str, environ: Mapping[str, str]) -> str:
    """Return the sequence to send to the terminal; empty where notices are off.

    Args:
        how: `desktop`, `bell` or `off`, as the setting `notices` has it.
    """
    if how == "off":
        return ""
    terminal = environ.get("TERM", "")
    if how == "bell" or terminal in TERMS_WITHOUT_OSC:
        return _BELL
    text = clean_line(sentence)[:_MAX_LENGTH].replace(";", ",")  # a semicolon would end the text of OSC 777
    if terminal.startswith(("rxvt", "foot")):
        sequence = f"\x1b]777;notify;bwp-tui;{text}{_END}"
    else:
        sequence = f"\x1b]9;bwp-tui: {text}{_END}"
    if environ.get("TMUX"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        sequence = f"\x1bPtmux;{doubled}{_END}"
    return sequence + _BELL
