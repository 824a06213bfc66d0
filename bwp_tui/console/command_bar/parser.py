"""Split a typed command line into words, each with its place, so that a mistake can be shown under it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bwp_tui.actions.record_operations import RECORD_OPERATIONS
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS
from bwp_tui.console.bindings.prompt_commands import PromptCommand
from bwp_tui.console.state.tab_completion import InputMistake

_WORD: Final = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
CommandHandler = Callable[[], None]
"""Carries a line out."""

_FLAGS: Final = frozenset(
    operation.alternative.option for operation in (*RECORD_OPERATIONS, *SERVICE_OPERATIONS) if operation.alternative
)
"""Options that have no value."""

_QUOTED: Final = re.compile(r""""([^"]*)"|'([^']*)'""")


class CommandLineError(Exception):
    """A line cannot be carried out; `mistake` says why and where."""

    def __init__(self, mistake: InputMistake) -> None:
        super().__init__(mistake.sentence)
        self.mistake = mistake


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line: its text without quotation marks, and its start and end in the line."""

    text: str
    start: int
    end: int

    @property
    def is_quoted(self) -> bool:
        """Whether it is in quotation marks, or has some."""
        return len(self.text) != self.end - self.start

    def error(self, sentence: str, suggestion: str | None = None) -> CommandLineError:
        """Return the error that points at this word, and asks whether `suggestion` was meant."""
        if suggestion:
            sentence = f"{sentence} Did you mean “{suggestion}”?"
        return CommandLineError(InputMistake(sentence, self.start, self.end, suggestion))


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line: the first word, the words behind it without the options, and the options' values by name."""

    text: str
    command: Word
    positionals: tuple[Word, ...]
    options: dict[str, Word]
    usage: str

    def error(self, sentence: str = "") -> CommandLineError:
        """Return the error that points at the command, by default with how to write it."""
        return self.command.error(sentence or f"Write {self.usage}.")

    def reject_more_than(self, count: int) -> None:
        """Refuse more words behind the command than it takes.

        Raises:
            CommandLineError: there are more.
        """
        for word in self.positionals[count:]:
            raise word.error(f"“{word.text}” is not expected here; write {self.usage}.")


def split_words(text: str) -> list[Word]:
    """Split a line into words; quotation marks of both kinds hold blanks together.

    Raises:
        CommandLineError: a quotation mark is not closed.
    """
    found, at = [], 0
    for match in _WORD.finditer(text):
        _check_gap(text, at, match.start())
        found.append(Word(_unquoted(match.group()), *match.span()))
        at = match.end()
    _check_gap(text, at, len(text))
    return found


def parse_line(text: str, commands: Mapping[str, PromptCommand]) -> CommandLine:
    """Return a line's command, words and options; of a command that is none of these, all words.

    Raises:
        CommandLineError: it is empty, a quotation mark is not closed, or an option is not known or has no value.
    """
    found = split_words(text)
    if not found:
        raise CommandLineError(InputMistake("Type a command.", 0, 0))
    command, *rest = found
    known = commands.get(command.text.casefold())
    words: list[Word] = []
    values: dict[str, Word] = {}
    while rest:
        word = rest.pop(0)
        if not word.text.startswith("--") or known is None:
            words.append(word)
        elif word.text not in known.options:
            others = f" It takes {', '.join(known.options)}." if known.options else ""
            raise word.error(f"“{command.text}” has no option “{word.text}” here.{others}")
        elif word.text in _FLAGS:
            values[word.text] = word
        elif not rest:
            raise word.error(f"“{word.text}” needs a value.")
        else:
            values[word.text] = rest.pop(0)
    return CommandLine(text, command, tuple(words), values, known.usage if known else "")


def _check_gap(text: str, start: int, end: int) -> None:
    """Refuse a quotation mark between two words that nothing closes."""
    gap = text[start:end].lstrip()
    if gap:
        raise CommandLineError(InputMistake("A quotation mark is not closed.", text.index(gap[0], start), len(text)))


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda match: match[1] or match[2] or "", text)
