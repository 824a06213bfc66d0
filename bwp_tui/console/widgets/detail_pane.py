"""The detail pane: a task's facts, errors with advice, and timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content

from bwp_tui.console.presentation import task_detail
from bwp_tui.console.presentation.breakpoints import WIDE
from bwp_tui.console.presentation.styled_text import StyledLine, StyledText, StyledWidget
from bwp_tui.console.presentation.task_detail import DisplayContext
from bwp_tui.domain.task import Event, Task


class Paragraphs(StyledWidget, can_focus=False):
    """Lines of styled text that wrap."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._content = Content()
        self.display = False

    def set_lines(self, lines: Iterable[Sequence[StyledText]]) -> None:
        """Show the lines; repaints only when they differ."""
        content = Content("\n").join(self.to_content(*line) for line in lines)
        if not content.is_same(self._content):
            self._content = content
            self.display = bool(content.plain)
            self.refresh(layout=True)

    def render(self) -> Content:
        return self.with_styles(self._content)


class Heading(StyledLine):
    """A horizontal rule with a title at the left and another at the right."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: list[StyledText] = []
        self._rights: tuple[str, ...] = ()

    def set_text(self, left: list[StyledText], *rights: str) -> None:
        """Show `left`, and at the right end the first of `rights` that fits."""
        if (left, rights) != (self._left, self._rights):
            self._left, self._rights = left, rights
            self.refresh()

    def render(self) -> Content:
        left = self.to_content(("── ", "muted"), *self._left, (" ", "plain"))
        for title in self._rights:
            right = self.to_content((f" {title} ──", "muted"))
            room = self.size.width - left.cell_length - right.cell_length
            if room >= 1:
                return self.with_styles(Content.assemble(left, self.to_content(("─" * room, "muted")), right))
        room = max(0, self.size.width - left.cell_length)
        whole = Content.assemble(left, self.to_content(("─" * room, "muted")))
        return self.with_styles(whole.truncate(self.size.width, ellipsis=True))


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
        """Show a task and its timeline."""
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
