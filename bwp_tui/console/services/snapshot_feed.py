"""What the main screen shows, read from the history in a thread of its own whenever it changes."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from bwp_tui.domain.filter import MOST_VIEWS, Filter, View, parse
from bwp_tui.domain.task import Download
from bwp_tui.domain.times import Clock, local_day, utc_now
from bwp_tui.settings import Profile
from bwp_tui.store.database.change_watcher import INTERVAL_S
from bwp_tui.store.errors import ReadCancelled, StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import saved_views as views
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.view_rows import AnchorRow, ViewQuery, ViewRows
from bwp_tui.store.worklog import downloads, engine_state
from bwp_tui.store.worklog.engine_state import EngineState


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which tasks are to be listed, in which order."""

    filter: Filter = field(default_factory=Filter)
    sort: str = "newest"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the history says at one revision.

    Attributes:
        changed: the tasks touched since the snapshot before.
        is_whole: whether `numbers` are all there are, and not the first page of a view that is being read.
    """

    question: ListQuery
    revision: int
    changed: tuple[int, ...]
    numbers: array[int]
    views: tuple[View, ...]
    view_counts: tuple[int, ...]
    engine: EngineState
    downloads: tuple[Download, ...]
    is_whole: bool = True


_RESTS: Final = 3.0
"""How many times as long as a look at a large history took the next one waits, unless the operator asks."""

_LONGEST_REST_S: Final = 3.0

_DRAWING_S: Final = 0.1
"""How long the screen has to itself to draw a first page, before all the other rows are read beside it."""


class SnapshotFeed:
    """A thread with a connection of its own; tells of each change of the history, and answers new questions.

    Raises:
        HistoryError: the history cannot be used.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._store = open_store(path, clock=clock)
        self._clock = clock
        self._told: Callable[[Snapshot | str], None] | None = None
        self._untold: Snapshot | str | None = None
        self._telling = threading.Lock()
        self._wants: tuple[ListQuery, AnchorRow | None] = (ListQuery(), None)
        self._asked = threading.Event()
        self._followed = threading.Event()
        self._stopped = False
        self._revision = 0
        self._version = -1
        self._rows = ViewRows(self._store)
        self._told_last: Snapshot | None = None
        self._rested_at = 0.0
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    @property
    def opening_report(self) -> str | None:
        """What was found when the history was opened, which the feed does before all others."""
        return self._store.opening_report

    def start(self) -> None:
        """Begin to read; what is read is kept until it can be told."""
        self._asked.set()
        self._thread.start()

    def subscribe(self, told: Callable[[Snapshot | str], None]) -> None:
        """Have `told` called with each snapshot, or with a sentence when the history cannot be read.

        It is called in the feed's thread, and at once in this one with what was read before.
        """
        with self._telling:
            self._told = told
            untold, self._untold = self._untold, None
        self._followed.set()
        if untold is not None:
            told(untold)

    def set_query(self, question: ListQuery, near: AnchorRow | None = None) -> None:
        """Have a snapshot told for `question` from now on; with `near`, what is about that task first."""
        if question != self._wants[0]:
            self._wants = (question, near)
            self._asked.set()

    def refresh(self) -> None:
        """Have a snapshot told now: something was written by this very program, and waiting would be seen."""
        self._asked.set()

    def stop(self) -> None:
        """Stop and close the connection."""
        self._stopped = True
        self._asked.set()
        self._followed.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._store.close()

    def _run(self) -> None:
        while True:
            asked = self._asked.wait(INTERVAL_S)
            if asked:  # what is asked between the end of a wait in vain and here must not be cleared
                self._asked.clear()
            if self._stopped:
                return
            if not asked and time.monotonic() < self._rested_at:
                continue
            try:
                version = self._store.data_version()
                if asked or version != self._version:
                    self._version = version
                    self._read()
            except Exception as error:  # noqa: BLE001  without this thread the screen would stand still unnoticed
                self._publish(str(error) if isinstance(error, StoreError) else _unforeseen(error))
                self._asked.wait(INTERVAL_S * 20)

    def _publish(self, told: Snapshot | str) -> None:
        with self._telling:
            if self._told is None:
                self._untold = told
                return
        self._told(told)

    def _read(self) -> None:
        """Tell the first page of a view that is new and long, then the whole; then rest the longer, the longer it took.

        A history of a million tasks that changes all the time must not keep the thread that draws from its work.
        """
        began = time.monotonic()
        (question, near), today = self._wants, local_day(self._clock())
        wanted = ViewQuery(question.filter, question.sort, today)
        page = self._rows.first_page(wanted, near)
        if page is not None:
            if self._told_last is None:
                self._told_last = self._snapshot(question, page, (), today)
            self._publish(replace(self._told_last, question=question, numbers=page, changed=(), is_whole=False))
            self._followed.wait()
            if self._asked.wait(_DRAWING_S):
                return  # another question is waiting
        # The revision is read first: what is written meanwhile is then told twice rather than never.
        revision = self._store.revision()
        changed = tasks.changed_since(self._store, self._revision) if self._revision else []
        try:
            numbers = self._rows.all_numbers(wanted, changed, self._asked.is_set)
        except ReadCancelled:
            return  # another question is waiting
        self._told_last = self._snapshot(question, numbers, changed, today, revision)
        self._revision = revision
        self._publish(self._told_last)
        took = time.monotonic() - began
        self._rested_at = began + took + min(_RESTS * took, _LONGEST_REST_S)

    def _snapshot(
        self, question: ListQuery, numbers: array[int], changed: Sequence[int], today: date, revision: int = 0
    ) -> Snapshot:
        store = self._store
        every = views.all_views(store)[:MOST_VIEWS]
        return Snapshot(
            question=question,
            revision=revision,
            changed=tuple(changed),
            numbers=numbers,
            views=every,
            view_counts=tuple(tasks.count(store, parse(view.filter), today=today) for view in every),
            engine=engine_state.read(store),
            downloads=tuple(downloads.unfinished(store)),
        )


def start_feed(profile: Profile, clock: Clock = utc_now) -> SnapshotFeed:
    """Return a feed of a profile's history that reads already: it needs no screen for that.

    Raises:
        HistoryError: the history cannot be used.
    """
    feed = SnapshotFeed(profile.history_path, clock)
    feed.start()
    return feed


def _unforeseen(error: Exception) -> str:
    """Return a sentence without the error's own words, which may hold data."""
    return f"The history cannot be read just now ({type(error).__name__}); it is tried again."
