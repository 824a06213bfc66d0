"""Say at the end of a console, or of plain mode, what it leaves undone."""

from __future__ import annotations

from contextlib import closing

from bwp_tui.engine.runtime.lease import is_any_engine_running
from bwp_tui.settings import Profile
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog.engine_state import NO_ENGINE_LEFT
from bwp_tui.store.worklog.intents import unfinished_work


def exit_message(profile: Profile) -> str | None:
    """Return what is to be said at the end; None where that is nothing.

    It is what waits for the next start, unless another engine does it now or the profile is read-only, and what was
    recovered of a history that was found damaged.
    """
    try:
        if profile.is_sandbox or not profile.history_path.exists():
            return None  # the practice begins anew at each start; a history that was moved or removed would be made new
        with closing(open_store(profile.history_path)) as store:
            work = unfinished_work(store)
    except (StoreError, OSError):
        return None
    sentences = [store.opening_report] if store.opening_report else []
    waiting = work and work._replace(failed_polls=0).counts_text
    if waiting and not profile.read_only and not is_any_engine_running(profile.lease_path):
        again = f"bwp-tui run --profile {profile.name}"
        sentences.append(f"{waiting}. {NO_ENGINE_LEFT.replace('bwp-tui run', again)}")
    return "\n".join(sentences) or None
