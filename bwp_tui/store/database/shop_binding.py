"""Bind a history to the shop whose requests it holds, and refuse the settings of another shop.

It is bound to a target id with its first request, and to an API host with its first task id: requests to a wrong
host have reached no service.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import apsw

from bwp_tui.domain.urls import Shop

BOUND_SHOP: Final = "SELECT target_id, api_host FROM meta WHERE EXISTS (SELECT 1 FROM tasks)"
"""The query whose rows `bound_shop` takes."""

REBIND: Final = "UPDATE meta SET target_id = ?, api_host = ?"
"""Binds a history to another shop."""


def bound_shop(rows: Iterable[Sequence[object]]) -> Shop | None:
    """Return the shop that a history is bound to; None before its first request, or where an older program wrote it."""
    for target_id, host in rows:
        if isinstance(target_id, str):
            return Shop(target_id, host if isinstance(host, str) else None)
    return None


def binding_conflict(db: apsw.Connection, path: Path, shop: Shop) -> str | None:
    """Return a sentence if the history is bound to another shop, or None."""
    bound = bound_shop(db.execute(BOUND_SHOP))
    if bound is None or not bound.is_certainly_other(shop):
        return None
    return (
        f"The history {path} holds the requests of {bound}, and the settings are those of {shop}: nothing is recorded "
        "or sent. Use the settings of that shop or another --profile; if it is the same shop, whose id or address was "
        "mistyped or has changed, run: bwp-tui config adopt."
    )


def bind_shop(db: apsw.Connection, shop: Shop) -> None:
    """Bind a history to a shop, in the caller's transaction."""
    db.execute(
        "UPDATE meta SET target_id = ?, api_host = CASE WHEN EXISTS (SELECT 1 FROM tasks WHERE submitted_at > '')"
        " THEN coalesce(?, api_host) ELSE api_host END",
        shop,
    )
