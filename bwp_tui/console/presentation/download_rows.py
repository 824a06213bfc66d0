"""Format downloads as lines: open ones in the order of the queue, then finished ones."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from textwrap import wrap
from typing import Final, NamedTuple

from rich.cells import cell_len

from bwp_tui.console.presentation.breakpoints import LIST_NARROW, LIST_WIDE
from bwp_tui.console.presentation.download_detail import (
    STATE_CELLS,
    end_text,
    partial_file_text,
    state_text,
    trouble_of,
)
from bwp_tui.console.presentation.format import DisplayContext, email_text, mask, pad, progress_bar
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.domain.downloads import Download, time_left
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import clean_line, format_size, format_size_as
from bwp_tui.domain.times import format_duration

ListedDownloads = Sequence[tuple[Download, Task]]

_ACTIVE: Final = "ACTIVE"
_FINISHED: Final = "FINISHED"
_MARK: Final = 2
_GAP: Final = "  "
_PERCENT: Final = 4
_LEAST_STATE: Final = 14
"""Cells of a state beside its figures; a longer one goes on where its figures are blank."""

_WIDEST_STATE: Final = 46
_BYTES: Final = 16
_RATE: Final = 9
_LEFT: Final = 4
_ATTEMPT: Final = 7
_SIZE: Final = 9
_SHA: Final = 12
_SHORT_SHA: Final = 8
_ACTOR: Final = 10
_EMAIL: Final = 30
_FILE: Final = len("retrieval-.zip") + 36
"""Cells of a file's name, with the task id in it."""


class DownloadRow(NamedTuple):
    """A line of the list: of the download `id`, or of none, which the cursor skips."""

    id: int | None
    texts: tuple[StyledText, ...]


