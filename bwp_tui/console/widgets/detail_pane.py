"""The detail pane: a task's facts, errors with advice, and timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from bwp_tui.console.presentation import task_detail
from bwp_tui.console.presentation.breakpoints import WIDE, DetailPlace, detail_width
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.task import Task, TimelineEvent

_LEAST_LINES: Final = 10
_MOST_PERCENT: Final = 45
"""Lines of the pane under the list: what the text needs, between these limits."""

_SPARE_LINES: Final = 4
"""Blank lines that stay: the list would else be resized at nearly every task."""

_LINES_AROUND: Final = 2
"""Lines of the heading, and the blank one under it."""

_MARGIN: Final = 6
"""Cells beside the text: its padding, and the scrollbar."""

_GUTTER: Final = 3


class DetailPane(Vertical):
    """The details of the current task.

    Attributes:
        place: where the screen has it.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.place = DetailPlace.NOWHERE
        self._task_number: int | None = None
        self._lines = 0

    def compose(self) -> ComposeResult:
        yield Heading(id="detail-heading")
        with VerticalScroll(id="detail-scroll", can_focus=False):
            yield Paragraphs(id="detail-outcome")
            with Horizontal(id="detail-columns"):
                yield Paragraphs(id="detail-facts")
                yield Paragraphs(id="detail-timeline")

    def set_task(self, task: Task | None, events: Sequence[TimelineEvent], context: DisplayContext) -> None:
        if task is None:
            self.query_one(Heading).set_text([("no task", "muted")])
            for paragraphs in self.query(Paragraphs):
                paragraphs.set_lines([])
            self._fit(0)
            return
        if task.number != self._task_number:
            self._task_number = task.number
            self.query_one(VerticalScroll).scroll_to(y=0, animate=False, immediate=True)
        self.query_one(Heading).set_text(task_detail.heading(task, context), *task_detail.task_names(task))
        outcome = task_detail.outcome_paragraphs(task, context)
        width = detail_width(self.app.size, self.place)
        is_beside = width >= WIDE
        self.set_class(is_beside, "-beside")
        self._paragraphs("detail-outcome").set_lines([*outcome, []] if outcome else [])
        self._paragraphs("detail-facts").set_lines(task_detail.fact_lines(task, context))
        lines = list(task_detail.timeline_lines(task, events, context))
        self._paragraphs("detail-timeline").set_lines(lines if is_beside else [[], *lines])
        room = max(1, width - _MARGIN)
        column = (room - _GUTTER) // 2 if is_beside else room
        whole, *columns = (
            self._paragraphs(f"detail-{name}").lines_at(cells)
            for name, cells in (("outcome", room), ("facts", column), ("timeline", column))
        )
        self._fit(whole + (max(columns) if is_beside else sum(columns)))

    def _fit(self, text_lines: int) -> None:
        """Size the pane: under the list as high as the text needs, beside the list as wide as the screen allows."""
        most = self.app.size.height * _MOST_PERCENT // 100
        lines = max(_LEAST_LINES, min(text_lines + _LINES_AROUND, most))
        if not lines <= self._lines <= min(lines + _SPARE_LINES, most):
            self._lines = lines
        self.styles.height = self._lines if self.place is DetailPlace.BELOW else None
        self.styles.width = detail_width(self.app.size, self.place) if self.place is DetailPlace.BESIDE else None

    def scroll_by(self, lines: int) -> None:
        """Scroll the text below the heading."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False, immediate=True)

    def _paragraphs(self, id: str) -> Paragraphs:
        return self.query_one(f"#{id}", Paragraphs)
