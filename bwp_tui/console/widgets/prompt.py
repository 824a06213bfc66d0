"""Ask for a text, a key, or yes or no on one line, which replaces the status line meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeAlias

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input
from textual.widgets.input import Selection

from bwp_tui.console.background import run_in_background
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.state.tab_completion import InputMistake
from bwp_tui.console.widgets.styled_line import ENTRY_GAP, KeyLine, StyledLine, in_line_or_columns
from bwp_tui.console.widgets.text_field import TextField

_FEWEST_FIELD_CELLS: Final = 24
"""Fewest cells of the field; a longer question has a line of its own."""

_BLANKS: Final = 4
"""Blank cells around a question and its hint."""

_BACK: Final = ("esc", "back")
F2_ANSWER: Final = "\x1bF2"
"""Answer of a prompt that was closed by F2; it cannot be typed."""

_YES_OR_NO: Final = {"y": "yes", "n": "no"}

_WORD_GAP_S: Final = 0.5
"""Longest time between two keys that spell one word."""


TextEditor: TypeAlias = Callable[[str], Coroutine[Any, Any, str | InputMistake]]
"""Returns a text as the operator's editor leaves it, or why it could not be edited."""

Wording: TypeAlias = str | Callable[[], str]
"""A question, or what returns it as its tasks are now: see `Prompt.live_questions`."""


class _LiveQuestions(NamedTuple):
    """Questions that follow what they are about, while they are open.

    Whenever one of `tasks` changes, `update` reads all of them again. It returns why the question can no longer be
    answered: the prompt shows that in its place, and any answer closes it. Where it returns nothing, the question is
    worded anew.
    """

    tasks: frozenset[int]
    update: Callable[[], Coroutine[Any, Any, str]]


