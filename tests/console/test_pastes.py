"""A paste is one text, whatever stands in it and however it arrives."""

from __future__ import annotations

import pytest
from textual import events

from bwp_tui.console.wire.pastes import PasteParser
from bwp_tui.domain.text import clean

PASTED = "jane@example.com\x1b[B\x1bq\x1b[200~ x\x1b[20"


def told(*chunks: str) -> list[object]:
    """What the chunks, read one after the other, are taken for."""
    parser = PasteParser()
    return [
        message.text if isinstance(message, events.Paste) else message.key
        for chunk in chunks
        for message in parser.feed(chunk)
        if isinstance(message, events.Paste | events.Key)
    ]


@pytest.mark.parametrize("size", range(1, 40))
def test_an_escape_in_a_paste_is_no_key(size: int) -> None:
    stream = f"a\x1b[200~{PASTED}\x1b[201~b\x1b[Bc"
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert told(*chunks, "d") == ["a", PASTED.replace("\x1b", clean("\x1b")), "b", "down", "c", "d"]
