"""Copy to the operator's own clipboard, also over SSH: by tmux where it runs, else by OSC 52, else to a file."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bwp_tui.settings import environment_of_children

MAX_OSC_52_BYTES: Final = 74_994
"""Characters of base64 that terminals take in one OSC 52; longer ones are dropped or cut without a word."""

_TMUX_TIMEOUT_S: Final = 2.0
_IN_TMUX_BUFFER: Final = "copied to tmux's buffer: prefix ] pastes it"
_TMUX_MAY_REFUSE: Final = "the clipboard has it only where tmux may set that"
"""Tmux does not report whether it passed the text on."""

TERMS_WITHOUT_OSC: Final = ("linux", "dumb", "")
"""Values of TERM of terminals that take neither clipboard nor notifications."""


async def copy(text: str, to_terminal: Callable[[str], None], folder: Path) -> str:
    """Copy `text`; return how it was sent, so that the operator knows where to look if it did not arrive.

    Args:
        to_terminal: sends OSC 52.
        folder: for a file, where nothing else works.
    """
    if os.environ.get("TMUX"):
        result = await asyncio.to_thread(_to_tmux, text)
        if result is not None:
            return result
    if len(base64.b64encode(text.encode())) > MAX_OSC_52_BYTES:
        return await asyncio.to_thread(_to_file, text, folder, "too long for the terminal's clipboard")
    if os.environ.get("STY") or os.environ.get("TERM", "") in TERMS_WITHOUT_OSC:
        return await asyncio.to_thread(_to_file, text, folder, "this terminal has no clipboard")
    to_terminal(text)
    return "sent to the terminal's clipboard (OSC 52)"


def _to_tmux(text: str) -> str | None:
    """Load `text` into tmux's buffer; return where it is now, or None where tmux failed."""
    tmux = shutil.which("tmux")
    if tmux is None:
        return None
    # Versions before 3.2 do not know -w, which passes the buffer on to the terminal's clipboard.
    for option, sentence in ((["-w"], f"{_IN_TMUX_BUFFER}; {_TMUX_MAY_REFUSE}"), ([], _IN_TMUX_BUFFER)):
        try:
            subprocess.run(  # noqa: S603  # the program is tmux, the text is its standard input
                [tmux, "load-buffer", *option, "-"],
                input=text.encode(),
                timeout=_TMUX_TIMEOUT_S,
                check=True,
                env=environment_of_children(),
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return sentence
    return None


def _to_file(text: str, folder: Path, why: str) -> str:
    """Write `text` to a new file that only its owner can read."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="copied-", suffix=".txt", dir=folder, delete=False
        ) as file:
            file.write(f"{text}\n")
    except OSError as error:
        return f"not copied: {why}, and {folder} cannot be written: {error.strerror}"
    return f"{why}: written to {file.name}"
