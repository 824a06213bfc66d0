"""The beginning of an entry, made readable and harmless."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.archive.archive_file import Archive
from bwp_tui.archive.html_text import visible_text
from bwp_tui.archive.json_tree import parse_tree
from bwp_tui.archive.preview import Preview, Table, Text, Tree, preview
from tests.archive.zips import Part, forged, plain


def seen(folder: Path, name: str, content: bytes, most: int = 256 * 1024) -> Preview:
    with Archive(plain(folder / "a.zip", {name: content})) as archive:
        return preview(archive, archive.entries[0], most)


def test_json_becomes_a_tree_that_knows_what_is_inside(tmp_path: Path) -> None:
    found = seen(tmp_path, "a.json", b'{"name": "J\\u00e4ne", "orders": [{"n": 1}, []], "end": null}')
    assert isinstance(found, Tree)
    assert [(node.depth, node.key, node.value, node.inside, node.end) for node in found.nodes] == [
        (0, None, "{", 3, 7),
        (1, "name", '"Jäne"', 0, 2),
        (1, "orders", "[", 2, 6),
        (2, None, "{", 1, 5),
        (3, "n", "1", 0, 5),
        (2, None, "[", 0, 6),
        (1, "end", "null", 0, 7),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.data())
def test_all_json_is_a_tree_and_so_is_its_beginning(value: object, data: st.DataObject) -> None:
    text = json.dumps(value, indent=data.draw(st.sampled_from([None, 2])))
    nodes = parse_tree(text, is_cut=False)
    assert nodes is not None
    assert sum(node.is_container for node in nodes) == sum(1 for _ in _containers(value))
    cut = parse_tree(text[: data.draw(st.integers(1, len(text)))], is_cut=True)
    # A text that ends in the middle of its first value has no line of the tree yet.
    assert cut is None or len(cut) <= len(nodes)


def _containers(value: object) -> list[object]:
    if isinstance(value, dict):
        return [value, *(found for inner in value.values() for found in _containers(inner))]
    if isinstance(value, list):
        return [value, *(found for inner in value for found in _containers(inner))]
    return []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1,]",
        '{"a"}',
        '{"a":1,}',
        "[1 2]",
        "]",
        "{]",
        "[}",
        "{1: 2}",
        "[tru]",
        "",
        "[1]]",
        '{"a": 1 "b": 2}',
        '["a',
    ],
)
def test_what_is_no_json_is_no_tree(text: str) -> None:
    assert parse_tree(text, is_cut=False) is None


def test_json_of_any_depth_is_read(tmp_path: Path) -> None:
    found = seen(tmp_path, "a.json", b"[" * 100_000 + b"]" * 100_000)
    assert isinstance(found, Tree)
    assert found.nodes[-1].depth == 99_999


def test_a_table_has_clean_cells(tmp_path: Path) -> None:
    found = seen(tmp_path, "a.csv", b'name;note\r\n"J; D";\x1b[2Jhi\n\n=1+1;"two\nlines"\n')
    assert isinstance(found, Table)
    assert found.rows == (("name", "note"), ("J; D", "\\x1b[2Jhi"), ("=1+1", "two lines"))


def test_a_page_becomes_its_words() -> None:
    page = """<!doctype html><html><head><title>no</title><style>p{}</style></head>
    <body><script>alert('<p>')</script>
    <h1>Your&nbsp;data</h1><!-- <p>hidden --><p>Name: <b>Jane</b> &amp; co<br>1 < 2
    <table><tr><td>a<td>b</table><p unclosed"""
    assert visible_text(page).splitlines() == ["Your\u00a0data", "Name: Jane & co", "1 < 2", "a  b"]


@pytest.mark.parametrize("piece", ["<", "<!--", "<a", "<script>", "<![", "</", "&#", "<p>", "<style", "<!"])
def test_no_page_takes_long(piece: str) -> None:
    page = piece * (256 * 1024 // len(piece))
    began = time.process_time()
    visible_text(page)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("name", ["a.txt", "a.json", "a.csv", "a.html", "a"])
def test_no_text_steers_the_terminal(tmp_path: Path, name: str) -> None:
    nasty = "\x1b]52;c;eA==\x07 \x9b2J \u202e <p>\x1b[2J&#27;[2J &#x202e;</p> " + json.dumps("\x1b\u202e")
    found = seen(tmp_path, name, nasty.encode())
    text = repr(found) if not isinstance(found, Text) else "".join(found.lines)
    assert not set("\x1b\x07\x9b\u202e") & set(text)
    assert "2J" in text


def test_a_beginning_says_that_it_is_one_and_ends_between_letters(tmp_path: Path) -> None:
    found = seen(tmp_path, "a.txt", "ä".encode() * 1_000, most=101)
    assert found == Text("text", ("ä" * 50,), is_cut=True)
    tree_of_beginning = seen(tmp_path, "a.json", b'{"a": [1, 2, "three and more"]}', most=20)
    assert isinstance(tree_of_beginning, Tree)
    assert tree_of_beginning.is_cut
    assert [node.value for node in tree_of_beginning.nodes] == ["{", "[", "1", "2"]


def test_bytes_are_shown_as_bytes(tmp_path: Path) -> None:
    found = seen(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n\0\0rest of it")
    assert isinstance(found, Text)
    assert found.kind == "bytes"
    assert found.lines[0] == "00000000  89 50 4e 47 0d 0a 1a 0a 00 00 72 65 73 74 20 6f  .PNG......rest o"


def test_old_encodings_are_read(tmp_path: Path) -> None:
    assert seen(tmp_path, "a.txt", "Zoë café".encode("cp1252")) == Text("text", ("Zoë café",), is_cut=False)
    assert seen(tmp_path, "a.txt", "Zoë".encode("utf-16")) == Text("text", ("Zoë",), is_cut=False)


def test_an_archive_inside_is_not_opened(tmp_path: Path) -> None:
    inner = plain(tmp_path / "inner.zip", {"a.txt": b"secret"}).read_bytes()
    found = seen(tmp_path, "inner.zip", inner)
    assert isinstance(found, Text)
    assert found.kind == "bytes"


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", Part(flags=1), Part(name=b"b", method=9))
    with Archive(path) as archive:
        found = [preview(archive, entry) for entry in archive.entries]
    assert [text.lines for text in found if isinstance(text, Text)] == [
        ("This entry is encrypted.",),
        ("This entry is packed in a way this program does not read.",),
    ]


@given(st.binary(max_size=300), st.sampled_from(["a.json", "a.csv", "a.html", "a.txt", "a"]))
def test_no_content_is_too_odd_to_show(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    folder = tmp_path_factory.mktemp("odd")
    found = seen(folder, name, content, most=200)
    assert "\x1b" not in repr(found)


def test_the_row_that_the_beginning_cuts_is_left_out_and_a_lone_one_marked(tmp_path: Path) -> None:
    path = plain(tmp_path / "a.zip", {"a.csv": b"id,name\n1,jane\n2,robert\n", "b.csv": b"id,a long title\n"})
    with Archive(path) as archive:
        rows, lone = archive.entries
        assert preview(archive, rows, 19) == Table((("id", "name"), ("1", "jane")), is_cut=True)
        assert preview(archive, lone, 6) == Table((("id", "a l…"),), is_cut=True)
