"""The table of tasks: up to a million rows. It reads those in sight, caches them, and repaints those that changed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import ClassVar, Final, Protocol

from rich.style import Style
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip

from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.task_row_cells import Cell, CellContext
from bwp_tui.console.presentation.task_row_layout import (
    Layout,
    PlacedColumn,
    cells_of,
    header_strip,
    place_columns,
    row_strip,
)
from bwp_tui.console.widgets.virtual_rows import HEADER_LINES, VirtualRows
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import Clock, local_day

_MAX_STRIPS: Final = 512
"""Painted lines in the cache: some pages."""

_SEARCHED_FIRST: Final = 64
"""Rows on both sides of the cursor that are searched for its task before all others."""

_MARKED_READ: Final = 20
"""Fewest marked tasks that are read where none is in sight."""


class TaskSource(Protocol):
    """Where the table reads its rows: the history."""

    def by_numbers(self, numbers: Sequence[int]) -> Sequence[Task]:
        """Return the tasks of these task numbers, in any order; one that no longer exists is left out."""


class VisibleRows:
    """Tasks and cells by task number. It holds a page, whatever the size of the view."""

    def __init__(self, source: TaskSource) -> None:
        self._source = source
        self._tasks: dict[int, Task] = {}
        self._cells: dict[int, tuple[Cell, ...]] = {}
        self._placed: tuple[PlacedColumn, ...] = ()

    def __contains__(self, number: int) -> bool:
        return number in self._cells

    def task(self, number: int) -> Task | None:
        """Return a task, in sight or not, or None where the history has none of this number."""
        if number in self._cells:
            return self._tasks.get(number)
        return next(iter(self._source.by_numbers([number])), None)

    def tasks(self, numbers: Sequence[int]) -> Sequence[Task]:
        """Return tasks, in sight or not."""
        return self._source.by_numbers(numbers)

    def set_columns(self, placed: tuple[PlacedColumn, ...]) -> None:
        """Set the columns; the cells are made anew."""
        self._placed = placed
        self._cells.clear()

    def show(self, numbers: Collection[int], context: CellContext) -> None:
        """Hold the tasks and cells of these rows and no others, reading only what is not held yet."""
        missing = [number for number in numbers if number not in self._tasks]
        if missing:
            self._read(missing)
        self._tasks = {number: self._tasks[number] for number in numbers if number in self._tasks}
        self._cells = {number: self._cells.get(number) or self._cells_of(number, context) for number in numbers}

    def cells(self, number: int) -> tuple[Cell, ...]:
        """Return the cells of a row in sight.

        Raises:
            KeyError: the row is not in sight.
        """
        return self._cells[number]

    def reread(self, numbers: Collection[int], context: CellContext) -> set[int]:
        """Read those of `numbers` that are in sight, and return those whose cells differ.

        A task that is held without cells, as after another width, is dropped: it is read once it is shown.
        """
        for number in numbers:
            self._tasks.pop(number, None)
        stale = [number for number in numbers if number in self._cells]
        if not stale:
            return set()
        self._read(stale)
        return self._update(stale, context)

    def update(self, context: CellContext) -> set[int]:
        """Make all cells anew, and return those whose cells differ."""
        return self._update(list(self._cells), context)

    def _update(self, numbers: Iterable[int], context: CellContext) -> set[int]:
        new = {number: self._cells_of(number, context) for number in numbers}
        changed = {number for number, cells in new.items() if cells != self._cells[number]}
        self._cells.update(new)
        return changed

    def _read(self, numbers: Sequence[int]) -> None:
        self._tasks.update((task.number, task) for task in self._source.by_numbers(numbers))

    def _cells_of(self, number: int, context: CellContext) -> tuple[Cell, ...]:
        task = self._tasks.get(number)
        if task is None:
            return tuple(Cell("", "row") for _ in self._placed)
        return cells_of(task, self._placed, context)


class TaskTable(VirtualRows):
    """The tasks of a view, by task number, with a cursor.

    Args:
        day: length of one of the service's days, in which holding periods are counted.

    Attributes:
        numbers: task numbers of the rows, in their order; not to be altered.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"task-table--{name}"
        for name in (
            *("header", "row", "subject", "muted", "good", "bad", "warn", "busy", "held", "overdue"),
            *("mark", "pointer", "cursor", "cursor-subject", "empty", "found"),
        )
    }

    masked: var[bool] = var(True)
    """Whether emails are shown as `j•••@example.com`."""

    marks: var[frozenset[int]] = var[frozenset[int]](frozenset())
    """Local numbers of the marked tasks, in sight or not."""

    service_in_trouble: var[bool] = var(False)
    """Whether the API is in trouble, which the header shows for all tasks."""

    gone_results: var[frozenset[int]] = var[frozenset[int]](frozenset())
    """Ids of the downloads whose saved files are no longer on disk."""

    highlights: var[tuple[str, ...]] = var[tuple[str, ...]](())
    """Texts of the filter, highlighted wherever a task shows them."""

    columns: var[tuple[str, ...]] = var[tuple[str, ...]](())
    """Ids of the columns to show, sideways where there is no room; without any, the width decides."""

    sort: var[str] = var("newest")
    """The order of the rows, of which the header has a sign."""

    empty_text: var[Content] = var(Content())
    """Text in the middle of a table without rows."""

    def __init__(self, source: TaskSource, *, clock: Clock, day: timedelta, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = VisibleRows(source)
        self._clock = clock
        self._day = day
        self._glyphs = locale_glyphs()
        self.numbers: array[int] = array("q")
        self._layout_of_columns = Layout()
        self._placed_width = -1
        self.sort_clicked: Callable[[str], None] = lambda _sort: None
        self._component_styles_of: dict[tuple[str, ...], Style] = {}
        # By cells and cursor; a change of width or style empties the cache.
        self._strips: LRUCache[tuple[tuple[Cell, ...], bool], Strip] = LRUCache(_MAX_STRIPS)

    @property
    def current_number(self) -> int | None:
        return self.numbers[self._cursor] if self.numbers else None

    @property
    def current(self) -> Task | None:
        number = self.current_number
        return None if number is None else self._rows.task(number)

    def show(self, numbers: array[int]) -> None:
        """Make `numbers` (task numbers, type code `q`) the rows, in this order. The array is kept: do not alter it.

        The cursor stays on its task and the task on its line; where the task is gone, the cursor stays on its row.
        Only lines that show another task than before are repainted.
        """
        if numbers is self.numbers or numbers == self.numbers:
            return
        current, before, was_empty = self.current_number, self._lines(), not self.numbers
        top, line = self.top, self._cursor - self.top
        self.numbers, self.row_count = numbers, len(numbers)
        self._cursor = self._row_after(current)
        self.fit_height()
        stays_at_top = top == 0 and self._cursor < self.page
        self.set_top(0 if stays_at_top else self._cursor - line)
        for y, (old, new) in enumerate(zip(before, self._lines(), strict=True)):
            if old != new:
                self.repaint_row(self.top + y)
        if was_empty or not numbers:
            self.refresh()
        if self.current_number != current:
            self.post_message(self.CursorMoved())

    def refresh_tasks(self, changed: Collection[int]) -> None:
        """Read those of `changed` again that are in sight, and repaint the rows that differ."""
        self._repaint(self._rows.reread(changed, self._cell_context()))

    def refresh_cells(self) -> None:
        """Update what depends on the time: ages, countdowns, holding periods."""
        self._repaint(self._rows.update(self._cell_context()))

    watch_marks = watch_service_in_trouble = watch_highlights = watch_gone_results = refresh_cells

    @property
    def visible_numbers(self) -> array[int]:
        return self.numbers[self.top : self.top + self.page]

    @property
    def visible_tasks(self) -> Sequence[Task]:
        return list(filter(None, map(self._rows.task, self.visible_numbers)))

    @property
    def some_marked(self) -> Sequence[Task]:
        """The marked tasks in sight; where none is, some of the others: a key press has no time for a million."""
        if not self.marks:
            return ()
        rows = self.visible_tasks if self.size.height else ()  # the details may hide the list
        in_sight = [task for task in rows if task.number in self.marks]
        return in_sight or self._rows.tasks(list(islice(self.marks, max(self.page, _MARKED_READ))))

    def watch_masked(self) -> None:
        self._place_columns(self._layout_of_columns.skipped)
        self.refresh_cells()

    def watch_columns(self) -> None:
        self._place_columns(0)

    def watch_sort(self) -> None:
        self.refresh(Region(0, 0, self.scrollable_size.width, HEADER_LINES))

    def scroll_columns(self, step: int) -> bool:
        """Scroll sideways by columns; return whether there are more on that side."""
        layout = self._layout_of_columns
        can_scroll = layout.is_more if step > 0 else layout.skipped > 0
        if can_scroll:
            self._place_columns(layout.skipped + step)
        return can_scroll

    def _place_columns(self, skipped: int) -> None:
        self._layout_of_columns = self._layout_of_columns._replace(skipped=skipped)
        self._placed_width = -1
        self.refresh()

    def watch_empty_text(self) -> None:
        if not self.numbers:
            self.refresh()

    @property
    def visible_columns(self) -> tuple[str, ...]:
        self._layout_columns(self.scrollable_size.width)
        return tuple(place.column.id for place in self._layout_of_columns.placed)

    def go_to_task(self, number: int) -> bool:
        """Put the cursor on a task; return whether the view has it."""
        row = self.row_of(number)
        if row is None:
            return False
        self.go_to(row)
        return True

    def neighbour(self, number: int, step: int, last_row: int) -> int | None:
        """Return the task one row below or above another, or None past the ends of the view.

        Args:
            last_row: the row that the other had; where it has left the view, the next one has moved there.
        """
        row = self.row_of(number)
        at = row + step if row is not None else last_row + min(step, 0)
        return self.numbers[at] if 0 <= at < self.row_count else None

    def click_title(self, x: int) -> None:
        for column, start, cells in self._layout_of_columns.placed:
            if column.sort and start <= x < start + cells:
                self.sort_clicked(column.sort)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._component_styles_of.clear()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_size.width
        self._layout_columns(width)
        if y < HEADER_LINES:
            return header_strip(self._layout_of_columns, self.sort, width, self._glyphs, self._style)
        row = self.top + y - HEADER_LINES
        if row < self.row_count:
            return self._row_line(row)
        return self._blank_line(y)

    def _row_line(self, row: int) -> Strip:
        number = self.numbers[row]
        if number not in self._rows:
            self._rows.show(self.visible_numbers, self._cell_context())
        line = (self._rows.cells(number), row == self._cursor)
        strip = self._strips.get(line)
        if strip is None:
            cells, current = line
            strip = row_strip(
                cells,
                self._layout_of_columns.placed,
                self.scrollable_size.width,
                self._glyphs,
                self._style,
                current=current,
            )
            self._strips[line] = strip
        return strip

    def _blank_line(self, y: int) -> Strip:
        width, lines = self.scrollable_size.width, self.empty_text.split()
        index = y - HEADER_LINES - max(0, (self.page - len(lines)) // 2)
        if self.numbers or not 0 <= index < len(lines):
            return Strip.blank(width, self._style("row"))
        text = lines[index].truncate(width, ellipsis=True)
        text = text.pad_left((width - text.cell_length) // 2)
        strip = Strip(text.render_segments(self.get_visual_style("task-table--empty")))
        return strip.adjust_cell_length(width, self._style("empty"))

    def _layout_columns(self, width: int) -> None:
        if width != self._placed_width:
            self._layout_of_columns = place_columns(
                width, self.columns, self._layout_of_columns.skipped, masked=self.masked
            )
            self._placed_width = width
            self._rows.set_columns(self._layout_of_columns.placed)
            self._strips.clear()

    def _style(self, *names: str) -> Style:
        """Return the style of the first name, with the band and the letters of the other ones over it."""
        style = self._component_styles_of.get(names)
        if style is None:
            style = self.get_component_rich_style(f"task-table--{names[0]}")
            for name in names[1:]:
                style += self.style_above(f"task-table--{name}")
            self._component_styles_of[names] = style
        return style

    def _cell_context(self) -> CellContext:
        now = self._clock()
        return CellContext(
            now,
            local_day(now),
            self._day,
            self.masked,
            self.marks,
            self._glyphs,
            self.highlights,
            self.service_in_trouble,
            self.gone_results,
        )

    def _lines(self) -> list[tuple[int | None, bool]]:
        """Return the task of each line of the page, and whether the cursor is on it."""
        numbers: list[int | None] = list(self.visible_numbers)
        numbers += [None] * (self.page - len(numbers))
        return [(number, self.top + y == self._cursor) for y, number in enumerate(numbers)]

    def row_of(self, number: int) -> int | None:
        """Return the row of a task, or None where the view lacks it."""
        start = max(0, self._cursor - _SEARCHED_FIRST)
        for first, end in ((start, start + 2 * _SEARCHED_FIRST), (0, self.row_count)):
            with suppress(ValueError):
                return self.numbers.index(number, first, end)
        return None

    def _row_after(self, number: int | None) -> int:
        """Return the cursor's row in a new view: that of its task, or else the nearest."""
        row = None if number is None else self.row_of(number)
        return max(0, min(self._cursor, self.row_count - 1)) if row is None else row

    def _repaint(self, numbers: Collection[int]) -> None:
        for y, number in enumerate(self.visible_numbers):
            if number in numbers:
                self.repaint_row(self.top + y)
