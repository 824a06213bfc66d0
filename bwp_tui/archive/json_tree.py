"""Parse JSON of any depth, or the beginning of it, into lines of a tree that can be folded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from bwp_tui.domain.text import clean_line

_TOKEN: Final = re.compile(
    r"[ \t\r\n]*"
    r'(?:(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<plain>-?\d[\d.eE+-]*|true|false|null)|(?P<sign>[{}\[\],:]))',
    re.DOTALL,
)


@dataclass(slots=True)
class Node:
    """One line of the tree: a value and, in an object, its key; both cleaned.

    Attributes:
        value: as JSON writes it; of an object or array its opening bracket.
        inside: number of values directly in an object or array.
        end: index of the first node after it and its content.
    """

    depth: int
    key: str | None
    value: str
    inside: int = 0
    end: int = 0

    @property
    def is_container(self) -> bool:
        """Whether it is an object or an array."""
        return self.value in ("{", "[")


def parse_tree(text: str, *, is_cut: bool) -> tuple[Node, ...] | None:
    """Return the tree of a JSON text, or None where it is no JSON. With `is_cut` it may end anywhere."""
    builder = _TreeBuilder()
    at = 0
    while match := _TOKEN.match(text, at):
        if not builder.take(match):
            return None
        at = match.end()
    rest = text[at:].lstrip(" \t\r\n")
    may_be_cut_token = rest.startswith(('"', "-")) or any(word.startswith(rest) for word in ("true", "false", "null"))
    if rest and not (is_cut and may_be_cut_token):
        return None
    if not builder.nodes or (builder.open and not is_cut):
        return None
    for node in builder.open:
        node.end = len(builder.nodes)
    return tuple(builder.nodes)


class _TreeBuilder:
    """The tree so far, and what may come next: `value`, `key`, `:`, `,`, `end`; `?` also allows the closing bracket."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.open: list[Node] = []
        self._expected = "value"
        self._key: str | None = None

    def take(self, match: re.Match[str]) -> bool:
        """Take the next token; return False where it is not allowed."""
        sign = match["sign"]
        if sign in ("{", "[") and self._expected in ("value", "value?"):
            self._add(sign)
            self.open.append(self.nodes[-1])
            self._expected = "key?" if sign == "{" else "value?"
        elif sign in ("}", "]"):
            return self._close(sign)
        elif sign == "," and self._expected == ",":
            self._expected = "key" if self.open[-1].value == "{" else "value"
        elif sign == ":" and self._expected == ":":
            self._expected = "value"
        elif match["text"] and self._expected in ("key", "key?"):
            self._key, self._expected = _cleaned_string(match["text"])[1:-1], ":"
        elif not sign and self._expected in ("value", "value?"):
            self._add(_cleaned_string(match["text"]) if match["text"] else match["plain"])
            self._expect_after_value()
        else:
            return False
        return True

    def _add(self, value: str) -> None:
        if self.open:
            self.open[-1].inside += 1
        self.nodes.append(Node(len(self.open), self._key, value))
        self.nodes[-1].end = len(self.nodes)
        self._key = None

    def _close(self, sign: str) -> bool:
        opening = "{" if sign == "}" else "["
        empty_or_full = "key?" if opening == "{" else "value?"
        if not self.open or self.open[-1].value != opening or self._expected not in (",", empty_or_full):
            return False
        self.open.pop().end = len(self.nodes)
        self._expect_after_value()
        return True

    def _expect_after_value(self) -> None:
        self._expected = "," if self.open else "end"


def _cleaned_string(token: str) -> str:
    """Return a JSON string with its escapes read, cleaned, in its quotes."""
    try:
        text = str(json.loads(token, strict=False))
    except ValueError:
        text = token[1:-1]
    return f'"{clean_line(text)}"'
