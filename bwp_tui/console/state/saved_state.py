"""Save view, filter, cursor and command history in the profile's folder for the next start.

No email is written: a filter or a line with an `@` ends with the session, and so does a line with free text. A purge
of personal data leaves only its instant in the file, by which open consoles know that what they show is older. Of two
consoles the last writer wins.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.actions.record_operations import RECORD_OPERATIONS
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS
from bwp_tui.console.state.list_state import ListState
from bwp_tui.domain.filter import FilterError
from bwp_tui.domain.text import clean
from bwp_tui.domain.views import VIEWS, View
from bwp_tui.file_access import replace_file
from bwp_tui.settings import Profile
from bwp_tui.store.queries.orders import SORTS

MAX_HISTORY: Final = 100
"""Typed commands that are kept."""

_MAX_BYTES: Final = 256 * 1024
"""Bytes of a file that is read; this program's own is far smaller."""

_COMMANDS_WITH_TEXT: Final = {
    *("submit", "settle", "pack"),
    *(
        operation.name
        for operation in (*RECORD_OPERATIONS, *SERVICE_OPERATIONS)
        if not all(argument.is_day for argument in operation.arguments)
    ),
}
"""Commands that may hold what someone wrote about a person: those with an argument that is no day."""


class SavedState(NamedTuple):
    """What to restore, by name: each may be gone by the next start.

    Attributes:
        view: its name; None for a filter of the operator's own.
        task: task number of the task under the cursor.
        command_history: the commands typed at the prompt, the newest last.
        details: where the operator wants the details; None where the size of the terminal decides.
    """

    view: str | None = VIEWS[0].name
    filter: str = ""
    order: str | None = None
    columns: tuple[str, ...] = ()
    task: int | None = None
    command_history: tuple[str, ...] = ()
    details: str | None = None

    @classmethod
    def of(
        cls, listing: ListState, task: int | None, command_history: Sequence[str], details: str | None
    ) -> SavedState:
        """Return the state to save for what is shown."""
        kept = _kept(command_history)
        if "@" in listing.filter:
            return cls(columns=listing.columns, task=task, command_history=kept, details=details)
        name = None if listing.view is None else listing.view.name
        return cls(name, listing.filter, listing.chosen_sort, listing.columns, task, kept, details)

    def to_list_state(self, views: Callable[[], Sequence[View]]) -> ListState:
        """Return what to list at the start; all tasks where the view is gone. `views` is called for a saved view."""
        whole = ListState(columns=self.columns)
        if self.view is None:
            with suppress(FilterError):
                whole = whole.of_filter(self.filter)
        else:
            known = VIEWS if any(view.name == self.view for view in VIEWS) else views()
            whole = next((whole.of_view(view) for view in known if view.name == self.view), whole)
        return whole if self.order is None else whole.with_sort(self.order)


class SavedStateFile:
    """The file in the profile's folder, written in a thread and only after a change.

    Attributes:
        last: what was read, or written since.
    """

    def __init__(self, profile: Profile) -> None:
        self._path = profile.state_path
        self._writer = None if profile.read_only else ThreadPoolExecutor(1, "memory")
        self.last = SavedState() if profile.first_view is None else SavedState(profile.first_view)
        self._purged_at: str | None = None

    def read(self) -> SavedState:
        """Return the saved state; the default one without a readable file."""
        content = self._content()
        self._purged_at = _text(content.get("purged_at"))
        if content.keys() - {"purged_at"}:
            self.last = _parse(content)
        return self.last

    def _content(self) -> dict[str, object]:
        try:
            with self._path.open("rb") as file:
                content = json.loads(file.read(_MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def add_commands(self, typed: Sequence[str]) -> None:
        """Keep commands typed in plain mode beside what a console has saved since `read`, but not across a purge."""
        known_purge = self._purged_at
        state = self.read()
        if self._purged_at == known_purge:
            newest_first = dict.fromkeys(reversed((*state.command_history, *typed)))
            self.save(state._replace(command_history=_kept([*newest_first][::-1])))

    def save(self, state: SavedState) -> None:
        """Write the state soon, where it differs from the last one."""
        if self._writer is not None and state != self.last:
            self.last = state
            self._writer.submit(self._write, state)

    def close(self) -> None:
        """Wait until all is written."""
        if self._writer is not None:
            self._writer.shutdown()

    def _write(self, state: SavedState) -> None:
        with suppress(OSError), locked(self._path.parent):
            purged_at = _text(self._content().get("purged_at"))
            if purged_at != self._purged_at:
                # A purge came after this console had started: its filter may name who was purged.
                state = SavedState(order=state.order, columns=state.columns, details=state.details)
            replace_file(self._path, json.dumps({**state._asdict(), "purged_at": purged_at}).encode())


def forget(path: Path, purged_at: str) -> None:
    """Replace a saved state by the instant of a purge: filters and `:` lines may name a person.

    So are those of other accounts in a team's folder. A console that is open reads the instant before it writes again,
    under the same lock.

    Raises:
        OSError: the file cannot be written.
    """
    with locked(path.parent):
        found = list(path.parent.glob("console*.json*"))
        for remnant in found:
            remnant.unlink(missing_ok=True)
        for each in {path, *(each for each in found if each.suffix == ".json")}:
            replace_file(each, json.dumps({"purged_at": purged_at}).encode())


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Lock out other processes that lock `folder`, where its file system has locks."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _kept(commands: Sequence[str]) -> tuple[str, ...]:
    """Return the newest commands that name no person."""
    return tuple(command for command in commands if _is_impersonal(command))[-MAX_HISTORY:]


def _is_impersonal(command: str) -> bool:
    name = command.split()[0].translate({ord(mark): None for mark in "\"'"})  # a quoted name is carried out, too
    return "@" not in command and name.casefold() not in _COMMANDS_WITH_TEXT


def _parse(content: Mapping[str, object]) -> SavedState:
    """Return the valid part of a file, which anyone may have written."""
    view, order, task = _text(content.get("view")), _text(content.get("order")), content.get("task")
    return SavedState(
        view=view,
        filter=_text(content.get("filter")) or "",
        order=order if order in SORTS else None,
        columns=_texts(content.get("columns")),
        task=task if isinstance(task, int) else None,
        command_history=_texts(content.get("command_history", content.get("lines")))[-MAX_HISTORY:],  # once `lines`
        details=_text(content.get("details")),
    )


def _text(value: object) -> str | None:
    return clean(value) if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...]:
    texts = map(_text, value) if isinstance(value, list) else ()
    return tuple(text for text in texts if text and text.strip())
