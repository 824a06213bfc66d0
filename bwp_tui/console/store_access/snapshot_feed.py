"""Read what the main screen shows in a thread of its own, after each change of the history."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.filter import Filter, parse
from bwp_tui.domain.times import Clock, local_day, utc_now
from bwp_tui.domain.views import ADOPTED_VIEW, MAX_VIEWS, View
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views as views
from bwp_tui.store.database.change_monitor import INTERVAL_S
from bwp_tui.store.errors import ReadCancelled, StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.view_rows import AnchorRow, ViewQuery, ViewRows
from bwp_tui.store.worklog import downloads, engine_state
from bwp_tui.store.worklog.engine_state import EngineState


class ListQuery(NamedTuple):
    """Which tasks to list, in which order."""

    filter: Filter = Filter()
    sort: str = "newest"


class Snapshot(NamedTuple):
    """The view, its counts, the engine and the downloads at one revision of the history.

    Attributes:
        today: the day from which the days of filters were counted.
        changed: the tasks touched since the previous snapshot.
        is_whole: whether `numbers` are all tasks of the view, and not only its first page.
        read: the number of the read that it came from, of the feed's.
    """

    query: ListQuery
    revision: int
    today: date
    changed: tuple[int, ...]
    numbers: array[int]
    views: tuple[View, ...]
    view_counts: tuple[int, ...]
    engine: EngineState
    downloads: tuple[Download, ...]
    is_whole: bool = True
    read: int = 0


_PAUSE_FACTOR: Final = 3.0
"""How many times as long as the last read took the next one waits, unless the operator asks."""

_MAX_PAUSE_S: Final = 3.0

_DRAWING_S: Final = 0.1
"""How long the thread waits after a first page, for the screen to draw it, before it reads all the other rows."""


class SnapshotFeed:
    """A thread with a connection of its own that publishes a snapshot after each change, for each new query and day.

    Raises:
        StoreError: the history cannot be used.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._store = open_store(path, clock=clock)
        self._clock = clock
        self._subscriber: Callable[[Snapshot | str], None] | None = None
        self._unpublished: Snapshot | str | None = None
        self._lock = threading.Lock()
        self._query: tuple[ListQuery, AnchorRow | None] = (ListQuery(), None)
        self._requested = threading.Event()
        self._subscribed = threading.Event()
        self._stopped = False
        self._revision = 0
        self._reads = 0
        self._version = -1
        self._rows = ViewRows(self._store)
        self._last: Snapshot | None = None
        self._paused_until = 0.0
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    @property
    def opening_report(self) -> str | None:
        """What was mended when the history was opened: the feed is the first to open it."""
        return self._store.opening_report

    def start(self) -> None:
        """Start to read; the snapshot is kept until somebody subscribes."""
        self._requested.set()
        self._thread.start()

    def subscribe(self, publish: Callable[[Snapshot | str], None]) -> None:
        """Call `publish` with each snapshot, or with a sentence when the history cannot be read.

        It is called in the feed's thread, and at once in this one with what was read before.
        """
        with self._lock:
            self._subscriber = publish
            unpublished, self._unpublished = self._unpublished, None
        self._subscribed.set()
        if unpublished is not None:
            publish(unpublished)

    def set_query(self, query: ListQuery, anchor: AnchorRow | None = None) -> None:
        """Publish snapshots for `query` from now on; with `anchor`, first a page around that task."""
        if query != self._query[0]:
            self._query = (query, anchor)
            self._requested.set()

    def refresh(self) -> int:
        """Publish a snapshot now: after a write of this program itself, an operator would see the wait.

        Returns:
            The number of the first read that has all that was written before.
        """
        first = self._reads + 1
        self._requested.set()
        return first

    def stop(self) -> None:
        self._stopped = True
        self._requested.set()
        self._subscribed.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._store.close()

    def _run(self) -> None:
        while True:
            requested = self._requested.wait(INTERVAL_S)
            if requested:  # a request between the end of a wait in vain and here must not be cleared
                self._requested.clear()
            if self._stopped:
                return
            if not requested and time.monotonic() < self._paused_until:
                continue
            try:
                version = self._store.data_version()
                is_new_day = self._last is not None and self._last.today != local_day(self._clock())
                if requested or version != self._version or is_new_day:
                    self._version = version
                    self._read()
            except Exception as error:  # noqa: BLE001  without this thread the screen would no longer change
                self._publish(str(error) if isinstance(error, StoreError) else _sentence_of_unexpected(error))
                self._requested.wait(INTERVAL_S * 20)

    def _publish(self, update: Snapshot | str) -> None:
        with self._lock:
            if self._subscriber is None:
                self._unpublished = update
                return
        self._subscriber(update)

    def _read(self) -> None:
        """Publish the first page of a new, long view, then all of it; then pause in proportion to how long it took.

        A history of a million tasks that changes all the time must leave time to the thread that draws.
        """
        began = time.monotonic()
        self._reads += 1
        (query, anchor), today = self._query, local_day(self._clock())
        view_query = ViewQuery(query.filter, query.sort, today)
        page = self._rows.first_page(view_query, anchor)
        if page is not None:
            if self._last is None:
                self._last = self._snapshot(query, page, (), today)
            self._publish(self._last._replace(query=query, numbers=page, changed=(), is_whole=False))
            self._subscribed.wait()
            if self._requested.wait(_DRAWING_S):
                return  # another query is waiting
        # The revision is read first: what is written meanwhile is published twice rather than never.
        revision = self._store.revision()
        changed = tasks.changed_since(self._store, self._revision) if self._revision else []
        try:
            numbers = self._rows.all_numbers(view_query, changed, self._requested.is_set)
        except ReadCancelled:
            return  # another query is waiting
        self._last = self._snapshot(query, numbers, changed, today, revision)
        self._revision = revision
        self._publish(self._last)
        took = time.monotonic() - began
        self._paused_until = began + took + min(_PAUSE_FACTOR * took, _MAX_PAUSE_S)

    def _snapshot(
        self, query: ListQuery, numbers: array[int], changed: Sequence[int], today: date, revision: int = 0
    ) -> Snapshot:
        store = self._store
        all_views = views.all_views(store)
        if len(all_views) > MAX_VIEWS:
            last = ADOPTED_VIEW if ADOPTED_VIEW in all_views else all_views[MAX_VIEWS - 1]
            all_views = (*all_views[: MAX_VIEWS - 1], last)
        return Snapshot(
            query=query,
            revision=revision,
            read=self._reads,
            today=today,
            changed=tuple(changed),
            numbers=numbers,
            views=all_views,
            view_counts=tuple(tasks.count(store, parse(view.filter), today=today) for view in all_views),
            engine=engine_state.read(store),
            downloads=tuple(downloads.unfinished(store)),
        )


def start_feed(profile: Profile, clock: Clock = utc_now) -> SnapshotFeed:
    """Return a feed that reads a profile's history already, before there is a screen.

    Raises:
        StoreError: the history cannot be used.
    """
    feed = SnapshotFeed(profile.history_path, clock)
    feed.start()
    return feed


def _sentence_of_unexpected(error: Exception) -> str:
    """Return a sentence without the error's own words, which may hold data."""
    return f"The history cannot be read just now ({type(error).__name__}); it is tried again."
