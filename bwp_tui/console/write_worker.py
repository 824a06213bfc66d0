"""Having the history written off the UI's loop, and saying what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from bwp_tui.console.protocols import StatusReporter
from bwp_tui.store.commands.request_validation import BadRequest
from bwp_tui.store.errors import StoreError

_Result = TypeVar("_Result")


async def run_in_thread_and_report(stage: StatusReporter, act: Callable[[], _Result]) -> _Result | None:
    """Run `act` in a thread; say the sentence it returns, or why it could not be; return its result where it was."""
    try:
        result = await asyncio.to_thread(act)
    except (StoreError, BadRequest) as error:
        stage.show_status(str(error), "bad")
        return None
    if isinstance(result, str):
        stage.show_status(result)
    stage.session.feed.refresh()
    return result
