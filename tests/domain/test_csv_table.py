"""Tables of requests: written so that no spreadsheet takes a cell for a formula, read back as they were."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.domain.csv_table import (
    COLUMNS,
    CsvError,
    CsvLine,
    escape_formula,
    format_row,
    format_tags,
    parse_tags,
    read_table,
    unescape_formula,
)

_CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text("='+-@ \t\r\n,;\"[]|", max_size=8)


@given(_CELLS)
def test_a_defused_cell_is_no_formula_and_arms_to_what_it_was(cell: str) -> None:
    safe = escape_formula(cell)
    assert safe[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert unescape_formula(safe) == cell


@given(st.lists(_CELLS, min_size=2, max_size=6))
def test_a_row_is_one_record_of_rfc_4180(cells: list[str]) -> None:
    text = format_row(cells)
    assert text.endswith("\r\n")
    (row,) = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert [unescape_formula(cell) for cell in row] == cells


@given(st.lists(_CELLS.map(lambda tag: " ".join(tag.split())).filter(bool), unique=True, max_size=4))
def test_tags_survive_their_cell(tags: list[str]) -> None:
    assert list(parse_tags(unescape_formula(escape_formula(format_tags(tags))))) == tags


@pytest.mark.parametrize("cell", ["vip,eu", "vip; eu", "vip|eu", '["vip","eu"]', "vip,eu,vip,"])
def test_tags_are_read_as_offices_write_them(cell: str) -> None:
    assert parse_tags(cell) == ("vip", "eu")


HEADINGS = "Type;E-Mail Address;Date received;LAW;Hold days;Reason;Comments;Labels;Ticket"
ROW = 'delete;bob@example.com;2026-11-02;ccpa;3;"art; 17";"two\r\nlines";vip;4711'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_columns_are_known_by_many_names_in_any_order_whatever_the_separator(encoding: str) -> None:
    found = read_table(f"{HEADINGS}\r\n\r\n{ROW}\r\n;;;;;;;;\r\n".encode(encoding))
    cells = ("delete", "bob@example.com", "2026-11-02", "ccpa", "3", "art; 17", "two\r\nlines", "vip")
    assert found.lines == (CsvLine(3, dict(zip(COLUMNS, cells, strict=True))),)
    assert found.ignored == ("Ticket",)


def test_the_number_of_a_line_is_where_it_begins_in_the_file() -> None:
    found = read_table(b'email,kind\n"a\n\nb",x\n\nc,y,z\n')
    assert [(line.number, line.surplus) for line in found.lines] == [(2, 0), (6, 1)]


@pytest.mark.parametrize(
    ("data", "line", "told"),
    [
        (b"", 1, "empty"),
        (b"\n\n", 1, "empty"),
        (b"email\njane@example.com\n", 1, "“kind”"),
        (b"kind,email,mail\n", 1, "email, mail"),
        (b"kind,email\nretrieval,\xff\n", 2, "UTF-8"),
        (b'kind,email\nretrieval,a@b.de\nretrieval,"a"b\n', 3, "cannot be read"),
    ],
)
def test_what_is_no_table_of_requests_is_told_with_its_line(data: bytes, line: int, told: str) -> None:
    with pytest.raises(CsvError, match=told) as caught:
        read_table(data)
    assert caught.value.line == line


@given(st.binary(max_size=60).map(lambda data: b"kind,email\n" + data))
def test_any_bytes_are_a_table_or_a_mistake_in_it(data: bytes) -> None:
    assert _line_of_mistake(data) >= 1


def _line_of_mistake(data: bytes) -> int:
    try:
        return len(read_table(data).lines) + 1
    except CsvError as error:
        return error.line
