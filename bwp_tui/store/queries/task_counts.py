"""Count tasks by their states, in a table that triggers maintain."""

from __future__ import annotations

from typing import Final

_KEY: Final = "kind, status, terminal, saved, resubmitted, open"

COUNTED: Final = f"SELECT {_KEY}, count(*) FROM tasks GROUP BY {_KEY}"
TRIGGERS: Final = f"SELECT {_KEY}, tasks FROM tallies WHERE tasks > 0"
"""Two queries with the same result: the first counts the rows, the second reads the triggers' counts."""

REBUILD: Final = ("DELETE FROM tallies", f"INSERT INTO tallies {COUNTED}")
