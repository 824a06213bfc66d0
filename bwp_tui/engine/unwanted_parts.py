"""Removing the parts of cancelled downloads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from pathlib import Path

from bwp_tui.engine.archive_names import file_name, part_name
from bwp_tui.history import downloads
from bwp_tui.history.connection import History


async def remove_unwanted_parts(history: History, in_use: Collection[int]) -> None:
    """Remove what cancelled downloads have left, but of the tasks `in_use`, whose slots still write.

    What a folder does not let go is tried again whenever the history changes.

    Raises:
        HistoryError: it could not be recorded.
    """
    for order in downloads.unwanted(history):
        if order.number in in_use:
            continue
        part = Path(order.directory) / part_name(file_name(order.kind, order.email, order.task_id))
        with contextlib.suppress(OSError):
            await asyncio.to_thread(part.unlink, missing_ok=True)
            downloads.part_removed(history, order)