class DownloadRowBuilder:
    """Formats lines of `width` cells, with `glyph` before the downloads whose ids are in `marks`."""

    def __init__(
        self, listed: ListedDownloads, width: int, context: DisplayContext, marks: AbstractSet[int], glyph: str
    ) -> None:
        self._listed = listed
        self._context = context
        self._marks = marks
        self._glyph = glyph
        self._width = width
        self._is_wide, self._is_medium = width >= LIST_WIDE, width >= LIST_NARROW
        self._digits = max((len(f"#{task.number}") for _, task in listed), default=0)
        figures = [_RATE, _LEFT, *([_BYTES] if self._is_medium else []), *([_ATTEMPT] if self._is_wide else [])]
        room = width - _MARK - len(_GAP) - sum(len(_GAP) + figure for figure in figures)
        names = max(8, room - _LEAST_STATE)
        self._has_email_title = self._is_wide or names >= len(_FINISHED) + _EMAIL
        self._number_width = max(self._digits, len(_FINISHED)) if self._has_email_title else self._digits
        self._email_width = self._number_width + _EMAIL if self._has_email_title else names
        self._sha_width = _SHA if self._is_wide else _SHORT_SHA
        beside_actor = (self._email_width, STATE_CELLS, _SIZE, self._sha_width, _FILE)
        longest = max((cell_len(download.actor) for download, _ in listed), default=0)
        self._actor_width = max(_ACTOR, min(longest, width - _MARK - sum(len(_GAP) + cells for cells in beside_actor)))
        self._state_width = min(_WIDEST_STATE, room - self._email_width)

    def titles_and_rows(self) -> tuple[list[StyledText], list[DownloadRow]]:
        """Return the titles of the first part, and the lines below them."""
        active = self.active_rows()
        finished = [
            DownloadRow(download.id, self._finished_cells(download, task))
            for download, task in self._listed
            if not download.is_open
        ]
        if not self._listed:
            key = self._context.key("download")
            how = f" Press {key} on a completed retrieval to start one." if key else ""
            sentence = f"No downloads yet.{how}"
            return [], [DownloadRow(None, ((part, "muted"),)) for part in wrap(sentence, self._width)]
        if not active:
            return [self._finished_titles], finished
        between = [DownloadRow(None, ()), DownloadRow(None, (self._finished_titles,))] if finished else []
        return [self._active_titles], [*active, *between, *finished]

    def active_rows(self) -> list[DownloadRow]:
        return [
            DownloadRow(download.id, self._active_cells(download, task))
            for download, task in self._listed
            if download.is_open
        ]

    @property
    def _active_titles(self) -> StyledText:
        cells = [self._name_title(_ACTIVE), pad("STATE", self._state_width)]
        if self._is_medium:
            cells.append(f"{'BYTES':>{_BYTES}}")
        cells += [f"{'RATE':>{_RATE}}", f"{'LEFT':>{_LEFT}}"]
        if self._is_wide:
            cells.append(f"{'ATTEMPT':>{_ATTEMPT}}")
        return (_GAP.join(cells), "muted")

    @property
    def _finished_titles(self) -> StyledText:
        cells = [self._name_title(_FINISHED), pad("OUTCOME", STATE_CELLS), f"{'SIZE':>{_SIZE}}"]
        if self._is_medium:
            cells += [pad("SHA256", self._sha_width), "BY"]
        if self._is_wide:
            cells[-1] = pad("BY", self._actor_width)
            cells.append("FILE")
        return (_GAP.join(cells), "muted")

    def _name_title(self, part: str) -> str:
        """Return the titles of task number and email; the first names the part of the list."""
        title = f"{part:<{self._number_width}}{_GAP}EMAIL" if self._has_email_title else part
        return "  " + pad(title, self._email_width)

    def _active_cells(self, download: Download, task: Task) -> tuple[StyledText, ...]:
        trouble = trouble_of(download, self._context.engine)
        if trouble and not download.paused:
            state, role = state_text(download, self._context)
            reason = f"{_GAP}{self._progress(download, state)}{clean_line(mask(trouble, task, self._context))}"
            return (*self._name_cells(download, task), (pad(state, STATE_CELLS), role), (reason, "plain"))
        return (*self._name_cells(download, task), *self._state_and_figures(download))

    def _state_and_figures(self, download: Download) -> list[StyledText]:
        (state, role), figures = state_text(download, self._context), self._figures(download)
        percent = download.percent
        if download.state == DownloadState.RUNNING and not download.paused and percent is not None:
            bar = progress_bar(percent, self._state_width - _PERCENT)
            return [*bar, (f"{state:>{_PERCENT}}", "plain"), (figures, "plain")]
        beyond = max(0, len(state) - self._state_width)
        if figures[: beyond + 1].strip():
            beyond = 0
        return [(pad(state, self._state_width + beyond), role), (figures[beyond:], "plain")]

    def _progress(self, download: Download, state: str) -> str:
        """Return percent, which `state` may say, bytes and attempt, as far as there is room before the trouble."""
        percent = f"{download.percent}%"
        parts = [] if download.percent is None or percent == state else [percent]
        if self._is_medium and download.bytes:
            parts.append(_bytes_of_total(download))
        if self._is_wide and (count := download.attempts_with_running) > 1:
            parts.append(f"attempt {count}" if download.state == DownloadState.RUNNING else f"{count} attempts")
        return "".join(f"{part}{_GAP}" for part in parts)

    def _figures(self, download: Download) -> str:
        is_running = download.state == DownloadState.RUNNING and not download.paused
        left = time_left(download.bytes, download.total, download.rate)
        cells = [""]
        if self._is_medium:
            cells.append(f"{_bytes_of_total(download):>{_BYTES}}")
        cells.append(f"{f'{format_size(download.rate)}/s' if is_running and download.rate else '':>{_RATE}}")
        cells.append(f"{format_duration(left) if is_running and left is not None else '':>{_LEFT}}")
        if self._is_wide:
            cells.append(f"{download.attempts_with_running if download.attempts_with_running > 1 else '':>{_ATTEMPT}}")
        return _GAP.join(cells)

    def _finished_cells(self, download: Download, task: Task) -> tuple[StyledText, ...]:
        outcome, role = end_text(download, self._context)
        start = (*self._name_cells(download, task), (pad(outcome, STATE_CELLS), role))
        if download.state != DownloadState.DONE:
            trouble = clean_line(mask(download.trouble or "", task, self._context))
            return (*start, (f"{_GAP}{partial_file_text(download)}", "muted"), (f"{_GAP}{trouble}", "plain"))
        cells = ["", f"{format_size(download.bytes):>{_SIZE}}"]
        if self._is_medium:
            cells += [
                pad((download.sha256 or "")[: self._sha_width], self._sha_width),
                pad(clean_line(download.actor), self._actor_width),
            ]
        figures = _GAP.join(cells)
        room = self._width - _MARK - self._email_width - len(_GAP) - STATE_CELLS - len(figures)
        if not self._is_wide:
            return (*start, (figures.rstrip(), "plain"))
        path = clean_line(mask(download.path or "", task, self._context))
        return (*start, (figures, "plain"), (_GAP + _cut_left(path, room - len(_GAP)), "muted"))

    def _name_cells(self, download: Download, task: Task) -> tuple[StyledText, ...]:
        mark = f"{self._glyph} " if download.id in self._marks else "  "
        email = clean_line(email_text(task, self._context))
        number = f"{f'#{task.number}':>{self._digits}}".ljust(self._number_width) + _GAP
        return (
            (mark, "accent"),
            (number, "muted"),
            (f"{pad(email, self._email_width - len(number))}{_GAP}", "plain"),
        )


def _bytes_of_total(download: Download) -> str:
    """Return the bytes received and the total, in the unit of the total: `12.4 / 19.3 MB`."""
    if download.total is None:
        return format_size(download.bytes) if download.bytes else ""
    return f"{format_size_as(download.bytes, download.total)} / {format_size(download.total)}"


def _cut_left(path: str, width: int) -> str:
    """Return the end of a path, cut to `width` cells: the name distinguishes files, the folder does not."""
    if cell_len(path) <= width:
        return path
    kept = path
    while cell_len(kept) >= width:
        kept = kept[1:]
    return f"…{kept}"
