"""Run the operator's editor and pager in the terminal, which the console leaves to them meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from textual.app import SuspendNotSupported

from bwp_tui.console.background import StatusReporter
from bwp_tui.console.presentation import task_pages
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.session import Session
from bwp_tui.console.state.saved_state import locked
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import clean_line, escaped
from bwp_tui.file_access import new_file
from bwp_tui.settings import environment_of_children

_EDITORS: Final = ("VISUAL", "EDITOR"), ("sensible-editor", "vi", "nano")
_PAGERS: Final = ("PAGER",), ("less", "more")
"""The variables that name the program, and the programs that are tried without one."""

_LESS: Final = {"LESSSECURE": "1", "LESSHISTFILE": "-"}
"""Keeps less from starting shells and other programs, from writing files, and from keeping what was searched for."""

_LONGEST: Final = 256 * 1024
"""Most bytes of an edited text."""


class ProgramFailed(Exception):
    """The program could not be run, or its text cannot be used; the message is a sentence."""


async def edit_text(session: Session, text: str, name: str) -> str:
    """Return a text as the operator's editor saves it.

    The file is in a private folder, which is removed afterwards.

    Raises:
        ProgramFailed: there is no editor, it failed, or what it saved is no text.
    """
    command = _command(*_EDITORS)
    try:
        # Maintenance removes the folder only once this process, which has it locked, has been killed.
        with tempfile.TemporaryDirectory(prefix="edited-", dir=session.profile.folder) as folder, locked(folder):
            path = Path(folder) / name
            with new_file(path) as file:
                file.write(text.encode())
            await _run(session, [*command, str(path)])
            return _saved_text(path, command[0])
    except OSError as error:
        raise ProgramFailed(f"The text could not be edited: {error.strerror}. It stays as it was.") from None


async def page_text(screen: StatusReporter, text: str) -> None:
    """Show a text in the operator's pager, without control characters; say why where that fails."""
    try:
        await _run(screen.session, _command(*_PAGERS), f"{escaped(text)}\n", _LESS)
    except ProgramFailed as error:
        screen.show_status(str(error), "bad")


async def page_task(screen: MainScreenProtocol) -> None:
    """Ask what of the task under the cursor is to be shown in the operator's pager, and show it."""
    session, task = screen.session, screen.table.current
    if task is None:
        return
    texts = {"r": ("record", Session.json_text), "t": ("timeline", _timeline)}
    key = await screen.prompt.ask_key(f"Pager, of {task.name}:", {key: noun for key, (noun, _) in texts.items()})
    if key in texts:
        text = await asyncio.to_thread(texts[key][1], session, task)
        await page_text(screen, text)


def _timeline(session: Session, task: Task) -> str:
    details = session.reader.task_details(task)
    lines = task_pages.timeline_page(details, session.display_context())
    return "\n".join("".join(text for text, _ in line) for line in lines)


def _command(variables: Sequence[str], usual: Sequence[str]) -> list[str]:
    """Return the command that the first variable that is set names, or the first usual program that is installed."""
    for variable in variables:
        if not (line := os.environ.get(variable, "").strip()):
            continue
        try:
            words = shlex.split(line)
        except ValueError:
            raise ProgramFailed(f"{variable} has an unclosed quotation mark.") from None
        if shutil.which(words[0]) is None:
            raise ProgramFailed(f"There is no program {clean_line(words[0])}, which {variable} names.")
        return words
    if found := next(filter(None, map(shutil.which, usual)), None):
        return [found]
    raise ProgramFailed(f"There is no program for this; set {variables[-1]}.")


async def _run(
    session: Session, command: Sequence[str], text: str | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Run a program in the terminal, with a text as its input where one is given.

    Raises:
        ProgramFailed: it cannot be started, or fails.
    """
    name = clean_line(Path(command[0]).name)
    try:
        with session.lend_terminal():
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=None if text is None else asyncio.subprocess.PIPE,
                env=environment_of_children() | dict(environment or {}),
            )
            try:
                await child.communicate(None if text is None else text.encode())
            finally:
                if child.returncode is None:  # the console ends
                    with contextlib.suppress(ProcessLookupError):
                        child.terminate()
                    await child.wait()
    except (OSError, SuspendNotSupported) as error:
        why = error.strerror if isinstance(error, OSError) else "this terminal cannot be left to it"
        raise ProgramFailed(f"{name} could not be started: {why}.") from None
    if code := child.returncode:
        raise ProgramFailed(
            f"{name} {f'failed with exit code {code}' if code > 0 else f'was ended by signal {-code}'}."
        )


def _saved_text(path: Path, editor: str) -> str:
    if not path.is_file() or path.is_symlink():
        raise ProgramFailed(f"{clean_line(Path(editor).name)} left no text. It stays as it was.")
    with path.open("rb") as file:
        content = file.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise ProgramFailed(f"The text is longer than {_LONGEST // 1024} KiB. It stays as it was.")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ProgramFailed("The text is not UTF-8. It stays as it was.") from None
