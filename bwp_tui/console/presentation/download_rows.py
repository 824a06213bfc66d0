"""The lines of the downloads screen: those under way in the order of the queue, then those that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from rich.cells import cell_len

from bwp_tui.console.presentation.breakpoints import LIST_NARROW, LIST_WIDE
from bwp_tui.console.presentation.download_detail import end_text, partial_file_text, state_text, trouble_of
from bwp_tui.console.presentation.format import bar, pad, time_left
from bwp_tui.console.presentation.glyphs import Glyphs
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_detail import DisplayContext, mask, subject
from bwp_tui.domain.task import Download, DownloadState, Task
from bwp_tui.domain.text import clean_line, size, size_as
from bwp_tui.domain.times import format_duration
from bwp_tui.store.commands.download_queue import OPEN

Listed = Sequence[tuple[Download, Task]]

_MARK: Final = 2
_GAP: Final = "  "
_PERCENT: Final = 5
_STATE: Final = 18
_WIDEST_STATE: Final = 46
_BYTES: Final = 16
_RATE: Final = 9
_LEFT: Final = 4
_TRY: Final = 3
_SIZE: Final = 9
_SHA: Final = 12
_ACTOR: Final = 10
_SUBJECT: Final = 26


class Row(NamedTuple):
    """A line of the list: of the download `id`, or of none, which the cursor passes over."""

    id: int | None
    phrases: tuple[StyledText, ...]


class DownloadRowBuilder:
    """Makes the lines, each of `width` cells. `marks` are ids of downloads."""

    def __init__(
        self, listed: Listed, width: int, context: DisplayContext, marks: AbstractSet[int], glyphs: Glyphs
    ) -> None:
        self._listed = listed
        self._context = context
        self._marks = marks
        self._glyphs = glyphs
        self._width = width
        self._roomy, self._usual = width >= LIST_WIDE, width >= LIST_NARROW
        self._number = max((len(f"#{task.number}") for _, task in listed), default=0)
        figures = [_RATE, _LEFT, *([_BYTES] if self._usual else []), *([_TRY] if self._roomy else [])]
        room = width - _MARK - len(_GAP) - sum(len(_GAP) + figure for figure in figures)
        self._subject = self._number + _SUBJECT if self._roomy else max(8, room - _STATE)
        self._state = min(_WIDEST_STATE, room - self._subject)

    def lines(self) -> tuple[list[StyledText], list[Row]]:
        """Return the titles of what comes first, and the lines below them."""
        listed = self._listed
        open_ones = [
            Row(download.id, self._open(download, task)) for download, task in listed if download.state in OPEN
        ]
        ended = [
            Row(download.id, self._ended(download, task)) for download, task in listed if download.state not in OPEN
        ]
        if not listed:
            return [], [Row(None, (("No download yet: d on a completed retrieval asks for one.", "muted"),))]
        if not open_ones:
            return [self._ended_titles], ended
        between = [Row(None, ()), Row(None, (self._ended_titles,))] if ended else []
        return [self._open_titles], [*open_ones, *between, *ended]

    @property
    def _open_titles(self) -> StyledText:
        cells = ["  " + pad("UNDER WAY", self._subject), pad("STATE", self._state)]
        if self._usual:
            cells.append(f"{'BYTES':>{_BYTES}}")
        cells += [f"{'RATE':>{_RATE}}", f"{'LEFT':>{_LEFT}}"]
        if self._roomy:
            cells.append(f"{'TRY':>{_TRY}}")
        return (_GAP.join(cells), "muted")

    @property
    def _ended_titles(self) -> StyledText:
        cells = ["  " + pad("ENDED", self._subject), pad("OUTCOME", _STATE), f"{'SIZE':>{_SIZE}}"]
        if self._usual:
            cells += [pad("SHA256", _SHA), "BY"]
        if self._roomy:
            cells[-1] = pad("BY", _ACTOR)
            cells.append("FILE")
        return (_GAP.join(cells), "muted")

    def _open(self, download: Download, task: Task) -> tuple[StyledText, ...]:
        trouble = trouble_of(download, self._context.engine)
        if trouble and not download.paused:
            words, role = state_text(download, self._context)
            told = f"{_GAP}{self._how_much(download)}{clean_line(mask(trouble, task, self._context))}"
            return (*self._name(download, task), (pad(words, _STATE), role), (told, "plain"))
        return (*self._name(download, task), *self._how_far(download), (self._figures(download), "plain"))

    def _how_far(self, download: Download) -> list[StyledText]:
        words, role = state_text(download, self._context)
        done = download.percent
        if download.state != DownloadState.RUNNING or download.paused or done is None:
            return [(pad(words, self._state), role)]
        return [*bar(done, self._state - _PERCENT), (f"{words:>{_PERCENT}}", "plain")]

    def _how_much(self, download: Download) -> str:
        """Return what has come before the trouble: share, bytes and the number of the try, as far as there is room."""
        done = download.percent
        words = [] if done is None else [f"{done} %"]
        if self._usual and download.bytes:
            words.append(_of(download))
        if self._roomy and download.attempts:
            words.append(f"try {download.attempts + 1}")
        return "".join(f"{word}{_GAP}" for word in words)

    def _figures(self, download: Download) -> str:
        runs = download.state == DownloadState.RUNNING and not download.paused
        left = time_left(download)
        cells = [""]
        if self._usual:
            cells.append(f"{_of(download):>{_BYTES}}")
        cells.append(f"{f'{size(download.rate)}/s' if runs and download.rate else '':>{_RATE}}")
        cells.append(f"{format_duration(left) if runs and left is not None else '':>{_LEFT}}")
        if self._roomy:
            cells.append(f"{download.tries if download.tries > 1 else '':>{_TRY}}")
        return _GAP.join(cells)

    def _ended(self, download: Download, task: Task) -> tuple[StyledText, ...]:
        words, role = end_text(download, self._context)
        start = (*self._name(download, task), (pad(words, _STATE), role))
        if download.state != DownloadState.DONE:
            why = clean_line(mask(download.trouble or "", task, self._context))
            return (*start, (f"{_GAP}{partial_file_text(download)}", "muted"), (f"{_GAP}{why}", "plain"))
        cells = ["", f"{size(download.bytes):>{_SIZE}}"]
        if self._usual:
            cells += [pad((download.sha256 or "")[:_SHA], _SHA), pad(clean_line(download.actor), _ACTOR)]
        figures = _GAP.join(cells)
        room = self._width - _MARK - self._subject - len(_GAP) - _STATE - len(figures)
        if not self._roomy:
            return (*start, (figures.rstrip(), "plain"))
        path = clean_line(mask(download.path or "", task, self._context))
        return (*start, (figures, "plain"), (_GAP + _end_of(path, room - len(_GAP)), "muted"))

    def _name(self, download: Download, task: Task) -> tuple[StyledText, ...]:
        mark = f"{self._glyphs.mark} " if download.id in self._marks else "  "
        name = clean_line(subject(task, self._context))
        number = f"{f'#{task.number}':>{self._number}}{_GAP}"
        return (
            (mark, "accent"),
            (number, "muted"),
            (f"{pad(name, self._subject - len(number))}{_GAP}", "plain"),
        )


def _of(download: Download) -> str:
    """Return how many bytes have come of how many, in the unit of all: `12.4 / 19.3 MB`."""
    if download.total is None:
        return size(download.bytes) if download.bytes else ""
    return f"{size_as(download.bytes, download.total)} / {size(download.total)}"


def _end_of(path: str, width: int) -> str:
    """Return as much of the end of a path as there is room for: it tells files apart, its folder does not."""
    if cell_len(path) <= width:
        return path
    kept = path
    while cell_len(kept) >= width:
        kept = kept[1:]
    return f"…{kept}"
