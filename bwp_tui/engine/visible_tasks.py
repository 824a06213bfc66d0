"""What somebody looks at: it is asked about before the rest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class VisibleTasks:
    """Local numbers of the tasks in sight. Any thread may replace them."""

    numbers: frozenset[int] = frozenset()
