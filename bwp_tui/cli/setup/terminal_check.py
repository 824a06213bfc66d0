"""Check the terminal, for `bwp-tui doctor`."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final

from bwp_tui.cli.setup.finding import Finding, Level
from bwp_tui.cli.support.streams import AS_SENTENCES
from bwp_tui.settings import Profile
from bwp_tui.settings.profile import CONSOLE_SIZE_VARIABLE, LIST_SIZE, MINIMUM_SIZE, is_over_ssh

_RECOMMENDED_SIZE: Final = (80, 24)


def check_terminal(profile: Profile | None) -> Finding:
    """Check whether the terminal can show the console."""
    kind = os.environ.get("TERM", "")
    if AS_SENTENCES.get() and kind == "dumb" and sys.stdout.isatty():  # as the prompt of plain mode sets it
        return Finding("terminal", Level.OK, "Plain mode, in which every terminal will do.")
    if kind in ("", "dumb") or not sys.stdout.isatty():
        return Finding("terminal", Level.WARN, "No interactive terminal (the commands still work).")
    try:
        columns, rows = map(int, os.environ[CONSOLE_SIZE_VARIABLE].split("x"))
    except (KeyError, ValueError):
        columns, rows = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "ascii").lower()
    recommended = "{}x{}".format(*_RECOMMENDED_SIZE)
    found = f"{kind}, {_colours(kind)}, {encoding}, {columns}x{rows}"
    if profile is not None:
        is_off_by_default = profile.mouse == "auto" and is_over_ssh(os.environ)
        found += f", mouse {'off over SSH' if is_off_by_default else 'on' if profile.uses_mouse(os.environ) else 'off'}"
    if "utf" not in encoding:
        return Finding("terminal", Level.WARN, f"{found}: set LANG to a UTF-8 locale, such as C.UTF-8.")
    if columns < MINIMUM_SIZE[0] or rows < MINIMUM_SIZE[1]:
        has_list = columns >= LIST_SIZE[0] and rows >= LIST_SIZE[1]
        needs = f"{'shows the list alone below' if has_list else 'needs'} {{}}x{{}}".format(*MINIMUM_SIZE)
        return Finding("terminal", Level.WARN, f"{found}: the console {needs}; {recommended} shows more.")
    if columns < _RECOMMENDED_SIZE[0] or rows < _RECOMMENDED_SIZE[1]:
        return Finding("terminal", Level.OK, f"{found}; {recommended} would show more.")
    return Finding("terminal", Level.OK, found)


def _colours(kind: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if os.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256color" in kind else "16 colours"