class Prompt(Horizontal, can_focus=True):
    """Asks one question at a time and returns the answer, or None where it was closed."""

    FOCUS_ON_CLICK = False  # its field keeps the focus

    class Toggled(Message):
        """The prompt was opened or closed, or its mistake has changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._answer: asyncio.Future[str | None] | None = None
        self._on_change: Callable[[str, int], None] | None = None
        self._on_arrow: Callable[[int], None] | None = None
        self._complete: Callable[[str, int], tuple[str, int]] | None = None
        self._check: Callable[[str], InputMistake | None] | None = None
        self._mistake: InputMistake | None = None
        self._question: Callable[[], str] = lambda: ""
        self._ending = self._reason = ""
        self._keys: Mapping[str, str] = {}
        self._entries: Sequence[str] = ()
        self._width_beside_question = 0
        self._live: _LiveQuestions | None = None
        self._enter = self._f2 = self._proposal = ""
        self._edit: TextEditor | None = None
        self._focused_before: Widget | None = None
        self._default: str | None = None
        self._is_irreversible = False
        self._rest_of_answer: Sequence[str] = ()
        self._last_key_at = 0.0

    def compose(self) -> ComposeResult:
        yield StyledLine(id="prompt-label")
        yield TextField(id="prompt-input")
        yield KeyLine(id="prompt-hint")

    def on_mount(self) -> None:
        self.display = False
        for field in self.query(Input):  # none where the console ends meanwhile: Textual then mounts no children
            self.watch(field, "scroll_x", self._field_moved, init=False)

    def _field_moved(self) -> None:
        """Have the marks of a mistake move with the text."""
        if self._mistake is not None:
            self.post_message(self.Toggled())

    @property
    def is_open(self) -> bool:
        return self._answer is not None

    @property
    def mistake(self) -> tuple[int, int, str] | None:
        """The mistake in the text: its column and width on the screen, and a sentence; None without one.

        Where a key is asked for, there is no text, and the sentence says that another one was pressed.
        """
        field, mistake = self.query_one(Input), self._mistake
        if mistake is None:
            return None
        if self._keys:
            return 0, 0, mistake.sentence
        before, marked = field.value[: mistake.start], field.value[mistake.start : mistake.end]
        x = field.region.x + cell_len(before) - int(field.scroll_offset.x)
        return max(field.region.x, x), max(1, cell_len(marked) + min(0, x - field.region.x)), mistake.sentence

    @property
    def footer_keys(self) -> Sequence[tuple[str, str]]:
        """The keys for the footer: those that answer, unless the prompt itself lists them."""
        if self._reason:
            return (_BACK,)
        if not self._keys:
            others = {
                "f2": self._f2,
                "f4": "editor" if self._edit else "",
                "tab": "complete" if self._complete else "",
                "↑↓": "choose" if self._on_arrow else "",
            }
            return (("enter", self._enter), *((key, label) for key, label in others.items() if label), _BACK)
        return (_BACK,) if self._entries else tuple(self._keys.items())

    def may_be_clicked(self, key: str) -> bool:
        """Return whether a click may give this answer: none may confirm what cannot be undone."""
        return not self._is_irreversible or key not in ("y", "enter")

    def is_rest_of_answer(self, key: events.Key) -> bool:
        """Return whether a key goes on with the word that the last answer began: the `e`, `s` and enter of "yes".

        To be asked once for each key that arrives. The first letter has answered already.
        """
        is_rest = key.key.lower() in self._rest_of_answer[:1] and key.time - self._last_key_at < _WORD_GAP_S
        self._rest_of_answer = self._rest_of_answer[1:] if is_rest else ()
        self._last_key_at = key.time
        return is_rest

    @contextmanager
    def live_questions(self, tasks: Iterable[int], update: Callable[[], Coroutine[Any, Any, str]]) -> Iterator[None]:
        """Make the questions that are asked meanwhile live: see `_LiveQuestions`."""
        before, self._live = self._live, _LiveQuestions(frozenset(tasks), update)
        try:
            yield
        finally:
            self._live = before

    def update_live_question(self, changed: Iterable[int]) -> None:
        """Update the open question, if it is about one of the tasks that have changed."""
        if self.is_open and self._live is not None and not self._live.tasks.isdisjoint(changed):
            run_in_background(self, self._update_live_question, group="live question", exclusive=True)

    async def _update_live_question(self) -> None:
        live, answer = self._live, self._answer
        if live is None or answer is None:
            return
        reason = await live.update()
        if answer is not self._answer or answer.done():
            return
        if reason:
            self._reason, self._entries = reason, ()
            self._on_change = self._on_arrow = self._complete = self._check = None
            self.hint("", "")
            self._mistake = None
            self._show_typed()
        else:
            self._lay_out()
        self.post_message(self.Toggled())

    def _show_typed(self) -> None:
        """Of a question that can no longer be answered, show the field only with what was typed into it."""
        field = self.query_one(Input)
        field.display = not self._keys and field.value != self._proposal
        (field if field.display else self).focus()
        self._lay_out()

    async def ask_text(
        self,
        question: Wording,
        value: str = "",
        *,
        on_change: Callable[[str, int], None] | None = None,
        on_arrow: Callable[[int], None] | None = None,
        complete: Callable[[str, int], tuple[str, int]] | None = None,
        check: Callable[[str], InputMistake | None] | None = None,
        hint: StyledText = ("", "muted"),
        enter: str = "OK",
        f2: str = "",
        edit: TextEditor | None = None,
        irreversible: bool = False,
        proposed: bool = False,
    ) -> str | None:
        """Ask for a text, beginning with `value`.

        Args:
            on_change: called with the text and its cursor after each change.
            complete: returns what tab makes of the text and the cursor.
            on_arrow: called at an arrow key: 1 for down, -1 for up.
            hint: text beside the field.
            check: returns a mistake in the text, which keeps the prompt open.
            enter: label of that key in the footer.
            f2: label of F2; with one, that key answers with `F2_ANSWER`.
            edit: what F4 does with the text.
            irreversible: whether what the answer confirms cannot be undone.
            proposed: whether `value` is a proposal, which what is typed replaces.
        """
        field = self.query_one(Input)
        field.display = True
        with field.prevent(Input.Changed):
            field.value = self._proposal = value
        field.selection = Selection(0 if proposed else len(value), len(value))
        self._on_change, self._on_arrow, self._complete, self._check = on_change, on_arrow, complete, check
        self._enter, self._f2, self._edit, self._is_irreversible = enter, f2, edit, irreversible
        self.hint(*hint)
        return await self._ask_question(question, {}, width_beside=_FEWEST_FIELD_CELLS + cell_len(hint[0]))

    async def ask_yes_no(self, question: Wording, *, irreversible: bool = False) -> bool:
        """Ask a question that `y` answers with yes, and enter too unless what follows is `irreversible`."""
        return await self.ask_yes_no_or_back(question, irreversible=irreversible) is True

    async def ask_yes_no_or_back(self, question: Wording, *, irreversible: bool = False) -> bool | None:
        """Ask as `ask_yes_no` does; return None where the operator goes back, which is no answer."""
        ending = f" [{'y/N' if irreversible else 'Y/n'}]"
        key = await self._ask_key(question, _YES_OR_NO, [], "n" if irreversible else "y", ending)
        return None if key is None else key == "y"

    async def ask_key(self, question: str, keys: Mapping[str, str]) -> str | None:
        """Ask for one of `keys`, which is given with what each means; return it."""
        return await self._ask_key(question, keys, [f"{key} {meaning}" for key, meaning in keys.items()])

    async def _ask_key(
        self,
        question: Wording,
        keys: Mapping[str, str],
        entries: Sequence[str],
        default: str | None = None,
        ending: str = "",
    ) -> str | None:
        self.query_one(Input).display = False
        self._on_change = self._on_arrow = self._complete = self._check = self._edit = None
        self._default, self._is_irreversible = default, default == "n"
        self.hint("", "")
        return await self._ask_question(
            question, keys, entries, width_beside=cell_len(ENTRY_GAP.join(entries)), ending=ending
        )

    def hint(self, text: str, role: str) -> None:
        self._show_hint((f" {text} " if text else "", role))

    def _show_hint(self, *texts: StyledText) -> None:
        line = self.query_one("#prompt-hint", KeyLine)
        line.show(*texts)
        line.display = any(text for text, _ in texts)

    def show_mistake(self, mistake: InputMistake | None) -> None:
        """Mark a mistake in the text, or none."""
        if mistake != self._mistake:
            self._mistake = mistake
            self.post_message(self.Toggled())

    def set_text(self, text: str, cursor: int | None = None) -> None:
        """Replace the text; the cursor goes to its end unless it is given."""
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text) if cursor is None else cursor

    def reject(self, answer: str) -> None:
        """Say that what `answer` names is no answer where a key is asked for, and which keys are."""
        if self._keys and not self._reason:
            sentence = f"{answer} is no answer; press {', '.join(self._keys)} or {_BACK[0]}."
            self.show_mistake(InputMistake(sentence, 0, 0))

    def close(self) -> None:
        """Close the prompt; its caller gets None."""
        self._answer_with(None)

    def on_resize(self) -> None:
        if self.is_open:
            self._lay_out()
            self._field_moved()

    def _lay_out(self) -> None:
        """Show the question, and the keys that answer; on lines of their own where they do not fit beside it."""
        typed = " Typed, but not used:" if self.query_one(Input).display else ""
        label = f"{self._reason}{typed}" if self._reason else f"{self._question()}{self._ending}"
        width = self.app.size.width
        is_long = cell_len(label) + self._width_beside_question + _BLANKS > width
        text = label if is_long else f" {label} "
        self.query_one("#prompt-label", StyledLine).show((text, "warn" if self._reason else "strong"))
        self.set_class(is_long, "-long")
        if self._entries:
            self._show_hint((" ", "plain"), *in_line_or_columns(self._entries, width - _BLANKS), (" ", "plain"))

    async def _ask_question(
        self,
        question: Wording,
        keys: Mapping[str, str],
        entries: Sequence[str] = (),
        *,
        width_beside: int,
        ending: str = "",
    ) -> str | None:
        self.close()
        self._question = question if callable(question) else lambda: question
        self._ending, self._reason = ending, ""
        self._keys, self._entries, self._width_beside_question = keys, entries, width_beside
        self._lay_out()
        self._answer = asyncio.get_running_loop().create_future()
        # Of consecutive questions, the first one saves the focus.
        if (focused := self.screen.focused) not in (self, self.query_one(Input)):
            self._focused_before = focused
        self.display = True
        (self if keys else self.query_one(Input)).focus()
        self._hide_status_line(True)
        self.post_message(self.Toggled())
        # If the wait is cancelled the console is closing: there is nothing to restore.
        answer = await self._answer
        self._answer = self._mistake = None
        self.display = False
        self._hide_status_line(False)
        self.post_message(self.Toggled())
        # Textual would take the focus from what is hidden at the next layout: keys typed until then would be lost.
        self.screen.set_focus(self._focused_before)
        return answer

    def _hide_status_line(self, is_hidden: bool) -> None:
        # A class of the status line: one of the screen would make Textual work out all styles again.
        self.screen.query_one("#status").set_class(is_hidden, "-aside")

    async def _edit_text(self) -> None:
        """Replace the text by what the operator's editor makes of it, its lines joined."""
        answer = self._answer
        text = None if self._edit is None else await self._edit(self.query_one(Input).value)
        if text is None or answer is not self._answer:
            return
        self.show_mistake(text if isinstance(text, InputMistake) and not self._reason else None)
        if isinstance(text, str):
            self.set_text(" ".join(line.strip() for line in text.splitlines() if line.strip()))
        if self._reason:
            self._show_typed()

    def _complete_text(self) -> None:
        field = self.query_one(Input)
        if self._complete is not None:
            self.set_text(*self._complete(field.value, field.cursor_position))

    def _answer_with(self, answer: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.close()
        elif event.key == "tab":
            event.stop()
            event.prevent_default()
            self._complete_text()
        elif event.key == "f2" and self._f2 and not self._keys and not self._reason:
            event.stop()
            self._answer_with(F2_ANSWER)
        elif event.key == "f4" and self._edit and not self._keys and not self._reason:
            event.stop()
            run_in_background(self, self._edit_text, group="editing", exclusive=True)
        elif self._on_arrow is not None and event.key in ("down", "up"):
            event.stop()
            self._on_arrow(1 if event.key == "down" else -1)
        elif self._reason and not self._keys and event.key == "enter":  # its field is hidden
            event.stop()
            self.close()
        elif self._keys:
            event.stop()
            key = event.key if self._default is None else event.key.lower()
            if key in self._keys and self._default is not None:
                self._rest_of_answer, self._last_key_at = (*self._keys[key][1:], "enter"), event.time
            if self._reason and (key == "enter" or event.is_printable):
                self.close()
            elif key == "enter" and self._default is not None:
                self._answer_with(self._default)
            elif key in self._keys:
                self._answer_with(key)
            elif event.key == "q":
                self.close()
            elif event.is_printable:
                self.reject(f"“{event.character}”")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.is_open:
            return
        if self._on_change is not None:
            self._on_change(event.value, event.input.cursor_position)
        else:
            self.show_mistake(None)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        mistake = self._check(event.value) if self._check is not None else None
        if self._reason:
            self.close()
        elif mistake is None:
            self._answer_with(event.value)
        else:
            self.show_mistake(mistake)
