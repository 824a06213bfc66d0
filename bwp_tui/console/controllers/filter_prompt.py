"""Ask for a filter: list its matches at each key, offer completions, and mark mistakes."""

from __future__ import annotations

import asyncio
from functools import partial

from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.tab_completion import InputMistake, TabCompleter
from bwp_tui.domain.filter import FILTER_WORD, OR, FilterError, closing_parentheses, complete, parse
from bwp_tui.domain.filter_fields import FIELDS
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries import tasks


class FilterPrompt:
    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen
        self._completer = TabCompleter(lambda text, cursor: complete_filter(text, cursor, self._tags))
        self._tags: tuple[str, ...] = ()

    async def ask(self) -> None:
        """Ask, listing the matches meanwhile; without an answer the earlier list is shown again."""
        screen, before = self._screen, self._screen.list_state
        screen.run_in_background(self._load_tags, "tags")
        answer = await screen.prompt.ask_text(
            "/",
            f"{before.filter} " if before.filter else "",
            on_change=self._changed,
            complete=self._completer.complete,
            check=partial(mistake_in_filter, is_whole=True),
            enter="keep",
        )
        screen.show(before if answer is None else before.of_filter(answer.strip()))

    def _changed(self, text: str, cursor: int) -> None:
        prompt = self._screen.prompt
        mistake, listed = mistake_in_filter(text), without_unfinished_word(text, cursor)
        if mistake_in_filter(listed) is None:
            self._screen.show(self._screen.list_state.of_filter(listed))
        # A word that may still become a right one is not yet wrong.
        is_typed = mistake is not None and mistake.end >= cursor and complete(text, cursor, self._tags)
        prompt.show_mistake(None if is_typed else mistake)
        prompt.hint(self._completer.hint_text(text, cursor), "key")

    async def _load_tags(self) -> None:
        try:
            self._tags = await asyncio.to_thread(tasks.tags_in_use, self._screen.session.read_store)
        except StoreError:
            self._tags = ()  # they are only offered; whoever reads the history next says what is wrong with it


def mistake_in_filter(text: str, *, is_whole: bool = False) -> InputMistake | None:
    try:
        parse(text, is_whole=is_whole)
    except FilterError as error:
        return InputMistake(str(error), error.start, error.end, error.suggestion)
    return None


def without_unfinished_word(text: str, cursor: int) -> str:
    """Return a filter without the word at the cursor where that is the beginning of a field, or is wrong."""
    word = next((match for match in FILTER_WORD.finditer(text) if match.start() < cursor <= match.end()), None)
    if word is None:
        return text
    start, end = word.end("open"), word.end() - closing_parentheses(word["value"])
    return f"{text[:start]}{text[end:]}".strip() if _is_unfinished(text[start:end]) else text


def _is_unfinished(word: str) -> bool:
    begun = word.removeprefix("-").casefold()
    return any(field.startswith(begun) for field in (*FIELDS, OR)) or mistake_in_filter(word) is not None


def complete_filter(text: str, cursor: int, tags: tuple[str, ...] = ()) -> list[tuple[int, int, str]]:
    """Return the completions at the cursor of a filter, for a `TabCompleter`; for a wrong word the nearest one."""
    found = complete(text, cursor, tags)
    mistake = mistake_in_filter(text)
    if not found and mistake is not None and mistake.suggestion is not None:
        found = [(mistake.start, mistake.end, mistake.suggestion)]
    return [(start, end, insert) for start, end, insert in found if text[start:end] != insert]
