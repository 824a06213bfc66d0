"""Keys and pastes are what was pressed and pasted, however their bytes arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual import events

from bwp_tui.console.terminal import key_bursts, key_reader
from bwp_tui.console.terminal.key_bursts import Key
from bwp_tui.console.terminal.key_reader import LATE_S, KeyReader, escape_delay
from bwp_tui.domain.text import clean

PASTED = "jane@example.com\x1b[B\x1bq\x1b[200~ x\x1b[20"


class Time:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(key_reader, "time", time)
    monkeypatch.setattr(key_bursts, "time", time)
    return time


def shown(messages: Iterator[object]) -> list[str]:
    """What the messages say: a paste's text, a key's name."""
    return [
        message.text if isinstance(message, events.Paste) else message.key
        for message in messages
        if isinstance(message, events.Paste | events.Key)
    ]


def keys_read(*chunks: str) -> list[str]:
    """What the chunks, read one after the other, are taken for."""
    reader = KeyReader()
    return [word for chunk in chunks for word in shown(iter(reader.feed(chunk)))]


def keys_read_with_gaps(time: Time, gap: float, *chunks: str) -> list[str]:
    """What the chunks are taken for when so many seconds lie between them, and much longer after the last."""
    reader, found = KeyReader(), []
    for chunk in chunks:
        found += shown(iter(reader.feed(chunk)))
        waited = 0.0
        while waited < gap:
            step = min(0.05, gap - waited)
            waited += step
            time.now += step
            found += shown(iter(reader.tick()))
    for _ in range(2):
        time.now += 2 * LATE_S
        found += shown(iter(reader.tick()))
    return found


@pytest.mark.parametrize("size", range(1, 40))
def test_an_escape_in_a_paste_is_no_key(size: int) -> None:
    stream = f"a\x1b[200~{PASTED}\x1b[201~b\x1b[Bc"
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert keys_read(*chunks, "d") == ["a", PASTED.replace("\x1b", clean("\x1b")), "b", "down", "c", "d"]


@pytest.mark.parametrize("gap", [0.001, 0.09, 0.12, 0.5, LATE_S - 0.1])
@pytest.mark.parametrize(
    ("pieces", "key"),
    [
        (("\x1b", "[A"), "up"),
        (("\x1b", "OA"), "up"),
        (("\x1b[", "A"), "up"),
        (("\x1b", "[", "A"), "up"),
        (("\x1b", "[5", "~"), "pageup"),
        (("\x1b", "[1;", "2", "B"), "shift+down"),
    ],
)
def test_a_key_that_arrives_in_pieces_is_that_key(time: Time, gap: float, pieces: tuple[str, ...], key: str) -> None:
    found = keys_read_with_gaps(time, gap, *pieces, "j")
    assert [word for word in found if word != "escape"] == [key, "j"]


def test_a_lone_escape_is_the_escape_key_and_what_follows_is_typed(time: Time) -> None:
    assert keys_read_with_gaps(time, 0.3, "\x1b", "j") == ["escape", "j"]
    assert keys_read_with_gaps(time, 0.3, "\x1b", "\x1b", "\x1b[B") == ["escape", "escape", "down"]
    assert keys_read_with_gaps(time, 2 * LATE_S, "\x1b", "[", "A") == ["escape", "left_square_bracket", "A"]
    assert keys_read_with_gaps(time, 0.3, "\x1b", "O", "!") == ["escape", "O", "exclamation_mark"]
    assert keys_read_with_gaps(time, 0.3, "\x1b", "O", "j", "k") == ["escape", "O", "j", "k"]


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.3, 2 * LATE_S])
def test_an_escape_ends_a_sequence_that_has_begun_and_leaves_no_key_dead(time: Time, gap: float) -> None:
    found = keys_read_with_gaps(time, gap, "\x1b", "O", "\x1b", "M", "x")
    assert found[-2:] == ["M", "x"]
    assert found.count("O") == 1


@pytest.mark.parametrize(
    "sequence", ["\x1b[99;99;99z", "\x1b]11;rgb:ffff/0000/dead\x1b\\", "\x1bP>|tmux 3.3\x1b\\", "\x1bO%"]
)
def test_a_sequence_that_no_key_sends_types_nothing(time: Time, sequence: str) -> None:
    assert keys_read(f"a{sequence}b") == ["a", "b"]
    assert keys_read_with_gaps(time, 0.0, "a", sequence[:-1]) in (["a", "escape"], ["a", "escape", "O"])


def test_alt_with_a_key_is_no_sequence() -> None:
    assert keys_read("\x1bx", "y") == ["alt+x", "y"]
    (key,) = KeyReader().feed("\x1bx")
    assert isinstance(key, events.Key)
    assert not key.is_printable, "a field would take it for text"


def test_a_key_typed_soon_after_the_escape_key_is_a_key_of_its_own(time: Time) -> None:
    assert keys_read_with_gaps(time, 0.1, "\x1b", "/x") == ["escape", "slash", "x"]


def test_an_escape_key_is_waited_for_longer_over_ssh() -> None:
    assert escape_delay({"SSH_TTY": "/dev/pts/1"}) > escape_delay({})
    assert escape_delay({"SSH_CONNECTION": "a b", "ESCDELAY": "100"}) == escape_delay({})


def read(time: Time, gap: float, text: str) -> list[Key]:
    """The keys of a text whose characters come one by one, so many seconds apart."""
    reader, keys = KeyReader(), []
    for character in text:
        keys += [message for message in reader.feed(character) if isinstance(message, Key)]
        time.now += gap
    return keys


@pytest.mark.parametrize("text", ["rex@example.com\r", "X-Ray Nora <nora@example.com>\r", "delete all\ry\r", "hello"])
def test_characters_that_come_faster_than_typed_are_a_paste(time: Time, text: str) -> None:
    for keys in (read(time, 0.002, text), [key for key in KeyReader().feed(text) if isinstance(key, Key)]):
        assert {key.burst.is_paste for key in keys} == {True}


@pytest.mark.parametrize(
    ("gap", "text"), [(0.0, "j" * 100), (0.0, "jjjjkkkk"), (0.0, "jjje"), (0.08, "hello"), (0.0, "4xy")]
)
def test_a_held_key_and_what_is_typed_are_no_paste(time: Time, gap: float, text: str) -> None:
    assert not any(key.burst.is_paste for key in read(time, gap, text))


def test_a_paste_goes_on_after_a_short_pause_and_ends_after_a_long_one(time: Time) -> None:
    reader = KeyReader()
    first, *_ = keys = list(reader.feed("rex@example.co"))
    assert all(isinstance(key, Key) and key.burst.is_paste for key in keys)
    assert isinstance(first, Key)
    first.burst.is_dropped = True  # as the queue does where no text field has the focus
    time.now += 0.2
    assert all(isinstance(key, Key) and key.burst.is_paste for key in reader.feed("m\r"))
    time.now += 1.0
    assert not any(isinstance(key, Key) and key.burst.is_paste for key in reader.feed("x"))


def test_keys_that_are_pressed_one_by_one_after_a_paste_do_not_prolong_it(time: Time) -> None:
    reader = KeyReader()
    first, *_ = reader.feed("rex@example.com")
    assert isinstance(first, Key)
    first.burst.is_dropped = True
    heard = []
    for key in "jkjkjk":
        time.now += 0.15
        heard += [isinstance(message, Key) and not message.burst.is_dropped for message in reader.feed(key)]
    assert heard == [False, False, False, True, True, True]


def test_reports_of_the_mouse_press_no_key() -> None:
    pressed, moved, released = "\x1b[<0;70;2M", "\x1b[<65;20;10M", "\x1b[<0;70;2m"
    for reports in ((pressed, released, moved), (pressed[:4], pressed[4:]), (pressed[:-1], pressed[-1])):
        reader = KeyReader()
        read = [message for report in reports for message in reader.feed(report)]
        assert read
        assert all(isinstance(message, events.MouseEvent) for message in read), read
