"""The bases of the screens in front of the main one: any content, a page of text, and pages about a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Key

from bwp_tui.console.bindings.actions import Scope
from bwp_tui.console.bindings.key_names import key_text
from bwp_tui.console.controllers.find import ScrolledText, TextFinder
from bwp_tui.console.presentation.breakpoints import tab_gap
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.action_screen import ActionScreen, ScrolledScreen
from bwp_tui.console.session import Session
from bwp_tui.console.store_access.snapshot_feed import Snapshot
from bwp_tui.console.terminal.clipboard import copy
from bwp_tui.console.widgets.bars import FooterLine, StatusLine
from bwp_tui.console.widgets.prompt import Prompt
from bwp_tui.console.widgets.styled_line import Heading, KeyLine, Paragraphs
from bwp_tui.console.widgets.virtual_list import VirtualList

TEXT_MARGIN: Final = 5
"""Cells beside a page of text: its padding, and the scroll bar."""

NO_MORE_COLUMNS: Final = "There are no more columns on that side."
TASK_GONE: Final = "This task is gone, or cannot be read."


class FrontScreen(ActionScreen):
    """A screen of a heading, some content, a prompt, a status line and a footer."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.keymap)
        self.session = session

    def compose(self) -> ComposeResult:
        yield Heading(id=f"{self.scope.name.lower()}-heading")
        yield from self.compose_content()
        yield Prompt(id="prompt")
        yield StatusLine(id="status", in_shell=self.session.in_shell)
        yield FooterLine(id="footer")

    def compose_content(self) -> ComposeResult:
        """Yield what stands between the heading and the prompt."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the keys; Textual calls this besides the `on_mount` of a subclass."""
        self.update_footer()

    def on_key(self, event: Key) -> None:
        """Say of a key that only the list has where it is; Textual calls this besides the base's `on_key`."""
        if self.prompt.is_open or any(event.key in action.keys for action in self.keymap.actions_of(self.scope)):
            return
        for action in self.keymap.actions_of(Scope.MAIN):
            if event.key in action.keys:
                event.stop()
                back = self.keymap.key("back")
                sentence = f"{key_text(event.key)}: a key of the list of tasks ({action.help}); {back} goes back."
                self.show_status(sentence, "warn")

    def on_resize(self) -> None:
        self.call_next(self._show)

    def _show(self) -> None:
        """Show the heading and the content at the present width."""
        raise NotImplementedError

    @on(Prompt.Toggled)
    def update_footer(self) -> None:
        """Show the mistake in what is typed, the keys that answer, or those of the screen."""
        if self.prompt.is_open:
            self.query_one(FooterLine).show_prompt(self.prompt)
        else:
            self._show_keys()

    def _show_keys(self) -> None:
        """Show in the footer what can be done while no prompt is open."""
        self.show_action_keys(self.context)

    async def copied(self, text: str) -> str:
        """Copy a text to the clipboard; return by what means."""
        return await copy(text, self.app.copy_to_clipboard, self.session.profile.folder)


class ListScreen(FrontScreen):
    """A screen with one list."""

    AUTO_FOCUS = "VirtualList"

    @property
    def rows(self) -> VirtualList:
        return self.query_one(VirtualList)

    def compose_content(self) -> ComposeResult:
        yield VirtualList(id=f"{self.scope.name.lower()}-rows")


class SearchedScreen(FrontScreen, ScrolledScreen):
    """A screen with one scrolled page of text, in which a text can be found.

    Attributes:
        finder: finds a text in the page; a subclass has it `update` after each change of the page.
    """

    AUTO_FOCUS = ""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        text = ScrolledText(lambda: self.query_one(VerticalScroll))
        self.finder = TextFinder(self, self.keymap, text, self.update_footer)
        self.handlers |= {
            "filter": self.finder.ask,
            "next_match": partial(self.finder.step, 1),
            "previous_match": partial(self.finder.step, -1),
            "back": self._back,
        }

    def compose_content(self) -> ComposeResult:
        name = self.scope.name.lower()
        with VerticalScroll(id=f"{name}-scroll", can_focus=False):
            yield Paragraphs(id=f"{name}-text")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave all keys to an open prompt."""
        return not self.is_asking and super().check_action(action, parameters)

    @property
    def keys(self) -> Sequence[StyledText]:
        """What can be done now, for the footer while no prompt is open, besides the keys to other matches and back."""
        actions = [each for each in self.keymap.actions_of(self.scope) if each.label and each.name != "back"]
        return [self.keymap.hint(each.label, each.name) for each in actions if not self.disabled_reason(each.name)]

    @property
    def back_label(self) -> str:
        """What the key back does while no text is searched for."""
        return "back"

    def _show_keys(self) -> None:
        self.query_one(FooterLine).show_keys(*self.finder.with_keys(*self.keys, back=self.back_label))

    def _back(self) -> None:
        """End the search; without one, close the screen."""
        if not self.finder.clear():
            self.close()


class PagedScreen(SearchedScreen):
    """Pages about one task, of which one is shown, with tabs under the heading.

    Args:
        main: the main screen, which masks emails on all screens.
        task_number: of the task.
        pages: how many pages there are.
    """

    def __init__(self, main: MainScreenProtocol, task_number: int, pages: int) -> None:
        super().__init__(main.session)
        self._main = main
        self._task_number = task_number
        self._page = 0
        self._day = main.session.today()
        self.handlers |= {
            "next_page": lambda: self._open_page((self._page + 1) % pages),
            "previous_page": lambda: self._open_page((self._page - 1) % pages),
            **{f"page_{page + 1}": partial(self._open_page, page) for page in range(pages)},
            "mask": self._toggle_mask,
        }
        key = self.keymap.key
        self._page_keys = f"{key('next_page')} {key('page_1')}-{key(f'page_{pages}')}"

    def compose_content(self) -> ComposeResult:
        yield KeyLine(id=f"{self.scope.name.lower()}-tabs")
        yield from super().compose_content()

    def show_snapshot(self, update: Snapshot | str) -> None:
        """Show what the history says now of the task, and what another day makes of it."""
        if isinstance(update, str):
            self.show_notice(update, "bad")
        elif self._task_number in update.changed or update.today != self._day or self._is_task_gone():
            self._day = update.today
            self._read()

    def _is_task_gone(self) -> bool:
        """Return whether the row of the task was removed, by a purge of all or since it was joined with another."""
        return not self.session.reader.by_numbers([self._task_number])

    def _read(self) -> None:
        """Read the task again, and show it."""
        raise NotImplementedError

    def _open_page(self, page: int) -> None:
        raise NotImplementedError

    def _toggle_mask(self) -> None:
        self._main.set_masked(not self.session.masked)
        self._show()

    def _show_tabs(self, names: Iterable[StyledText]) -> None:
        """Show the names of the pages, each behind its key; that of the page which is shown stands out."""
        texts: list[StyledText] = []
        for page, (name, role) in enumerate(names):
            gap = tab_gap(self.app.size) if page else " "
            texts.append((f"{gap}{self.keymap.key(f'page_{page + 1}')} ", "key"))
            texts.append((name, "current" if page == self._page else role))
        self.query_one(f"#{self.scope.name.lower()}-tabs", KeyLine).show(*texts)
