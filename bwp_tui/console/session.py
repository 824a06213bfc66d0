"""The parts that all screens share: profile, store, engine state, clock, key map."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.state.saved_state import SavedStateFile
from bwp_tui.console.store_access.history_reader import HistoryReader
from bwp_tui.console.store_access.snapshot_feed import Snapshot, SnapshotFeed
from bwp_tui.console.store_access.write_guard import WriteGuard
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import Clock, local_day, to_local
from bwp_tui.engine.runtime.engine_thread import EngineRole
from bwp_tui.engine.runtime.lease import is_any_engine_running, misses_heartbeats
from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries.saved_results import is_gone
from bwp_tui.store.worklog.engine_state import QUEUE_IS_READ, Ability, EngineState, ServiceHealthState

if TYPE_CHECKING:
    from bwp_tui.console.state.message_log import MessageLog
    from bwp_tui.console.store_access.task_commands import TaskCommands

_TROUBLE_LABELS: dict[str, str] = {
    ServiceHealthState.UNREACHABLE: "service unreachable",
    ServiceHealthState.THROTTLED: "rate-limited",
    ServiceHealthState.DENIED: "access denied",
    ServiceHealthState.BAD_CREDENTIALS: "credentials refused",
    ServiceHealthState.FAULTY: "API error",
    ServiceHealthState.UNUSABLE: "settings unusable",
    ServiceHealthState.ENGINE_FAULT: "engine fault",
}

RESULT_CHECK_S: Final = 5.0
"""Seconds between two looks for the saved results in sight, which others may remove."""

_LONGEST_TRY: Final = timedelta(minutes=1)
"""How long after its time a try may still be under way, generously."""

_LABELS_WITHOUT_ENGINE: Final = {
    EngineRole.BLOCKED: "▲ cannot be the engine",
    EngineRole.HISTORY_MISSING: "▲ engine waits: history moved or replaced",
    EngineRole.DISK_FULL: "▲ engine waits: disk full",
    EngineRole.STOPPED: "○ engine stopped",
}
"""What is said of the roles in which no engine is known, be it this process or another one."""


@dataclass(eq=False, repr=False)
class Session:
    """The parts that the screens share. Those that the first frame does not need are imported on first use.

    Attributes:
        read_store: connection that the screens read by.
        write_store: connection for writes, used in threads.
        actor: the operator's name on the timeline.
        feed: reads what the main screen shows.
        publish: passes a snapshot to the screens; may be called in any thread.
        engine_role: returns whether this process is the engine or follows one.
        set_theme: shows the theme of a name; for None the next one.
        switch_profile: ends the console, and opens it with another profile.
        set_polled_first: tells the engine, if it runs here, to poll these tasks first: those in sight.
        keymap: the registry of actions with the operator's keys.
        saved_state: keeps view, filter and cursor for the next start.
        masked: whether the screens mask emails.
        is_of_other_shop: whether the history is another shop's, so that nothing can be recorded.
        gone_results: ids of the downloads whose saved files were no longer on disk when they were looked for.
        running_commands: names of the operator's commands that run.
        questions_in_preparation: how many questions and forms are being prepared, for which keys typed meanwhile wait.
        running_writes: how many writes of the operator's actions run; keys that act wait for them.
        lend_terminal: leaves the terminal to another program during a block.
        is_engine_stalled: whether the engine is another process that missed heartbeats when `check_lease` was called
            last: what it recorded last is old.
    """

    profile: Profile
    read_store: Store
    write_store: Store
    actor: str
    reader: HistoryReader
    feed: SnapshotFeed
    publish: Callable[[Snapshot | str], None]
    clock: Clock
    engine_role: Callable[[], EngineRole]
    set_theme: Callable[[str | None], None]
    switch_profile: Callable[[str], None]
    set_polled_first: Callable[[Sequence[int]], None]
    keymap: Keymap
    saved_state: SavedStateFile
    lend_terminal: Callable[[], AbstractContextManager[None]]
    masked: bool
    is_of_other_shop: bool = False
    gone_results: frozenset[int] = frozenset()
    running_commands: set[str] = field(default_factory=set)
    questions_in_preparation: int = 0
    running_writes: int = 0
    is_engine_stalled: bool = False
    _is_other_engine_running: bool = False

    @cached_property
    def write_guard(self) -> WriteGuard:
        """The connection for writes, which a read-only profile refuses."""
        return WriteGuard(self.write_store, self.profile)

    @cached_property
    def messages(self) -> MessageLog:
        """What the status lines have said."""
        from bwp_tui.console.state.message_log import MessageLog

        return MessageLog()

    @cached_property
    def task_commands(self) -> TaskCommands:
        from bwp_tui.console.store_access.task_commands import TaskCommands

        return TaskCommands(self.write_guard, self.profile, self.actor)

    def in_shell(self, sentence: str) -> str:
        """Return a sentence whose commands for the shell name this profile; no shell has the practice's history."""
        if "bwp-tui " not in sentence or self.profile.is_sandbox:
            return sentence
        from bwp_tui.domain.cli_commands import CLI_COMMANDS_BY_NAME, with_profile  # rarely needed
        from bwp_tui.settings.checks import SANDBOX_PROFILE

        return with_profile(sentence, self.profile.name, CLI_COMMANDS_BY_NAME.keys() - {SANDBOX_PROFILE})

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed: the profile says so, the history cannot be written, or is another shop's."""
        return self.profile.read_only or self.is_of_other_shop or self.read_store.read_only_reason is not None

    def unwatch(self, task_numbers: Sequence[int]) -> None:
        """Record that tasks are no longer watched, where this profile may record anything."""
        if not self.read_only:
            self.task_commands.unwatch(task_numbers, self.today())

    def today(self) -> date:
        """Return the operator's local day."""
        return local_day(self.clock())

    def offered_key(self, action: str) -> str:
        """Return the key of an action, or nothing where nothing may be changed and the action is refused."""
        return self.keymap.offered_key(action, read_only=self.read_only)

    def display_context(self, engine: EngineState | None = None) -> DisplayContext:
        """Return what presenters need to know besides a task."""
        now = self.clock()
        options = (self.masked, self.profile.service_day, self.offered_key, engine, self.gone_results)
        return DisplayContext(now, local_day(now), *options)

    def json_text(self, task: Task) -> str:
        """Return a task as indented JSON, with emails masked as on the screens."""
        from bwp_tui.store.queries.task_json import task_json_with_next_try

        json_object = task_json_with_next_try(self.write_store, task, has_engine=self.has_engine(), mask=self.masked)
        return json.dumps(json_object, indent=2, ensure_ascii=False)

    async def check_results_on_disk(self, shown: Set[int], *downloads: Download) -> bool:
        """Check which of the saved results are still on disk; return whether `gone_results` differs from `shown`.

        Args:
            shown: the ids of those that a screen shows as gone; another screen may have looked meanwhile.
        """
        gone = await asyncio.to_thread(lambda: {download.id for download in downloads if is_gone(download)})
        self.gone_results = self.gone_results.difference(download.id for download in downloads) | gone
        return self.gone_results != shown

    def engine_label(self, state: EngineState | None) -> str:
        """Return which process is the engine, in a few words."""
        role = self.engine_role()
        polls_only = ", which only polls" if state and state.max_ability is Ability.POLLS else ""
        if role is EngineRole.ENGINE:
            return f"● engine here{polls_only}"
        if role is EngineRole.FOLLOWER:
            return f"○ follows {state.process if state else 'another process'}{polls_only}"
        return _LABELS_WITHOUT_ENGINE.get(role, "○ engine starting")

    def events_label(self, state: EngineState) -> StyledText | None:
        """Return whether events come, or the beginning of the sentence on what is wrong; None without a queue."""
        if state.event_queue_state is None or self.engine_role() not in (EngineRole.ENGINE, EngineRole.FOLLOWER):
            return None
        if state.event_queue_state != QUEUE_IS_READ:
            return f"▲ {re.split('[:.]', state.event_queue_state)[0]}", "warn"
        if not state.polls_relaxed:
            return "events on", "muted"
        return "events on · polling rarely", "muted"

    async def delay_sentence(self, number: int, *, is_poll: bool = False) -> str:
        """Return what a task's request, or its poll, waits for, to follow another sentence; else nothing."""
        if not await asyncio.to_thread(self.reader.is_poll_ready if is_poll else self.reader.has_unsent_intent, number):
            return ""
        state = await asyncio.to_thread(self.reader.engine_state)
        trouble = self.service_trouble(state) if state is not None else None
        if trouble is None and self.engine_role() not in _LABELS_WITHOUT_ENGINE:
            return ""
        return f" Waits: {trouble or self.engine_label(state).lstrip('●○▲ ')}."

    def check_lease(self) -> bool:
        """Read from the lease file what the process does that is the engine; return whether that has changed."""
        role, path = self.engine_role(), self.profile.lease_path
        before = self._is_other_engine_running, self.is_engine_stalled
        self._is_other_engine_running = role in _LABELS_WITHOUT_ENGINE and is_any_engine_running(path)
        self.is_engine_stalled = role not in (EngineRole.ENGINE, EngineRole.STARTING) and misses_heartbeats(path)
        return before != (self._is_other_engine_running, self.is_engine_stalled)

    def has_engine(self) -> bool:
        """Return whether a process is the engine, or this one is about to be."""
        return self.engine_role() not in _LABELS_WITHOUT_ENGINE or self._is_other_engine_running

    def actual_download(self, download: Download) -> Download:
        return download.as_engine_left(has_engine=self.has_engine, is_stalled=lambda: self.is_engine_stalled)

    def without_killed_process(self, state: EngineState) -> EngineState:
        """Return the engine's state, without its process id where that process was killed."""
        return state if state.pid is None or self.has_engine() else state._replace(pid=None)

    def service_trouble(self, state: EngineState) -> str | None:
        """Return what is wrong with the API, in a few words, or None: without an engine the state is an old one."""
        if not self.has_engine():
            return None
        trouble = _TROUBLE_LABELS.get(state.service)
        if state.service == ServiceHealthState.THROTTLED and state.rate_limit is not None:
            trouble = f"rate-limited: {state.rate_limit:g} {'request' if state.rate_limit == 1 else 'requests'}/s"
        if trouble is None or state.next_try_at is None:
            return trouble
        overdue = self.clock() - state.next_try_at
        if overdue <= timedelta(0):
            return f"{trouble}, next try {to_local(state.next_try_at):%H:%M:%S}"
        # Nothing is to be sent: the service may be well again. A try may still be under way.
        return trouble if overdue < _LONGEST_TRY else f"{trouble}, tried until {to_local(state.next_try_at):%H:%M}"
