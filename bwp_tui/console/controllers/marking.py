"""Mark tasks."""

from __future__ import annotations

from collections.abc import Callable

from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.protocols import MainScreenProtocol


class Marking:
    """Carries out the actions that mark tasks.

    Attributes:
        handlers: what each action does.
    """

    def __init__(self, screen: MainScreenProtocol, marked: MarkedTasks) -> None:
        self._screen = screen
        self._marked = marked
        self._last: int | None = None
        self.handlers: dict[str, Callable[[], None]] = {
            "mark": self._toggle,
            "mark_range": lambda: self._if_all_rows_read(self._mark_range),
            "mark_all": lambda: self._if_all_rows_read(self._mark_all),
        }

    def _toggle(self) -> None:
        number = self._screen.table.current_number
        if number is not None:
            self._last = number
            self._marked.set(self._marked.all ^ {number})
            self._screen.table.move(1)

    def _if_all_rows_read(self, mark: Callable[[], None]) -> None:
        """Mark many where the list is what was asked for: else tasks would be marked that nobody sees."""
        if self._screen.has_all_rows:
            mark()
        else:
            self._screen.show_status("The list is still being read: nothing was marked. Press the key again.", "warn")

    def _mark_range(self) -> None:
        """Mark all from the task marked last to the one under the cursor."""
        numbers = self._screen.table.numbers
        here = self._screen.table.cursor_row
        last_marked = self._last
        start = here if last_marked is None or last_marked not in numbers else numbers.index(last_marked)
        first, last = sorted((start, here))
        self._marked.set(self._marked.all | frozenset(numbers[first : last + 1]))

    def _mark_all(self) -> None:
        """Mark all that the view shows, or none when all are marked."""
        markable, marked = frozenset(self._screen.table.numbers), self._marked.all
        self._marked.set(frozenset() if markable and markable <= marked else marked | markable)
