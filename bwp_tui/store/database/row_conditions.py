"""The conditions on rows that several modules write in SQL.

An alias of the table goes before each. SQLite uses a partial index only for a condition that repeats its text.
"""

from typing import Final

DOWNLOAD_IS_OPEN: Final = "state IN ('queued', 'running')"
"""As `Download.is_open`."""

INTENT_IS_WAITING: Final = "state = 'waiting'"

DOWNLOAD_HAS_ENDED: Final = "state IN ('done', 'failed', 'cancelled')"

IS_ADOPTED: Final = "instr(tags, '\"adopted\"')"
"""The condition that a task has the tag `ADOPTED`."""
