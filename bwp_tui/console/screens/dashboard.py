"""The dashboard: counts, due dates, durations, failures and downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll

from bwp_tui.console.bindings.actions import Scope
from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.bindings.screen_actions import bindings_of
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_row_cells import status_role
from bwp_tui.console.screens.action_screen import ScrolledScreen
from bwp_tui.console.screens.help import open_help
from bwp_tui.console.widgets.bars import FooterLine
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.console.workers import start_worker
from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import format_size
from bwp_tui.domain.times import format_duration
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries.dashboard import ANSWERED_DAYS, Answers, Statistics

_INDENT: Final = 3
_LABEL: Final = 24
_BAR: Final = 24
_COUNT: Final = 6
"""Digits of a count that fit in two columns."""

_BESIDE: Final = 2 * (_INDENT + _LABEL + _BAR + 1 + _COUNT) + 3
"""Columns of the terminal at which two columns of figures, the padding and the scrollbar fit side by side."""


class DashboardScreen(ScrolledScreen):
    """Shows figures of the moment it was opened.

    Args:
        read: returns the figures; called in a thread.
        today: the operator's day.
    """

    scope = Scope.DASHBOARD
    BINDINGS = bindings_of(scope)

    def __init__(self, keymap: Keymap, read: Callable[[], Statistics], today: date) -> None:
        super().__init__(keymap)
        self.handlers |= {"help": partial(open_help, self), "dashboard": self.close}
        self._read = read
        self._today = today

    def compose(self) -> ComposeResult:
        yield Heading(id="dashboard-heading")
        with VerticalScroll(id="dashboard-scroll", can_focus=False), Horizontal(id="dashboard-columns"):
            yield Paragraphs(id="dashboard-left")
            yield Paragraphs(id="dashboard-right")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        self.query_one(Heading).set_text([("dashboard", "strong")], self._today.isoformat())
        self.query_one(FooterLine).show_keys(
            self.keymap.hint("scroll", "down", "up"),
            self.keymap.hint("help", "help"),
            self.keymap.hint("back", "back"),
        )
        start_worker(self, self._fill, exclusive=True)

    def on_resize(self) -> None:
        self.set_class(self.app.size.width >= _BESIDE, "-beside")

    async def _fill(self) -> None:
        try:
            figures = await asyncio.to_thread(self._read)
        except StoreError as error:
            self.query_one("#dashboard-left", Paragraphs).set_lines([[], [(str(error), "bad")]])
            return
        # Deadlines first: in one column, a low terminal shows little more.
        self.query_one("#dashboard-left", Paragraphs).set_lines(
            [*_due(figures, self._today), *_answers(figures.answers), *_durations(figures)]
        )
        self.query_one("#dashboard-right", Paragraphs).set_lines(
            [*_statuses(figures), *_failures(figures), *_downloads(figures)]
        )


def _title(title: str) -> list[list[StyledText]]:
    return [[], [(f" {title}", "accent")]]


def _row(label: str, count: int, most: int, role: str) -> list[StyledText]:
    return [(f"   {label:<{_LABEL}}", "plain"), (bar(count, most), role), (f" {count}", "strong" if count else "muted")]


def bar(count: int, most: int) -> str:
    """Return a bar of `count` out of `most`, in half cells, padded to its full width."""
    halves = max(1, round(_BAR * 2 * count / most)) if count else 0
    whole, half = divmod(halves, 2)
    return f"{'━' * whole + '╸' * half:<{_BAR}}"


def _statuses(figures: Statistics) -> Iterator[list[StyledText]]:
    most = max(figures.counts.values(), default=0)
    for kind in Kind:
        yield from _title(f"{kind.lower()}s")
        rows = sorted(
            ((status, count) for (of, status), count in figures.counts.items() if of == kind),
            key=lambda entry: -entry[1],
        )
        for status, count in rows:
            yield _row(status, count, most, status_role(status))
            if resubmitted := figures.resubmitted.get((kind, status), 0):
                yield [(f"     {resubmitted} of them resubmitted", "muted")]
        if not rows:
            yield [("   none yet", "muted")]


def _failures(figures: Statistics) -> Iterator[list[StyledText]]:
    yield from _title("failures by code")
    most = max((count for _, count in figures.failures), default=0)
    for code, count in figures.failures:
        yield _row(code, count, most, "bad")
    if not figures.failures:
        yield [("   none", "muted")]


def _due(figures: Statistics, today: date) -> Iterator[list[StyledText]]:
    yield from _title("open requests by due date")
    most = max(figures.overdue, figures.late, figures.stopped, *figures.due)
    yield _row("overdue", figures.overdue, most, "bad")
    yield _row("may be late", figures.late, most, "warn")
    if figures.appeals:
        yield _row("appeals to answer", figures.appeals, most, "warn")
    if figures.stopped:
        yield _row("clock stopped", figures.stopped, most, "held")
    for week, count in enumerate(figures.due):
        first = today + timedelta(weeks=week)
        last = first + timedelta(days=6)
        yield _row(f"{first:%m-%d} to {last:%m-%d}", count, most, "warn" if week == 0 else "busy")


def _answers(answers: Answers) -> Iterator[list[StyledText]]:
    yield from _title(f"answered in the last {ANSWERED_DAYS} days")
    most = max(answers.in_time, answers.late, answers.undated)
    yield _row("in time", answers.in_time, most, "good")
    yield _row("late", answers.late, most, "bad")
    if answers.undated:
        yield _row("no due date", answers.undated, most, "muted")
    if answers.median_days is not None:
        yield [(f"   {'receipt to answer':<{_LABEL}}", "plain"), (f"median {answers.median_days:g}d", "strong")]


def _durations(figures: Statistics) -> Iterator[list[StyledText]]:
    yield from _title("time to complete")
    for duration in figures.durations:
        median = format_duration(timedelta(seconds=duration.median))
        p90 = format_duration(timedelta(seconds=duration.p90))
        yield [
            (f"   {duration.kind.lower():<{_LABEL}}", "plain"),
            (f"median {median}", "strong"),
            (f"   90% within {p90}", "muted"),
        ]
    if not figures.durations:
        yield [("   none completed", "muted")]


def _downloads(figures: Statistics) -> Iterator[list[StyledText]]:
    count, total = figures.saved
    yield from _title("downloads")
    yield [(f"   {'done':<{_LABEL}}", "plain"), (f"{count}", "strong"), (f"   {format_size(total)}", "muted")]
    if figures.gone:
        yield [(f"   {'gone from disk':<{_LABEL}}", "plain"), (f"{figures.gone}", "warn")]
    if figures.failed_downloads:
        yield [(f"   {'failed':<{_LABEL}}", "plain"), (f"{figures.failed_downloads}", "bad")]
