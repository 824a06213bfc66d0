"""Make foreign text safe to show and to name files by, mask emails, and format counts and sizes.

A terminal obeys control characters from any source. Text from the service, from shoppers, files and operators passes
through `clean` once, where it enters the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST_TEXT: Final = 4_000
"""Longest text in characters, escapes included; an ellipsis replaces the rest."""

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")

_UNSAFE: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # invisible fillers, the Arabic letter mark
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, separators, bidi
    "\ufeff\ufff0-\ufffc\ufe00-\ufe0f"  # byte-order mark, annotations, variation selectors
    "\ud800-\udfff"  # lone surrogates, which no terminal can be sent
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical formatting
    "\U000e0000-\U000e0fff"  # tags
    "]"
)

VISIBLE_ASCII: Final = re.compile(r"[!-~]+")
"""What a header may hold that this program sends."""

_UNSAFE_IN_NAME: Final = re.compile(r"[^A-Za-z0-9._@+-]+")
_LONGEST_PIECE: Final = 100

_EMOJI: Final = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_SCRIPT: Final = "[\u0620-\u06ff\u0750-\u077f\u08a0-\u109f\u1780-\u17b3\u17b6-\u17ff]"  # Arabic, Indic, Khmer
_JOINERS: Final = "\u200c\u200d\ufe0f"
_JOINED: Final = (
    f"(?<={_EMOJI})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?:(?<={_EMOJI})|(?<={_EMOJI}\ufe0f))\u200d(?={_EMOJI})"
    f"|(?<={_SCRIPT})[\u200c\u200d](?={_SCRIPT})"
)
"""Invisible characters that join their neighbours into one, and are harmless there."""


_SYMBOLS: Final = "•…→←↑↓⏎↵⇧–—−“”‘’×·●○◉▲▼✓✗⇣◷›‹‖▸▾◂█▓▒░▏▎▍▌▋▊▉▁▂▃▄▅▆▇━╸"  # noqa: RUF001  which ones is the point
_SYMBOLS_IN_ASCII: Final = "*~><^v<<^---\"\"''x-*o@!v+xv~><=>v<##:.|||||||_______#="
ASCII_FORMS: Final = {ord(sign): other for sign, other in zip(_SYMBOLS, _SYMBOLS_IN_ASCII, strict=True)}
"""The symbols that this program draws, and an ASCII character of the same width for each."""


class _AsciiTable(dict[int, str]):
    """Maps characters to ASCII of the same width, on first use."""

    def __missing__(self, code: int) -> str:
        import unicodedata  # terminals without UTF-8 are rare, and each import delays the first frame

        char, name = chr(code), unicodedata.name(chr(code), "")
        if code < 0x80:
            self[code] = char
        elif 0x2500 <= code < 0x2580:
            self[code] = "-" if name.endswith(" HORIZONTAL") else "|" if name.endswith(" VERTICAL") else "+"
        elif unicodedata.combining(char) or unicodedata.category(char) == "Cf":
            self[code] = ""
        else:
            self[code] = "??" if unicodedata.east_asian_width(char) in "WF" else "?"
        return self[code]


_ASCII_TABLE: Final = _AsciiTable(ASCII_FORMS)


def is_utf8(encoding: str) -> bool:
    """Return whether `encoding` is a name of UTF-8."""
    return encoding.replace("-", "").casefold() == "utf8"


def lacks_symbols(terminal: str) -> bool:
    """Return whether terminals of this TERM lack most of `ASCII_FORMS`, as the fonts of the Linux console do."""
    return terminal == "linux"


def to_ascii(text: str) -> str:
    """Return `text` in ASCII of the same width; question marks replace letters that ASCII lacks."""
    return text if text.isascii() else text.translate(_ASCII_TABLE)


def spell_section_signs(text: str) -> str:
    """Return `text` with the sign of a section spelt, for terminals that lack it."""
    return text.replace("§", "Sec. ")


def _is_joined(text: str, at: int) -> bool:
    """Whether an invisible character belongs to an emoji or a script; the pattern is compiled when first needed."""
    return re.compile(_JOINED).match(text, at) is not None


def _escape(match: re.Match[str]) -> str:
    if _is_joined(match.string, match.start()):
        return match.group()
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(text: str) -> str:
    """Return `text` with control and invisible characters written as escapes.

    Tabs become spaces, newlines stay, and the result has at most `LONGEST_TEXT` characters and an ellipsis. Cleaning is
    idempotent.
    """
    # Cut before, which keeps huge texts cheap, and after, since an escape is longer than its character.
    return _cut(escaped(_cut(text).replace("\t", "    ")))


def escaped(text: str) -> str:
    """Return `text` of any length with control and invisible characters written as escapes."""
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def unsafe_at(text: str) -> int | None:
    """Return the index of the first character that `clean` would escape, or None."""
    found = (match.start() for match in _UNSAFE.finditer(text))
    return next((at for at in found if not _is_joined(text, at)), None)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rstrip(_JOINERS) + "…"


def clean_line(text: str) -> str:
    """Clean `text` for one line: runs of white space become one space."""
    return " ".join(clean(text).split())


def mask_email(email: str) -> str:
    """Return `email` with its local part hidden except the first letter: `j•••@example.com`."""
    local, at, host = email.rpartition("@")
    return f"{local[:1]}•••{at}{host}" if at else f"{email[:1]}•••"


def mask_in_text(text: str, email: str) -> str:
    """Return `text` with `email` masked everywhere."""
    return text.replace(email, mask_email(email)) if email else text


def file_name(kind: str, task_id: str, email: str = "") -> str:
    """Return the file name of a task's archive, whatever the server calls it.

    `email` is a part of it where the profile, or an earlier version, names files so.
    """
    pieces = (kind.lower(), email, task_id) if email else (kind.lower(), task_id)
    cleaned = "-".join(_UNSAFE_IN_NAME.sub("_", piece)[:_LONGEST_PIECE] for piece in pieces)
    return f"{cleaned.lstrip('.')}.zip"


def possible_file_names(kind: str, email: str, task_id: str) -> tuple[str, str]:
    """Return the names that a task's archive may have: this or an earlier version, and either setting, gave it."""
    return file_name(kind, task_id), file_name(kind, task_id, email)


