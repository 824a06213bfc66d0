"""Run the operator's own commands with the marked tasks, or with the current one; ask before they are ended."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from bwp_tui.console.bindings.actions import custom_action_name
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.domain.text import counted
from bwp_tui.settings import read_profile
from bwp_tui.settings.profile import CustomCommand
from bwp_tui.settings.run_program import ProgramRun, run_program
from bwp_tui.store.commands import work_records
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.counts_at_path import check_usable
from bwp_tui.store.queries.task_json import task_json

_MOST_TASKS: Final = 1_000
"""Tasks that a command gets at most."""

_WAIT_S: Final = 0.3
"""Seconds between two looks whether a question is still open."""


class CustomCommands:
    """Runs the operator's own commands, each once at a time.

    Args:
        show_output: shows what a command has written, under a title.

    Attributes:
        by_name: what each of their actions does.
    """

    def __init__(
        self, screen: MainScreenProtocol, marked: MarkedTasks, show_output: Callable[[str, str], None]
    ) -> None:
        self._screen = screen
        self._marked = marked
        self._show_output = show_output
        self.by_name: dict[str, Callable[[], None]] = {
            custom_action_name(command): partial(self._start, command) for command in screen.session.profile.commands
        }

    def _start(self, command: CustomCommand) -> None:
        screen, numbers = self._screen, self._marked.or_current
        if command.name in screen.session.running_commands:
            screen.show_status(f"{command.name} is running already.", "warn")
        elif len(numbers) > _MOST_TASKS:
            screen.show_status(f"{command.name} takes {_MOST_TASKS} tasks at most; {len(numbers)} are marked.", "warn")
        else:
            screen.session.running_commands.add(command.name)
            screen.show_status(f"{command.name} runs with {counted(len(numbers), 'task')}.")
            screen.run_in_background(lambda: self._run(command, numbers), "own command", exclusive=False)

    async def _run(self, command: CustomCommand, numbers: Sequence[int]) -> None:
        screen, session, stop = self._screen, self._screen.session, threading.Event()

        def run() -> ProgramRun:
            store = session.write_guard.store
            json_objects = [task_json(task) for task in tasks.each(store, numbers)]
            given = {"command": command.name, "profile": session.profile.name, "tasks": json_objects}
            # Recorded before: the program goes on where the console is killed.
            work_records.record_command(store, numbers, f"{command.name}: started", session.actor)
            ended = run_program(command.program, json.dumps(given), stop)
            work_records.record_command(store, numbers, f"{command.name}: {ended.outcome}", session.actor)
            return ended

        try:
            ended = await asyncio.to_thread(run)
        finally:
            stop.set()  # the console ends
            session.running_commands.discard(command.name)
        screen.show_status(f"{command.name}: {ended.outcome}.", "good" if ended.succeeded else "bad")
        # What is typed must not go to another screen.
        while session.questions_in_preparation or screen.prompt.is_open or screen.form.display:  # noqa: ASYNC110
            await asyncio.sleep(_WAIT_S)  # none of them has an event
        if ended.output:
            self._show_output(f"{command.name} · {ended.outcome}", ended.output)


def losses_of_leaving(screen: MainScreenProtocol) -> list[str]:
    """Return what is lost where the console ends now: a request that was not submitted, commands that still run."""
    typed, running = screen.form.typed_email, sorted(screen.session.running_commands)
    losses = [f"The request for {typed} in the form was not submitted, and would be lost."] if typed else []
    if running:
        verb = "still runs, and would be ended" if len(running) == 1 else "still run, and would be ended"
        losses.append(f"{', '.join(running)} {verb}.")
    return losses


async def quit_console(screen: MainScreenProtocol) -> None:
    """Leave the console, after a question about each thing that is lost with it."""
    if await _confirm_losses(screen, "Quit"):
        screen.app.exit()


async def switch_profile(screen: MainScreenProtocol, name: str) -> None:
    """Open the console of a profile instead of this one, after a question about each thing that is lost with it.

    Raises:
        StoreError: its history cannot be opened: the console would end.
    """
    await asyncio.to_thread(lambda: check_usable(read_profile(name, os.environ).history_path))
    if await _confirm_losses(screen, f"Switch to {name}"):
        screen.session.switch_profile(name)


async def _confirm_losses(screen: MainScreenProtocol, intention: str) -> bool:
    for loss in losses_of_leaving(screen):
        if not await screen.prompt.ask_yes_no(f"{loss} {intention}?", irreversible=True):
            return False
    return True
