"""The detail pane: a task's facts, errors with advice, and timeline."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from bwp_tui.console.presentation import task_detail
from bwp_tui.console.presentation.breakpoints import WIDE
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.task import Event, Task


class DetailPane(Vertical):
    """The details of the current task."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._number: int | None = None

    def compose(self) -> ComposeResult:
        yield Heading(id="detail-heading")
        with VerticalScroll(id="detail-scroll", can_focus=False):
            yield Paragraphs(id="detail-outcome")
            with Horizontal(id="detail-columns"):
                yield Paragraphs(id="detail-facts")
                yield Paragraphs(id="detail-timeline")

    def set_task(self, task: Task | None, events: Sequence[Event], context: DisplayContext) -> None:
        if task is None:
            self.query_one(Heading).set_text([("no task", "muted")])
            for paragraphs in self.query(Paragraphs):
                paragraphs.set_lines([])
            return
        if task.number != self._number:
            self._number = task.number
            self.query_one(VerticalScroll).scroll_to(y=0, animate=False)
        self.query_one(Heading).set_text(task_detail.heading(task, context), *task_detail.task_names(task))
        outcome = task_detail.outcome_paragraphs(task, context)
        is_beside = self.app.size.width >= WIDE
        self.set_class(is_beside, "-beside")
        self._paragraphs("detail-outcome").set_lines([*outcome, []] if outcome else [])
        self._paragraphs("detail-facts").set_lines(task_detail.fact_lines(task, context))
        lines = list(task_detail.timeline(task, events, context))
        self._paragraphs("detail-timeline").set_lines(lines if is_beside else [[], *lines])

    def scroll_by(self, lines: int) -> None:
        """Scroll the text below the heading."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _paragraphs(self, id: str) -> Paragraphs:
        return self.query_one(f"#{id}", Paragraphs)
