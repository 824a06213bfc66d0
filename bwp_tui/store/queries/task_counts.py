"""The tallies: how many tasks there are of each sort, kept by triggers so that nobody counts rows."""

from __future__ import annotations

from typing import Final

_KEY: Final = "kind, status, terminal, saved, resubmitted, open"

COUNTED: Final = f"SELECT {_KEY}, count(*) FROM tasks GROUP BY {_KEY}"
TRIGGERS: Final = f"SELECT {_KEY}, tasks FROM tallies WHERE tasks > 0"
"""Both say the same, whatever has happened: one of the rows, the other of the tallies."""

REBUILD: Final = ("DELETE FROM tallies", f"INSERT INTO tallies {COUNTED}")
