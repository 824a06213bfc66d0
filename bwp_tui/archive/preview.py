"""Preview the beginning of an entry as a tree, a table, text, or bytes. All text in it is cleaned."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

from bwp_tui.archive.archive_file import Archive
from bwp_tui.archive.entry import Entry, EntryFlaw
from bwp_tui.archive.html_text import visible_text
from bwp_tui.archive.json_tree import Node, parse_tree
from bwp_tui.domain.text import clean, clean_line

PREVIEW_BYTES: Final = 256 * 1024
"""Bytes of an entry that are read."""

_HEX_BYTES: Final = 4 * 1024
_HEX_ROW: Final = 16
_MAX_CELLS: Final = 40
_DELIMITERS: Final = ",;\t|"
_TABLES: Final = (".csv", ".tsv")
_PAGES: Final = (".html", ".htm", ".xhtml")
_CONTROL_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Tree:
    """JSON. `is_cut`: the entry holds more."""

    nodes: tuple[Node, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Comma-separated values, a tuple of cells a row; the first row is usually the titles."""

    rows: tuple[tuple[str, ...], ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Text:
    """Lines; `kind` is their kind: `text`, `the words of an HTML page`, `bytes`, or why there are none."""

    kind: str
    lines: tuple[str, ...]
    is_cut: bool


Preview = Tree | Table | Text


def preview(archive: Archive, entry: Entry, max_bytes: int = PREVIEW_BYTES) -> Preview:
    """Return the first `max_bytes` bytes of an entry, made readable; BadArchive says that it is damaged."""
    if entry.is_folder:
        return Text("a folder", (), is_cut=False)
    if not entry.is_readable:
        why = EntryFlaw.ENCRYPTED if EntryFlaw.ENCRYPTED in entry.flaws else EntryFlaw.METHOD
        return Text("not shown", (f"This entry {why}.",), is_cut=False)
    if not entry.size:
        return Text("an empty file", ("This file is empty.",), is_cut=False)
    data = archive.first_bytes(entry, max_bytes)
    is_cut = len(data) < entry.size
    text = None if EntryFlaw.NESTED in entry.flaws else _decoded(data, is_cut=is_cut)
    return _bytes(data, entry.size) if text is None else _preview_text(text, entry, is_cut=is_cut)


def _preview_text(text: str, entry: Entry, *, is_cut: bool) -> Preview:
    name = entry.name.casefold()
    if name.endswith(_TABLES) and (rows := _rows(text)):
        # The last row is cut; the only one ends with a mark.
        return Table((rows[:-1] or ((*rows[0][:-1], f"{rows[0][-1]}…"),)) if is_cut else rows, is_cut)
    if name.endswith(_PAGES) or text.lstrip()[:14].casefold().startswith(("<!doctype html", "<html")):
        return Text("the words of an HTML page", _lines(visible_text(text)), is_cut)
    if text.lstrip()[:1] in ("{", "[") and (nodes := parse_tree(text, is_cut=is_cut)):
        return Tree(nodes, is_cut)
    return Text("text", _lines(text), is_cut)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(clean(line) for line in text.replace("\r\n", "\n").split("\n"))


def _rows(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the cells of each row, or nothing where the text is no table."""
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return ()
    return tuple(tuple(clean_line(cell) for cell in row[:_MAX_CELLS]) for row in rows if row)


def _decoded(data: bytes, *, is_cut: bool) -> str | None:
    """Decode text; return None for bytes that are none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(data) - 3:
            return data[: error.start].decode("utf-8-sig")
    control = sum(data.count(bytes([code])) for code in range(32) if code not in b"\t\n\r\f")
    return None if control > len(data) * _CONTROL_SHARE else data.decode("cp1252", "replace")


def _bytes(data: bytes, size: int) -> Text:
    beginning = data[:_HEX_BYTES]
    lines = tuple(_hex_line(at, beginning[at : at + _HEX_ROW]) for at in range(0, len(beginning), _HEX_ROW))
    return Text("bytes", lines, is_cut=len(beginning) < size)


def _hex_line(at: int, row: bytes) -> str:
    visible = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{at:08x}  {row.hex(' '):<{3 * _HEX_ROW - 1}}  {visible}"
