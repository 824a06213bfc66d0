"""What is pasted stays text: Textual types the rest of a paste as keys where an ESC stands in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual._xterm_parser import XTermParser
from textual.message import Message

from bwp_tui.domain.text import clean

_BEGIN: Final = "\x1b[200~"
_END: Final = "\x1b[201~"
"""Around a paste (bracketed paste)."""

_ESC: Final = "\x1b"


class PasteParser(XTermParser):
    """Textual's reader of keys, to which a paste holds no ESC but that of its end."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._is_pasting = False
        self._before = ""
        self._held = ""

    def feed(self, data: str) -> Iterable[Message]:
        if not data:  # the end
            return super().feed(data)
        cleaned = "".join(self._pieces(data))
        return super().feed(cleaned) if cleaned else ()

    def _pieces(self, data: str) -> Iterable[str]:
        text, self._held = f"{self._held}{data}", ""
        while text:
            piece, text = self._pasted(text) if self._is_pasting else self._typed(text)
            yield piece

    def _typed(self, text: str) -> tuple[str, str]:
        """Return what comes before a paste with its beginning, and what is left; the beginning may come in pieces."""
        whole = f"{self._before}{text}"
        at = whole.find(_BEGIN)
        if at < 0:
            self._before = whole[1 - len(_BEGIN) :]
            return text, ""
        end = at + len(_BEGIN) - len(self._before)
        self._before, self._is_pasting = "", True
        return text[:end], text[end:]

    def _pasted(self, text: str) -> tuple[str, str]:
        """Return what is pasted, with its end where that has come, and what is left."""
        body, end, rest = text.partition(_END)
        if end:
            self._is_pasting = False
        else:
            begun = next((size for size in range(len(_END) - 1, 0, -1) if body.endswith(_END[:size])), 0)
            body, self._held = body[: len(body) - begun], body[len(body) - begun :]
        return f"{body.replace(_ESC, clean(_ESC))}{end}", rest
