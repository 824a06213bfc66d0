"""What a read-only profile keeps from being changed, whichever key, command or screen asks for it."""

from __future__ import annotations

from typing import Final

from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible

READ_ONLY: Final = "This profile can only be read."


class WriteGuard:
    """The history of a profile for those who change it.

    Args:
        history: the connection that is written by.
    """

    def __init__(self, store: Store, profile: Profile) -> None:
        self._store = store
        self._is_refused = profile.read_only

    @property
    def store(self) -> Store:
        """The history, to be changed.

        Raises:
            NotPossible: the profile is read-only.
        """
        if self._is_refused:
            raise NotPossible(f"{READ_ONLY} Nothing was done.")
        return self._store
