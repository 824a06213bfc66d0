"""An operator at a terminal: the console in a pty, commands beside it, and what lies in the data folder."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.console.widgets.request_form import SECOND_ENTER_S
from bwp_tui.domain.statuses import FINAL_STATUSES
from bwp_tui.domain.task import SampleTask
from bwp_tui.domain.times import local_day, utc_now
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.store.commands.seed_sandbox import seed_tasks
from tests.cli.conftest import Bwp
from tests.pty_terminal import Terminal

ROOT: Final = Path(__file__).parents[2]

WIDE: Final = (120, 40)
SMALL: Final = (80, 24)

UP, DOWN, RIGHT, ENTER, ESCAPE = "\x1b[A", "\x1b[B", "\x1b[C", "\r", "\x1b"

POINTER: Final = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
"""Stands at the left of the task under the cursor."""

RESULT_OFFERED: Final = "COMPLETED ⇣"

PASTE_ENDED_S: Final = 0.6
"""Wait this long after text that was sent at once before a key is pressed: the console takes it for one paste."""


@dataclass
class Operator(Bwp):
    """The program as an operator uses it: commands by calling, the console by `console`."""

    def console(self, size: tuple[int, int] = WIDE, arguments: Sequence[str] = (), **env: str) -> Terminal:
        """Open the console in a pty of its own; `env` goes over the operator's environment."""
        return self.in_terminal(self.argv(*arguments), size, **env)

    def in_terminal(self, argv: Sequence[str], size: tuple[int, int] = WIDE, **env: str) -> Terminal:
        """Start any program in a pty of its own, in the operator's environment."""
        return Terminal(argv, *size, env={**self.env, **env}, cwd=str(ROOT))

    def plant(self, past: Sequence[SampleTask]) -> None:
        """Give the history a past."""
        store = self.store()
        seed_tasks(store, past, "op")
        store.close()

    @property
    def lease_is_free(self) -> bool:
        """Whether no process is the profile's engine."""
        lease = Lease(self.folder / "engine.lock")
        free = lease.acquire()
        lease.release()
        return free

    def files(self) -> Iterator[Path]:
        """Every file of the data folder."""
        return (path for path in self.data.rglob("*") if path.is_file())


@contextmanager
def served(operator: Operator, *arguments: str) -> Iterator[None]:
    """Serve the practice API from a process of its own, and lead the operator to it."""
    argv = operator.argv("sandbox", "--serve", *arguments)
    with subprocess.Popen(argv, env=operator.env, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            exported = shlex.split("".join(server.stdout.readline() for _ in range(6)))
            operator.env |= dict(pair.split("=", 1) for pair in exported if "=" in pair)
            operator.profile = operator.env["BWP_PROFILE"]
            yield
        finally:
            server.send_signal(signal.SIGTERM)


class Clock:
    """Shows the time of day, shifted by what was added to it. For a practice API that is to grow old at once."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def advance(self, time: timedelta) -> None:
        """Go on by `time`."""
        self._ahead += time


def unchanging_history(count: int) -> list[SampleTask]:
    """Return tasks that have ended, each so many and a half days ago that its age is the same for half a day."""
    ended = [task for task in past_tasks(count * 3, 5, utc_now()) if task.status in FINAL_STATUSES][:count]
    now = utc_now()
    instants = [now - timedelta(days=days, hours=12) for days in range(count + 1, 1, -1)]
    return [
        task._replace(submitted_at=at, updated_at=at, received_on=local_day(at))
        for task, at in zip(ended, instants, strict=True)
    ]


def current_row(screen: str) -> str:
    """Return the table's line under the cursor, or nothing."""
    return next((line for line in screen.splitlines() if line.startswith(POINTER)), "")


def on_current_row(text: str) -> Callable[[str], bool]:
    """Return a predicate on the screen: the task under the cursor shows `text`."""
    return lambda screen: text in current_row(screen)


def submit_retrieval(terminal: Terminal, email: str) -> None:
    """Submit a retrieval by keyboard; returns when the form has gone."""
    terminal.send("n")
    terminal.wait_for("new request · retrieval")
    terminal.send(email)
    terminal.wait_for(email)
    terminal.send(ENTER)
    terminal.wait_for(lambda screen: "Received on" not in screen)


def submit_deletion(terminal: Terminal, email: str) -> None:
    """Submit a deletion by keyboard, its address typed twice; returns when the form has gone."""
    terminal.send("n")
    terminal.wait_for("new request · retrieval")
    terminal.send(UP + RIGHT)
    terminal.wait_for("new request · deletion")
    terminal.send(DOWN + email)
    terminal.wait_for(email)
    terminal.send(ENTER)
    terminal.wait_for("needed")
    terminal.send(email)
    terminal.wait_for(lambda screen: screen.count(email) == 2)
    terminal.send(ENTER)
    if "Recorded as #" not in terminal.wait_for(
        lambda screen: re.search(r"Recorded as #|\blate\b", screen) is not None
    ):
        terminal.wait_until_quiet(quiet=SECOND_ENTER_S + 0.1)
        terminal.send(ENTER)
        terminal.wait_for("Recorded as #")
    terminal.wait_until_quiet(quiet=PASTE_ENDED_S)


def end(terminal: Terminal) -> int:
    """Leave the console by its key and return its exit code."""
    terminal.send("q")
    return terminal.wait()


def process_state(pid: int) -> str:
    """Return the one-letter state of a process (`man 5 proc`), or nothing when it has gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def colours_in(data: bytes) -> set[int]:
    """Return the colours set in a stream, by their first numbers: 31 is red, 38 and 48 begin a true colour."""
    found = set()
    for sequence in re.findall(rb"\x1b\[([0-9;:]*)m", data):
        found |= set(_colours(re.split(rb"[;:]", sequence)))
    return found


def _colours(numbers: list[bytes]) -> Iterator[int]:
    rest = iter(int(number or 0) for number in numbers)
    for number in rest:
        if number in (38, 48, 58):
            kind = next(rest, 0)
            for _ in range(3 if kind == 2 else 1):
                next(rest, 0)
            yield number
        elif 30 <= number <= 37 or 40 <= number <= 47 or 90 <= number <= 107:
            yield number
