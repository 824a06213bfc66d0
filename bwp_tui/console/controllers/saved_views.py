"""Saving what is listed as a view, and deleting the saved view that is listed."""

from __future__ import annotations

import asyncio

from bwp_tui.console.background import run_in_thread_and_report
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.tab_completion import InputMistake
from bwp_tui.domain.views import BUILT_IN_VIEWS, View, view_named
from bwp_tui.store.commands import saved_views
from bwp_tui.store.errors import StoreError


async def save_or_delete_view(screen: MainScreenProtocol) -> None:
    """Save what is listed under a name; a saved view that is listed itself can be deleted as well."""
    view = screen.list_state.view
    if view is None or view in BUILT_IN_VIEWS:
        await _save(screen, "")
        return
    keys = {"s": "save", "d": f"delete “{view.name}”"}
    key = await screen.prompt.ask_key(f"The saved view “{view.name}”:", keys)
    if key == "s":
        await _save(screen, view.name)
    elif key == "d" and await screen.prompt.ask_yes_no(
        f"Delete the view “{view.name}”? Its tasks stay.", irreversible=True
    ):
        await run_in_thread_and_report(screen, lambda: screen.session.task_commands.delete_view(view.name))


async def _save(screen: MainScreenProtocol, typed: str) -> None:
    """Ask until the name can be one, or the operator goes back; a name that is taken is asked about."""
    listing = screen.list_state

    def mistake(text: str) -> InputMistake | None:
        if not text.strip():
            return None
        try:
            saved_views.check_view(View(text, listing.filter, listing.sort, listing.wanted_columns))
        except StoreError as error:
            return InputMistake(str(error), 0, len(text))
        return None

    name = await screen.prompt.ask_text(f"Save “{listing.filter or 'all'}” as the view:", typed, check=mistake)
    if name is None or not name.strip():
        return
    view = View(name.strip(), listing.filter, listing.sort, listing.wanted_columns)
    if await may_replace(screen, view.name):
        await run_in_thread_and_report(screen, lambda: screen.session.task_commands.save_view(view))


async def may_replace(screen: MainScreenProtocol, name: str) -> bool:
    """Return whether a view may be saved under this name; where one has it, the operator is asked."""
    taken = view_named(await asyncio.to_thread(screen.session.reader.views), name)
    if taken is None or taken in BUILT_IN_VIEWS:
        return True
    question = f"Replace the view “{taken.name}”, which lists “{taken.filter or 'all'}”?"
    return await screen.prompt.ask_yes_no(question, irreversible=True)
