"""Read the commands about what is listed: filters, views, orders, columns."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from bwp_tui.console.background import run_in_thread_and_report
from bwp_tui.console.command_bar.parser import CommandHandler, CommandLine, CommandLineError, Word
from bwp_tui.console.controllers.custom_commands import switch_profile
from bwp_tui.console.controllers.filter_prompt import mistake_in_filter
from bwp_tui.console.controllers.list_layout import report_columns_of_view
from bwp_tui.console.controllers.saved_views import may_replace
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.tab_completion import InputMistake
from bwp_tui.console.store_access.shop_list import cannot_switch_to
from bwp_tui.console.store_access.write_guard import READ_ONLY
from bwp_tui.domain.filter import FilterError
from bwp_tui.domain.text import clean_line, nearest
from bwp_tui.domain.views import BUILT_IN_VIEWS, View, columns_named, view_named
from bwp_tui.settings import SettingsError, read_profile
from bwp_tui.store.commands import saved_views
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries.orders import SORTS, unknown_order

_DOUBLE_QUOTED_OR_MARK: Final = re.compile(r"""("[^"]*")|'""")


class ListCommandReader:
    """Parses the commands that change the list.

    Attributes:
        parsers: by command, what returns the handler of a line or raises CommandLineError.
    """

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen
        self.parsers: dict[str, Callable[[CommandLine], CommandHandler]] = {
            "list": self._read_list,
            "filter": self._read_list,
            "view": self._read_view,
            "views": self._read_views,
            "sort": self._read_sort,
            "columns": self._read_columns,
            "profile": self._read_profile,
        }

    def _read_list(self, line: CommandLine) -> CommandHandler:
        text, listing = _filter_in(line, line.positionals), self._screen.list_state
        if "--view" not in line.options:
            listing = listing.of_filter(text)
        else:
            listing = listing.of_view(self._view_named(line.options["--view"]))
            try:
                listing = listing.narrowed_by(text) if text else listing
            except FilterError as error:  # each is valid, but both together are too long or too deep
                raise line.error(str(error)) from None
        if "--sort" in line.options:
            listing = listing.with_sort(_sort_named(line.options["--sort"]))
        return lambda: self._screen.show(listing)

    def _read_sort(self, line: CommandLine) -> CommandHandler:
        line.reject_more_than(1)
        order = _sort_named(line.positionals[0])
        return lambda: self._screen.show(self._screen.list_state.with_sort(order))

    def _read_columns(self, line: CommandLine) -> CommandHandler:
        line.reject_more_than(1)
        ids = _column_ids(line.positionals[0])

        def show() -> None:
            self._screen.show(self._screen.list_state.with_columns(ids))
            report_columns_of_view(self._screen)

        return show

    def _read_profile(self, line: CommandLine) -> CommandHandler:
        line.reject_more_than(1)
        name = line.positionals[0]
        try:
            profile = read_profile(name.text, os.environ)
        except SettingsError as error:
            raise name.error(error.mistakes[0]) from None
        if reason := cannot_switch_to(profile, self._screen.session.profile, os.environ):
            raise name.error(reason)
        return lambda: self._screen.run_in_background(partial(switch_profile, self._screen, name.text))

    def _read_view(self, line: CommandLine) -> CommandHandler:
        if not line.positionals:
            raise line.error(
                f"Which view? There are {', '.join(view.name for view in self._screen.session.reader.views())}."
            )
        view = self._view_named(_joined(line.positionals))
        return lambda: self._screen.show(self._screen.list_state.of_view(view))

    def _read_views(self, line: CommandLine) -> CommandHandler:
        task_commands = self._screen.session.task_commands
        if [word.text for word in line.positionals] == ["list"]:
            return self._show_views
        if len(line.positionals) < 2 or line.positionals[0].text not in ("save", "delete"):
            raise line.error()
        action, name, *rest = line.positionals
        if action.text == "delete":
            whole = _joined(line.positionals[1:])
            view = self._view_named(whole)
            if view in BUILT_IN_VIEWS:
                raise whole.error(f"The view “{view.name}” is built in and stays.")
            return lambda: self._write(lambda: task_commands.delete_view(view.name))
        listing = self._screen.list_state
        sort = _sort_named(line.options["--sort"]) if "--sort" in line.options else listing.sort
        text = _filter_in(line, rest) or listing.filter
        columns = _column_ids(line.options["--columns"]) if "--columns" in line.options else listing.wanted_columns
        view = View(name.text, text, sort, columns)
        try:
            saved_views.check_view(view)
        except StoreError as error:
            raise name.error(str(error)) from None
        return lambda: self._write(lambda: task_commands.save_view(view), lambda: may_replace(self._screen, view.name))

    def _show_views(self) -> None:
        """Show the names of the views, with their keys."""
        keyed = [f"{key} {view.name}" for key, view in enumerate(self._screen.views, start=1)]
        others = [view.name for view in self._screen.session.reader.views() if view not in self._screen.views]
        self._screen.show_status(f"Views: {', '.join((*keyed, *others))}.")

    def _write(self, change: Callable[[], str], is_confirmed: Callable[[], Awaitable[bool]] | None = None) -> None:
        async def work() -> None:
            if is_confirmed is None or await is_confirmed():
                await run_in_thread_and_report(self._screen, change)

        run_if_writable(self._screen, lambda: self._screen.run_in_background(work))

    def _view_named(self, word: Word) -> View:
        views = self._screen.session.reader.views()  # those without a key too
        view = view_named(views, word.text)
        if view is None:
            guess = nearest(word.text, tuple(known.name.casefold() for known in views))
            raise word.error(f"There is no view “{clean_line(word.text)}”.", guess)
        return view


def run_if_writable(screen: MainScreenProtocol, handler: CommandHandler) -> None:
    """Carry a line out that changes something, unless nothing can be changed."""
    if screen.session.read_only:
        screen.show_status(READ_ONLY, "warn")
    else:
        handler()


def _joined(words: Sequence[Word]) -> Word:
    """Return some words as one: a name with blanks."""
    return Word(" ".join(word.text for word in words), words[0].start, words[-1].end)


def _filter_in(line: CommandLine, words: Sequence[Word]) -> str:
    """Return the filter that is typed in these words of a line, without the single quotation marks around words.

    Raises:
        CommandLineError: it has a mistake.
    """
    typed = [" "] * len(line.text)
    for word in words:
        typed[word.start : word.end] = _DOUBLE_QUOTED_OR_MARK.sub(
            lambda match: match[1] or " ", line.text[word.start : word.end]
        )
    text = "".join(typed)
    mistake = mistake_in_filter(text, is_whole=True)
    if mistake is not None:
        raise CommandLineError(mistake)
    return text.strip()


def _column_ids(word: Word) -> tuple[str, ...]:
    """Return the ids of the columns that a word names, in the order of the table."""
    try:
        return columns_named(word.text)
    except ValueError as error:
        raise word.error(str(error)) from None


def _sort_named(word: Word) -> str:
    name = word.text.casefold()
    if name in SORTS:
        return name
    suggestion = nearest(name, tuple(SORTS))
    raise CommandLineError(InputMistake(unknown_order(word.text), word.start, word.end, suggestion))
