"""Format the dashboard: sections of lines in columns or as plain text, and the filter of what each line counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from bwp_tui.console.presentation.format import pad
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_row_cells import status_role
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import format_size
from bwp_tui.domain.times import format_duration
from bwp_tui.store.queries.dashboard import ANSWERED_DAYS, NO_CODE, TREND_WEEKS, Statistics

FIGURES_CELLS: Final = 57
"""Cells that a column needs."""

_MOST_COLUMNS: Final = 3
_INDENT: Final = "  "
_LABEL: Final = 24
_COUNT: Final = 8
_MARGIN: Final = 4
"""Cells of the cursor's sign before a column, and of the blanks behind it."""

_WIDEST_BAR: Final = TREND_WEEKS
"""Cells of a bar at most: a cell of the trend is a week."""

_STEPS: Final = "▁▂▃▄▅▆▇█"
_ASCII_STEPS: Final = "_.:-=+*#"
_WEEK_DAYS: Final = 7


class FigureLine(NamedTuple):
    """A line of the dashboard, and the filter of the tasks that it counts; empty where it counts none."""

    texts: tuple[StyledText, ...]
    filter: str = ""


def dashboard_columns(figures: Statistics, today: date, width: int) -> list[list[FigureLine]]:
    """Return the lines of each column; `width` cells hold one to three of them, the most urgent figures first."""
    count = max(1, min(_MOST_COLUMNS, width // FIGURES_CELLS))
    room = width // count - _MARGIN - len(_INDENT) - _LABEL - 1 - _COUNT
    return _Sections(figures, today, max(1, min(_WIDEST_BAR, room))).columns(count)


def dashboard_text(figures: Statistics, today: date) -> Iterator[str]:
    """Yield the lines of one column as text, without bars."""
    (lines,) = _Sections(figures, today, 0).columns(1)
    return ("".join(text for text, _ in line.texts) for line in lines)


def count_bar(count: int, most: int, cells: int) -> str:
    """Return a bar of `count` out of `most`, in half cells, padded to its full width."""
    halves = max(1, round(cells * 2 * count / most)) if count and cells else 0
    whole, half = divmod(halves, 2)
    return f"{'━' * whole + '╸' * half:<{cells}}"


def sparkline(counts: Sequence[int], most: int) -> str:
    """Return a cell for each count, the higher the more; 0 alone is the lowest step."""
    steps = _ASCII_STEPS if locale_glyphs().ascii_only else _STEPS
    return "".join(steps[-(-(len(steps) - 1) * count // max(most, 1))] for count in counts)


class _Sections:
    """Formats the sections, with bars of `bar_cells` cells."""

    def __init__(self, figures: Statistics, today: date, bar_cells: int) -> None:
        self._figures = figures
        self._today = today
        self._bar_cells = bar_cells

    def columns(self, count: int) -> list[list[FigureLine]]:
        """Return the lines of each of `count` columns, with a blank one between two sections."""
        dates, states = [self._due, self._answers], [self._statuses]
        trend, rest = [self._trend, self._durations], [self._failures, self._downloads]
        columns = {
            1: [[*dates, *trend, *states, *rest]],
            2: [[*dates, *trend], [*states, *rest]],
            3: [dates, states, [*trend, *rest]],
        }[count]
        return [[line for section in column for line in (*section(), FigureLine(()))][:-1] for column in columns]

    def _row(self, label: str, count: int, most: int, role: str, task_filter: str = "") -> FigureLine:
        bar = (count_bar(count, most, self._bar_cells), role)
        return FigureLine((self._label(label), bar, self._number_behind_bar(count)), task_filter)

    def _number_behind_bar(self, count: int) -> StyledText:
        return (f" {count}" if self._bar_cells else str(count), "strong" if count else "muted")

    @staticmethod
    def _label(label: str) -> StyledText:
        return (f"{_INDENT}{pad(label, _LABEL)}", "plain")

    def _title(self, title: str, most: int = 0, whole: str = "full bar") -> FigureLine:
        """Return the title of a section; `most` is what a whole bar stands for."""
        return FigureLine(((title, "accent"), (f"  {whole} {most}" if most and self._bar_cells else "", "muted")))

    def _due(self) -> Iterator[FigureLine]:
        figures = self._figures
        most = max(figures.overdue, figures.late, figures.stopped, figures.due_later, *figures.due)
        yield self._title("Open requests by due date", most)
        yield self._row("overdue", figures.overdue, most, "bad", "is:open due:over")
        if figures.stopped:
            yield self._row("clock stopped", figures.stopped, most, "held", "is:stopped")
        for week, count in enumerate(figures.due):
            first = self._today + timedelta(weeks=week)
            label, end = f"{first:%m-%d} to {first + timedelta(days=6):%m-%d}", first + timedelta(weeks=1)
            role = "warn" if week == 0 else "busy"
            yield self._row(label, count, most, role, f"is:open due>={first} due<{end}")
        if figures.due_later:
            end = self._today + timedelta(weeks=len(figures.due))
            yield self._row("later", figures.due_later, most, "busy", f"is:open due>={end}")
        yield self._row("of these may be late", figures.late, most, "warn", "is:late")
        if figures.appeals:
            yield self._row("of these on appeal", figures.appeals, most, "warn", "is:appealed")

    def _answers(self) -> Iterator[FigureLine]:
        answers = self._figures.answers
        most = max(answers.in_time, answers.late, answers.undated)
        yield self._title(f"Answered in the last {ANSWERED_DAYS} days", most)
        yield self._row("in time", answers.in_time, most, "good")
        yield self._row("late", answers.late, most, "bad")
        if answers.undated:
            yield self._row("no due date", answers.undated, most, "muted")
        if answers.median_days is not None:
            yield FigureLine((self._label("receipt to answer"), (f"median {answers.median_days:g}d", "strong")))

    def _trend(self) -> Iterator[FigureLine]:
        """Yield what came and what was answered in each of the last weeks, on one scale."""
        received, answered = self._figures.received[-self._bar_cells :], self._figures.answered[-self._bar_cells :]
        most = max(*received, *answered)
        title = f"Requests by week, the last {len(received)}" if self._bar_cells else "Requests in the last 7 days"
        yield self._title(title, most, "full height")
        for name, counts, role in (("received", received, "busy"), ("answered", answered, "good")):
            bars = sparkline(counts, most) if self._bar_cells else ""
            line: StyledText = (f"{bars:<{self._bar_cells}}", role)
            texts = (self._label(name), line, self._number_behind_bar(counts[-1]))
            # No filter tells which declines are answers, as the figure does.
            task_filter = "" if name == "answered" else f"received<{_WEEK_DAYS}d -is:resubmitted"
            yield FigureLine(texts, task_filter)

    def _statuses(self) -> Iterator[FigureLine]:
        figures = self._figures
        most = max(figures.counts.values(), default=0)
        for kind in Kind:
            yield self._title(f"{kind.capitalize()}s", most)
            counted = ((status, count) for (of, status), count in figures.counts.items() if of == kind)
            rows = sorted(counted, key=lambda entry: -entry[1])
            for status, count in rows:
                task_filter = f"kind:{kind.lower()} status:{status}"
                yield self._row(status, count, most, status_role(status), task_filter)
                if resubmitted := figures.resubmitted.get((kind, status), 0):
                    text = f"{_INDENT * 2}{resubmitted} of them resubmitted"
                    yield FigureLine(((text, "muted"),), f"{task_filter} is:resubmitted")
            if not rows:
                yield FigureLine(((f"{_INDENT}none yet", "muted"),))
            if kind is not list(Kind)[-1]:
                yield FigureLine(())

    def _failures(self) -> Iterator[FigureLine]:
        failures = self._figures.failures
        most = max((count for _, count in failures), default=0)
        yield self._title("Failures by code", most)
        for code, count in failures:
            known = "" if code == NO_CODE else f"status:{Status.FAILED},{Status.REJECTED} error:{code}"
            yield self._row(code, count, most, "bad", known)
        if not failures:
            yield FigureLine(((f"{_INDENT}none", "muted"),))

    def _durations(self) -> Iterator[FigureLine]:
        yield self._title("Time to complete")
        for duration in self._figures.durations:
            median = format_duration(timedelta(seconds=duration.median))
            p90 = format_duration(timedelta(seconds=duration.p90), rounds_up=True)
            label = self._label(duration.kind.lower())
            yield FigureLine((label, (f"median {median}", "strong"), (f"   90% within {p90}", "muted")))
        if not self._figures.durations:
            yield FigureLine(((f"{_INDENT}none completed", "muted"),))

    def _downloads(self) -> Iterator[FigureLine]:
        figures = self._figures
        count, total = figures.saved
        size = f"   {format_size(total)}" if count else ""
        yield self._title("Downloads")
        yield FigureLine((self._label("done"), (f"{count}", "strong" if count else "muted"), (size, "muted")))
        if figures.gone:
            yield FigureLine((self._label("gone or changed"), (f"{figures.gone}", "warn")))
        if figures.failed_downloads:
            yield FigureLine((self._label("failed"), (f"{figures.failed_downloads}", "bad")))
