"""Saving what is listed as a view, and deleting the saved view that is listed."""

from __future__ import annotations

import asyncio

from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.tab_completion import InputMistake
from bwp_tui.console.workers import run_in_thread_and_report
from bwp_tui.domain.filter import VIEWS, View, view_named
from bwp_tui.store.commands import saved_views
from bwp_tui.store.errors import StoreError


class SavedViewController:
    """Saves and deletes views."""

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen

    async def ask(self) -> None:
        """Save what is listed under a name; a saved view that is listed itself can be deleted as well."""
        shown = self._screen.list_state.view
        if shown is None or shown in VIEWS:
            await self._save("")
            return
        keys = {"s": "save", "d": f"delete “{shown.name}”"}
        key = await self._screen.prompt.ask_key(f"The saved view “{shown.name}”:", keys)
        if key == "s":
            await self._save(shown.name)
        elif key == "d" and await self._screen.prompt.ask_yes_no(
            f"Delete the view “{shown.name}”? Its tasks stay.", irreversible=True
        ):
            commands = self._screen.session.task_commands
            await run_in_thread_and_report(self._screen, lambda: commands.delete_view(shown.name))

    async def _save(self, typed: str) -> None:
        """Ask until the name can be one, or the operator goes back; a name that is taken is asked about."""
        screen, listing = self._screen, self._screen.list_state
        question = f"Save “{listing.filter or 'all'}” as the view:"
        name = await screen.prompt.ask_text(question, typed, check=self._mistake)
        if name is None or not name.strip():
            return
        view = View(name.strip(), listing.filter, listing.sort, listing.shown_columns)
        if await self.may_replace(view.name):
            await run_in_thread_and_report(screen, lambda: screen.session.task_commands.save_view(view))

    async def may_replace(self, name: str) -> bool:
        """Say whether a view may be saved under this name; where one has it, the operator is asked."""
        saved = await asyncio.to_thread(self._screen.session.reader.views)
        taken = view_named(saved, name)
        if taken is None or taken in VIEWS:
            return True
        question = f"Replace the view “{taken.name}”, which lists “{taken.filter or 'all'}”?"
        return await self._screen.prompt.ask_yes_no(question, irreversible=True)

    def _mistake(self, text: str) -> InputMistake | None:
        if not text.strip():
            return None
        listing = self._screen.list_state
        try:
            saved_views.check_view(View(text, listing.filter, listing.sort, listing.shown_columns))
        except StoreError as error:
            return InputMistake(str(error), 0, len(text))
        return None
