"""The cells that changed, sent alone, leave a terminal with the very screen that whole frames leave it with."""

from __future__ import annotations

import re

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bwp_tui.console.terminal.frame_parser import FrameParser, NotAFrame
from bwp_tui.console.terminal.screen_buffer import ScreenBuffer
from bwp_tui.console.terminal.sgr import DEFAULT_STYLE, parse_style, style_change
from tests.pty_terminal import cells

COLUMNS, LINES = 60, 5

LOOKS = (
    "",
    "1",
    "2;39;49",
    "1;4;38;2;1;2;3;48;2;4;5;6",
    "38;2;1;2;3;48;2;4;5;6",
    "7;31;40",
    "38;5;200;100",
    "3;9",
)
NARROW = (*"ab  ─é…", "e\u0301")
WIDE = (*NARROW, *"漢字🙂", "漢\u0301")


def wide(text: str) -> int:
    return sum(2 if letter in "漢字🙂" else 0 if letter == "\u0301" else 1 for letter in text)


@st.composite
def segments(draw: st.DrawFn, letters: tuple[str, ...], room: int) -> str:
    """Text in looks, as Textual writes it: each segment ends in a plain look."""
    text = ""
    for segment in draw(st.lists(st.lists(st.sampled_from(letters), min_size=1, max_size=12).map("".join), max_size=4)):
        if wide(segment) > room:
            break
        room -= wide(segment)
        look = draw(st.sampled_from(LOOKS))
        text += f"\x1b[{look}m{segment}\x1b[0m" if look else segment
    return text


@st.composite
def parts_of_lines(draw: st.DrawFn) -> str:
    y, x = draw(st.integers(1, LINES)), draw(st.integers(1, COLUMNS))
    return f"\x1b[{y};{x}H{draw(segments(NARROW, COLUMNS - x + 1))}"


@st.composite
def lines(draw: st.DrawFn) -> str:
    text = draw(segments(WIDE, COLUMNS))
    return f"\x1b[{draw(st.integers(1, LINES))};1H{text}{' ' * (COLUMNS - wide(re.sub(SGR, '', text)))}"


SGR = r"\x1b\[[0-9;]*m"


def terminal() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.Stream(screen)
    stream.feed("\x1b[?7l")
    return screen, stream


def whole(text: str) -> str:
    """A frame that paints every cell."""
    return "".join(f"\x1b[{y};1H{text * COLUMNS}\n" for y in range(1, LINES + 1)).removesuffix("\n")


@settings(max_examples=70, deadline=None)
@given(st.lists(st.lists(parts_of_lines(), min_size=1, max_size=6).map("".join), min_size=1, max_size=6))
def test_a_terminal_that_gets_changes_shows_what_one_that_gets_whole_frames_shows(frames: list[str]) -> None:
    check_same([whole("x"), *frames])


@settings(max_examples=70, deadline=None)
@given(st.lists(st.lists(lines(), min_size=1, max_size=6).map("".join), min_size=1, max_size=6))
def test_wide_characters_come_and_go_without_a_trace(frames: list[str]) -> None:
    check_same(frames)


@st.composite
def moving_texts(draw: st.DrawFn) -> list[str]:
    """Frames of a larger screen, in each of which some lines are a few lines or cells away from where they were."""
    rows = draw(st.lists(st.text("abcdefgh  ", min_size=COLUMNS, max_size=COLUMNS), min_size=LINES, max_size=LINES))
    frames = [rows]
    for _ in range(draw(st.integers(1, 5))):
        rows = list(rows)
        top, bottom = sorted((draw(st.integers(0, LINES)), draw(st.integers(0, LINES))))
        lines, x, cells = draw(st.integers(-3, 3)), draw(st.integers(0, COLUMNS)), draw(st.integers(-9, 9))
        rows[top:bottom] = rows[top + lines :][: bottom - top] if lines > 0 else [*rows[top:bottom], *rows[:lines]]
        rows = (rows * LINES)[:LINES]
        y = draw(st.integers(0, LINES - 1))
        end = rows[y][x:]
        rows[y] = (rows[y][:x] + ("i" * cells + end if cells > 0 else end[-cells:]) + "jklm" * COLUMNS)[:COLUMNS]
        frames.append(rows)
    style = draw(st.sampled_from(LOOKS))
    return [
        "".join(f"\x1b[{y};1H\x1b[{style}m{row[:9]}\x1b[0m{row[9:]}" for y, row in enumerate(rows, start=1))
        for rows in frames
    ]


@settings(max_examples=70, deadline=None)
@given(moving_texts())
def test_text_that_moves_is_shown_where_whole_frames_show_it(frames: list[str]) -> None:
    check_same(frames)


def check_same(frames: list[str]) -> None:
    (plain, plain_stream), (thin, thin_stream) = terminal(), terminal()
    buffer = ScreenBuffer(COLUMNS, LINES)
    for frame in frames:
        buffer.apply_frame(frame)
        plain_stream.feed(frame.replace("\n", "\r\n"))
        thin_stream.feed(buffer.changes())
        assert cells(thin) == cells(plain)
        assert not thin.cursor.attrs.bold
    assert buffer.changes() == ""


def painted() -> ScreenBuffer:
    buffer = ScreenBuffer(COLUMNS, LINES)
    buffer.apply_frame(whole("x"))
    buffer.changes()
    return buffer


def test_a_frame_that_changes_nothing_costs_nothing() -> None:
    buffer = painted()
    buffer.apply_frame(whole("x"))
    assert buffer.changes() == ""


def test_one_changed_cell_costs_its_address_its_look_and_itself() -> None:
    buffer = painted()
    buffer.apply_frame("\x1b[2;1Hxxx\x1b[1;31my\x1b[0mxxx")
    assert buffer.changes() == "\x1b[2;4H\x1b[1;31my\x1b[0m"


