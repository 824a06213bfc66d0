"""The letters about a task: a preview of each, which is copied or written to a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from textual.containers import VerticalScroll

from bwp_tui.actions import letters
from bwp_tui.actions.letters import Letter
from bwp_tui.console.background import run_in_background
from bwp_tui.console.bindings.actions import ActionContext, Scope
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_detail import heading
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.front_screens import TASK_GONE, PagedScreen
from bwp_tui.console.state.tab_completion import InputMistake
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.letters import LetterKind, cannot_write, fitting_kind
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import escaped, mask_in_text, unsafe_at
from bwp_tui.settings import SettingsError
from bwp_tui.settings.checks import with_home
from bwp_tui.store.errors import StoreError

_KINDS: Final = tuple(LetterKind)
"""The letters, in the order of their pages."""


class LetterScreen(PagedScreen):
    """Shows one letter about a task; nothing is recorded before it is copied or written.

    Args:
        task_number: of the task.
        kind: the letter to begin with; None is the one that fits the task's state.
    """

    scope = Scope.LETTER

    def __init__(self, main: MainScreenProtocol, task_number: int, kind: str | None = None) -> None:
        super().__init__(main, task_number, len(_KINDS))
        self._letter_task = self._read_task()
        fitting = LetterKind.ACKNOWLEDGEMENT if self._letter_task is None else fitting_kind(self._letter_task)
        self._page = _KINDS.index(fitting if kind is None else LetterKind(kind))
        self._letter: Letter | None = None
        self._reason = ""
        self._edited: dict[LetterKind, tuple[Letter, str]] = {}
        """The letters that were edited: each as it was drafted, and the text that it has now."""
        self.handlers |= {
            "copy": self._copy,
            "edit": self._edit,
            "write": self._write,
        }

    def on_mount(self) -> None:
        self._read()

    @property
    def context(self) -> ActionContext:
        return ActionContext(self._letter_task, self.session.read_only, self.session.today())

    @property
    def keys(self) -> Sequence[StyledText]:
        """The keys that do something with the letter."""
        return ((self._page_keys, "letter"), *super().keys)

    def disabled_reason(self, name: str) -> str | None:
        if self._letter is None and name in _LETTER_ACTIONS:
            none, soon = "There is no such letter to copy or to write.", "It is being drafted. Press the key again."
            return none if self._reason else soon
        return super().disabled_reason(name)

    def _open_page(self, page: int) -> None:
        self._page, self._letter, self._reason = page, None, ""
        self.show_status("")
        self.query_one(VerticalScroll).scroll_to(y=0, animate=False, immediate=True)
        self._read()

    def _read(self) -> None:
        run_in_background(self, self._draft, group="reading", exclusive=True)

    def _read_task(self) -> Task | None:
        return next(iter(self.session.reader.by_numbers([self._task_number])), None)

    async def _draft(self) -> None:
        """Draft the letter; what is to be checked in a new one is shown on the status line."""
        session, task = self.session, self._read_task()
        letter, reason = None, TASK_GONE
        if task is not None:
            try:
                letter = await asyncio.to_thread(
                    letters.draft,
                    session.write_store,
                    session.profile,
                    task,
                    _KINDS[self._page],
                    session.actor,
                    session.today(),
                )
            except (StoreError, SettingsError) as error:
                reason = str(error)
        remarks = letter.remarks if letter is not None else ()
        if letter is not None and (edited := self._edited.get(letter.kind)) is not None:
            if letter.text != edited[0].text:
                remarks = (f"#{self._task_number} has changed since this letter was edited; check it.", *remarks)
            letter = letter._replace(text=edited[1], template=_EDITED)
        # Only now: a reading that a newer one interrupts leaves what is shown.
        before, self._letter_task, self._letter, self._reason = self._letter, task, letter, reason
        self._show()
        self._show_keys()
        if letter != before:
            self.show_status(" ".join(remarks), "warn")

    def _show(self) -> None:
        task, letter = self._letter_task, self._letter
        if task is None:
            self.query_one(Heading).set_text([("letter", "strong")])
        else:
            title = heading(task, self.session.display_context(), ("letter", "strong"))
            source = "" if letter is None else f"{Path(letter.template).name} · "
            self.query_one(Heading).set_text(title, f"{source}#{task.number}", f"#{task.number}")
            self._show_tabs((kind.value, "muted" if cannot_write(kind, task) else "plain") for kind in _KINDS)
        text = self._reason if letter is None else letter.text
        if self.session.masked and task is not None:
            text = mask_in_text(text, task.email)
        role = "warn" if letter is None else "plain"
        self.query_one(Paragraphs).set_lines([(line, role)] for line in text.splitlines())
        self.finder.update()

    async def _copy(self) -> None:
        if (letter := self._letter) is None:
            return
        session = self.session
        await asyncio.to_thread(letters.record, session.write_guard.store, letter, session.actor)
        self._show_done(letter, await self.copied(letter.text))

    async def _edit(self) -> None:
        """Have the letter edited; the text is kept while this screen is open."""
        from bwp_tui.console.controllers.external_programs import ProgramFailed, edit_text  # rarely used

        if (letter := self._letter) is None:
            return
        try:
            text = await edit_text(self.session, letter.text, f"{letter.kind}.txt")
        except ProgramFailed as error:
            self.show_status(str(error), "bad")
            return
        if text != letter.text and text.strip():
            drafted = self._edited[letter.kind][0] if letter.kind in self._edited else letter
            self._edited[letter.kind] = drafted, escaped(text)
            self._read()

    async def _write(self) -> None:
        if (letter := self._letter) is None:
            return
        initial, session = f"~/{letter.kind}-{letter.task_number}.txt", self.session
        typed = await self.prompt.ask_text("Write the letter to:", initial, check=_file_mistake, enter="write")
        if typed is None or (letter := self._letter) is None:  # it may have changed, or gone, meanwhile
            return
        path = _path(typed)
        try:
            await asyncio.to_thread(letters.write, session.write_guard.store, letter, path, session.actor)
        except OSError as error:
            self.show_status(f"{path} cannot be written: {error.strerror}. Nothing was recorded.", "bad")
        else:
            self._show_done(letter, f"written to {path}")

    def _show_done(self, letter: Letter, how: str) -> None:
        task, once = self._letter_task, ""
        if task is not None and letter.kind is LetterKind.ACKNOWLEDGEMENT and task.acknowledged_on is None:
            once = "acknowledge"
        elif task is not None and letter.kind is LetterKind.ANSWER and task.answered_on is None:
            once = "answer"
        then = f" Once you have sent it, go back and record that with {self.keymap.key(once)}." if once else ""
        self.show_status(f"The {letter.kind} of #{letter.task_number}: {how}.{then}", "good")
        self.session.feed.refresh()


_LETTER_ACTIONS: Final = ("copy", "edit", "write")
"""The actions that need a letter."""

_EDITED: Final = "edited"
"""What stands in place of the template's name."""


def _path(text: str) -> Path:
    return Path(with_home(text.strip()))


def _file_mistake(text: str) -> InputMistake | None:
    """Return why a typed path cannot be that of a new file, or None."""
    path = _path(text)
    mistake = ""
    if not text.strip() or unsafe_at(text) is not None:
        mistake = "Type the path of a new file."
    elif os.path.lexists(path):
        mistake = "This file exists already; name another one."
    elif not os.path.isdir(path.parent):  # noqa: PTH112  Path.is_dir raises where a folder above is closed
        mistake = f"There is no folder {path.parent}."
    return InputMistake(mistake, 0, len(text)) if mistake else None
