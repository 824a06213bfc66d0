"""The conditions on rows that several modules write in SQL.

An alias of the table goes before each. SQLite uses a partial index only for a condition that repeats its text.
"""

from typing import Final

DOWNLOAD_IS_OPEN: Final = "state IN ('queued', 'running')"
"""As `Download.is_open`."""

INTENT_IS_WAITING: Final = "state = 'waiting'"

INTENT_CAN_BE_SENT: Final = (
    f"i.{INTENT_IS_WAITING} AND (i.action = 'submit'"
    " OR (t.task_id IS NOT NULL AND t.status NOT IN ('QUEUED', 'UNCONFIRMED')))"
)
"""The condition on an intent `i` of a task `t`: a cancellation waits until the service has confirmed the task id."""

DOWNLOAD_HAS_ENDED: Final = "state IN ('done', 'failed', 'cancelled')"

IS_ADOPTED: Final = "instr(tags, '\"adopted\"')"
"""The condition that a task has the tag `ADOPTED`."""