def test_the_cursor_is_left_where_the_frame_leaves_it() -> None:
    buffer = painted()
    buffer.apply_frame("\x1b[2;1Hxyx\x1b[3;3H")
    assert buffer.changes() == "\x1b[2;2Hy\x1b[3;3H"
    buffer.apply_frame("\x1b[2;1Hxyx\x1b[3;5H")
    assert buffer.changes() == "\x1b[3;5H"


def test_a_few_unchanged_cells_between_two_changed_ones_are_written_rather_than_passed_over() -> None:
    buffer = painted()
    buffer.apply_frame("\x1b[1;1HyxxxyxxxxxxxY")
    assert buffer.changes() == "\x1b[1;1Hyxxxy\x1b[7CY"


def test_a_line_with_a_character_of_doubtful_width_is_sent_whole() -> None:
    buffer = painted()
    buffer.apply_frame("\x1b[1;5H漢")
    assert buffer.changes() == "\x1b[1;1Hxxxx漢" + "x" * (COLUMNS - 6)
    buffer.apply_frame("\x1b[1;1Hy")
    assert buffer.changes() == "\x1b[1;1Hyxxx漢" + "x" * (COLUMNS - 6)


def lines_of(*numbers: int) -> str:
    return "".join(
        f"\x1b[{y};1H{f'{number}{chr(96 + number)}' * COLUMNS}"[: 6 + COLUMNS]
        for y, number in enumerate(numbers, start=1)
    )


def test_lines_that_have_moved_are_deleted_and_inserted_rather_than_written_again() -> None:
    buffer = painted()
    buffer.apply_frame(lines_of(1, 2, 3, 4, 5))
    buffer.changes()
    buffer.apply_frame(lines_of(2, 3, 4, 5, 6))
    assert buffer.changes() == "\x1b[1;1H\x1b[1M\x1b[5;1H\x1b[1L\x1b[5;1H" + "6f" * (COLUMNS // 2)
    buffer.apply_frame(lines_of(1, 2, 3, 4, 6))
    assert buffer.changes() == "\x1b[4;1H\x1b[1M\x1b[1;1H\x1b[1L\x1b[1;1H" + "1a" * (COLUMNS // 2)


def test_the_end_of_a_line_that_has_moved_is_pushed_rather_than_written_again() -> None:
    buffer, text = painted(), "".join(f" {number}" for number in range(100, 120))
    buffer.apply_frame(f"\x1b[1;1Hx{text[: COLUMNS - 1]}")
    buffer.changes()
    buffer.apply_frame(f"\x1b[1;1Hx yes no{text[: COLUMNS - 8]}")
    assert buffer.changes() == "\x1b[1;3H\x1b[7@yes no "
    buffer.apply_frame(f"\x1b[1;1Hx{text[: COLUMNS - 1]}")
    assert buffer.changes() == f"\x1b[1;3H\x1b[7P\x1b[{COLUMNS - 6}G{text[COLUMNS - 8 : COLUMNS - 1]}"


def test_half_a_wide_character_that_is_covered_leaves_a_blank() -> None:
    buffer = painted()
    buffer.apply_frame("\x1b[1;5H漢")
    buffer.changes()
    buffer.apply_frame("\x1b[1;6Hy")
    assert buffer.changes() == "\x1b[1;1Hxxxx y" + "x" * (COLUMNS - 6)


def test_a_terminal_of_the_same_size_that_may_show_anything_is_sent_all() -> None:
    buffer = painted()
    buffer.resize(COLUMNS, LINES)
    sent = buffer.changes()
    assert sent.count("x") == COLUMNS * LINES
    assert buffer.changes() == ""


def test_after_a_change_of_size_nothing_of_the_old_screen_is_sent() -> None:
    buffer = painted()
    buffer.resize(COLUMNS - 2, LINES)
    assert buffer.changes() == ""
    buffer.apply_frame("\x1b[1;1Hx")
    assert buffer.changes() == "\x1b[1;1Hx"


def test_a_frame_for_a_larger_screen_is_refused_whole() -> None:
    buffer = painted()
    with pytest.raises(NotAFrame):
        buffer.apply_frame(f"\x1b[1;1Hy\n\x1b[1;{COLUMNS}Hyy")
    assert buffer.changes() == ""


@pytest.mark.parametrize(
    "data",
    [
        "text",
        "\x1b[2J",
        "\x1b[1;1Ha\tb",
        "\x1b[1;1Ha\nb",
        "\x1b[1;1H\x1b[1ma",
        "\x1b[1;1H\x1b[200ma\x1b[0m",
        "\x1b[1;1H\x1b[38;2;1ma\x1b[0m",
        "\x1b[1;1H\x1b]8;;http://x\x1b\\a\x1b]8;;\x1b\\",
        "\x1b[1;1H\u0301a",
        "\x1b[1;1Ha\x1b[K",
    ],
)
def test_what_is_more_than_addresses_looks_and_text_is_not_understood(data: str) -> None:
    with pytest.raises(NotAFrame):
        FrameParser().parse(data)


def test_a_look_is_left_by_the_shortest_way() -> None:
    bold_red, red, blue = parse_style("1;31"), parse_style("31"), parse_style("0;34")
    assert bold_red
    assert red
    assert blue
    assert style_change(red, bold_red) == "\x1b[1m"
    assert style_change(red, blue) == "\x1b[34m"
    assert style_change(bold_red, red) == "\x1b[22m"
    assert style_change(bold_red, blue) == "\x1b[0;34m"
    assert style_change(bold_red, DEFAULT_STYLE) == "\x1b[0m"
    assert parse_style("1;39;49") == parse_style("1")
    assert style_change(red, red) == ""
