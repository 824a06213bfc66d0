"""The message on the terminal after the console has left it."""

from __future__ import annotations

from bwp_tui.domain.text import counted
from bwp_tui.engine.runtime.lease import is_held
from bwp_tui.settings import Profile
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import downloads


def exit_message(profile: Profile) -> str | None:
    """Return how many downloads resume at the next start; None without any, and where another engine resumes them."""
    if not profile.history_path.exists():
        return None  # it was moved or removed: opening it would make a new one
    try:
        store = open_store(profile.history_path)
        try:
            left = sum(not download.paused for download in downloads.unfinished(store))
        finally:
            store.close()
    except StoreError:
        return None
    if not left or is_held(profile.lease_path):
        return None
    return f"{counted(left, 'download')} {'goes' if left == 1 else 'go'} on at the next start."
