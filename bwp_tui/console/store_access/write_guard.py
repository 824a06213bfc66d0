"""Keep a read-only profile from being changed, whichever key, command or screen asks for it."""

from __future__ import annotations

from typing import Final

from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible, OtherShop

READ_ONLY: Final = "The history can only be read."
"""Why nothing may be changed: the profile is read-only, or the disk is full or write-protected."""


class WriteGuard:
    """The connection for writes.

    Attributes:
        store_for_polls: the same for polls, which change nothing that a read-only profile protects.
    """

    def __init__(self, store: Store, profile: Profile) -> None:
        self.store_for_polls = store
        self._is_read_only = profile.read_only

    @property
    def store(self) -> Store:
        """The connection.

        Raises:
            NotPossible: the profile is read-only.
        """
        if self._is_read_only:
            raise NotPossible(f"{READ_ONLY} Nothing was done.")
        return self.store_for_polls


def cannot_write_for_shop(store: Store, profile: Profile) -> str | None:
    """Return why these settings cannot record anything, where the history is another shop's; else None."""
    try:
        store.require_shop(profile.shop, deletions_need_approval=profile.deletions_need_approval)
    except OtherShop as error:
        return str(error)
    return None
