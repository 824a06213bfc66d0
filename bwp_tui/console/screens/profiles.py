"""The shops of the config file: what is due and failed in each, and a switch to another."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final

from textual import on

from bwp_tui.console.background import run_in_background
from bwp_tui.console.bindings.actions import ActionContext, Scope
from bwp_tui.console.presentation.format import pad
from bwp_tui.console.presentation.styled_text import StyledText, badge_role
from bwp_tui.console.screens.front_screens import ListScreen
from bwp_tui.console.session import Session
from bwp_tui.console.store_access.shop_list import ListedShop, cannot_switch, list_shops
from bwp_tui.console.widgets.styled_line import Heading
from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.domain.text import counted
from bwp_tui.settings import SettingsError

_NAME: Final = 35
_COUNT: Final = 8
_BESIDE_NAME: Final = 2 * (_COUNT + 2) + len("cannot be used") + 4
"""Cells of the counts, of the remark, and of the margins of the list."""

_PAUSE_S: Final = 15.0

_NOTE: Final = "A shop is served only while bwp-tui run or another bwp-tui has it open."


class ProfilesScreen(ListScreen):
    """Lists the shops.

    Args:
        switch: opens the console of a profile instead, by its name; called once the screen is gone.
    """

    scope = Scope.PROFILES

    def __init__(self, session: Session, switch: Callable[[str], None]) -> None:
        super().__init__(session)
        self.handlers["open"] = self._choose
        self._switch = switch
        self._shops: Sequence[ListedShop] = ()
        self._is_read = False
        self._name_width = _NAME

    @property
    def context(self) -> ActionContext:
        reason = self._shops[self.rows.cursor_row].reason if self._shops else ""
        return ActionContext(switch_reason=reason or cannot_switch(self.session.profile, os.environ))

    def on_mount(self) -> None:
        self.query_one(Heading).set_text([("shops", "strong")])
        run_in_background(self, self._follow)

    async def _follow(self) -> None:
        """Read the shops again and again: what changes in another's history is not told here."""
        while True:
            await self._read()
            await asyncio.sleep(_PAUSE_S)

    async def _read(self) -> None:
        session = self.session
        try:
            shops = await asyncio.to_thread(list_shops, session.profile, os.environ, session.clock())
        except SettingsError as error:
            self._is_read = False
            self.show_status(error.mistakes[0], "bad")
            return
        cursor_on = self._shops[self.rows.cursor_row].name if self._shops else session.profile.name
        if not self._is_read:
            self.status.show((_NOTE, "muted"))
        self._shops, self._is_read = shops, True
        self._show()
        self.rows.go_to(next((row for row, shop in enumerate(shops) if shop.name == cursor_on), 0))
        self.update_footer()

    def _show(self) -> None:
        self.query_one(Heading).set_text([("shops", "strong")], counted(len(self._shops), "profile"))
        longest = max((len(shop.name) for shop in self._shops), default=0) + len("PROFILE")
        self._name_width = min(_NAME, longest, self.app.size.width - _BESIDE_NAME)
        header = (f"{'PROFILE':<{self._name_width}}{'DUE SOON':>{_COUNT}}  {'FAILED':>{_COUNT}}  ", "muted")
        self.rows.show([header], len(self._shops), self._line, cursor=self.rows.cursor_row)

    def _line(self, row: int) -> Sequence[StyledText]:
        shop = self._shops[row]
        return (
            ("  ", "muted" if not shop.profile or self.app.no_color else badge_role(shop.profile)),
            (f" {pad(shop.name, self._name_width - 5)}  ", "strong" if shop.profile else "muted"),
            (f"{_count(shop.due_soon):>{_COUNT}}  ", "warn" if shop.due_soon else "muted"),
            (f"{_count(shop.failed):>{_COUNT}}  ", "bad" if shop.failed else "muted"),
            ("open here" if shop.is_here else "", "muted"),
            ("" if shop.profile else "cannot be used", "warn"),
        )

    @on(VirtualList.CursorMoved)
    def _moved(self) -> None:
        self.update_footer()

    @on(VirtualList.Chosen)
    def _choose(self) -> None:
        if not self._shops:
            return
        shop = self._shops[self.rows.cursor_row]
        if shop.reason:
            self.show_status(shop.reason, "warn")
        else:
            self.dismiss(None)
            self._switch(shop.name)


def _count(count: int | None) -> str:
    return "?" if count is None else str(count)
