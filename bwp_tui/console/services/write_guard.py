"""What a read-only profile keeps from being changed, whichever key, command or screen asks for it."""

from __future__ import annotations

from bwp_tui.console.bindings.actions import READ_ONLY
from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import History
from bwp_tui.store.errors import NotPossible


class Changing:
    """The register of a profile for those who change it.

    Args:
        history: the connection that is written by.
    """

    def __init__(self, history: History, profile: Profile) -> None:
        self._history = history
        self._is_refused = profile.read_only

    @property
    def history(self) -> History:
        """The register, to be changed.

        Raises:
            NotPossible: the profile is read-only.
        """
        if self._is_refused:
            raise NotPossible(f"{READ_ONLY} Nothing was done.")
        return self._history
