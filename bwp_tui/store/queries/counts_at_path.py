"""Look at a history that this program has not open, the one of another shop, and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import date, datetime
from pathlib import Path

import apsw

from bwp_tui.domain.filter import Filter
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.database.migrate import newest_version, version_of
from bwp_tui.store.database.open import check_file_type, open_without_traces
from bwp_tui.store.errors import StoreDamaged, StoreError
from bwp_tui.store.queries.filter_sql import condition


def counts_at(path: Path, filters: Sequence[Filter], now: datetime, today: date) -> list[int] | None:
    """Return how many tasks match each filter; None where that cannot be read now, or has an older schema.

    Nothing is created, recovered or migrated, and nobody has to wait. A history that is missing has no tasks.
    """
    try:
        if not path.exists():
            return [0 for _ in filters]
        with closing(open_without_traces(path)) as db:
            if version_of(db) != newest_version():
                return None
            wheres = (condition(one, now, today) for one in filters)
            return [
                int(db.execute(f"SELECT count(*) FROM tasks t WHERE {where}", values).get) for where, values in wheres
            ]
    except (apsw.Error, StoreError, OSError):
        return None


def check_usable(path: Path) -> None:
    """Check that opening a history does not fail for certain: what is damaged or missing is recovered or made then.

    Raises:
        StoreUnavailable, StoreTooNew, NotAHistory: it would fail.
    """
    with (
        translated_errors(path),
        suppress(FileNotFoundError, apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError, StoreDamaged),
    ):
        check_file_type(path)
        open_without_traces(path).close()