def part_name(name: str) -> str:
    """Return the name of the partial file of the archive `name`."""
    return f"{name}.part"


def capitalized(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """Return a count with its noun: `1 task`, `2 tasks`; `nouns` is an irregular plural."""
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or f'{noun}s'}"


def format_size(count: float) -> str:
    """Return a number of bytes with two to four digits and its unit."""
    unit = _unit(count)
    return f"{_digits(count, unit)} {_UNITS[unit]}"


def format_size_as(count: float, of: float) -> str:
    """Return a number of bytes in the unit of `of`, without the unit; a small number gets its own unit."""
    unit = _unit(of)
    if count and count < 0.05 * 1000**unit:
        own = _unit(count)
        return f"{count / 1000**own:.0f} {_UNITS[own]}"
    return _digits(count, unit)


def _unit(count: float) -> int:
    # A number that would round up to 1000 of a unit is 1.0 of the next.
    return next((unit for unit in range(len(_UNITS)) if count < 999.5 * 1000**unit), len(_UNITS) - 1)


def _digits(count: float, unit: int) -> str:
    scaled = count / 1000**unit
    return f"{scaled:.0f}" if unit == 0 or scaled >= 99.95 else f"{scaled:.1f}"


def percent(done: int, total: int | None) -> int | None:
    """Return the progress of a download: at most 99, since it is still to be verified; None if unknown."""
    return None if total is None else min(99, 100 * done // max(1, total))


def nearest(word: str, known: tuple[str, ...]) -> str | None:
    """Return the word of `known` that is closest to `word` and not its opposite with or without `un`, or None."""
    import difflib  # slow to import, and only a mistake needs it

    def is_opposite(other: str) -> bool:
        short, long = sorted((typed, other), key=len)
        if short.startswith("un") or not long.startswith("un"):
            return False
        in_common = (difflib.SequenceMatcher(None, short, each).ratio() for each in (long.removeprefix("un"), long))
        return next(in_common) > next(in_common)

    typed = word.casefold()
    found = difflib.get_close_matches(typed, known, n=2, cutoff=0.6)
    return next((other for other in found if not is_opposite(other)), None)


def as_sentence(text: str) -> str:
    """Return a text with a full stop, unless it ends a sentence."""
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the end of a sentence that asks whether the closest word of `known` was meant, else `otherwise`."""
    guess = nearest(word, tuple(known))
    return f"; did you mean {guess}?" if guess else otherwise
