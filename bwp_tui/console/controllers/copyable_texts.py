"""Copy what is known of the task under the cursor, or of the marked ones: an id, an email, a row, a letter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.session import Session
from bwp_tui.console.terminal.clipboard import copy
from bwp_tui.domain.csv_table import HEADINGS, format_row, task_cells
from bwp_tui.domain.letters import cannot_write, fitting_kind
from bwp_tui.domain.masking import mask_task_text
from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.domain.text import counted
from bwp_tui.settings import SettingsError
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads

if TYPE_CHECKING:  # the first frame does without letters
    from bwp_tui.actions.letters import Letter

TextOfTask = Callable[[Session, Task], str | None]


class CopyableText(NamedTuple):
    """What can be copied of a task.

    Attributes:
        key: what chooses it, behind the key of `copy`.
        noun: what a question and a sentence call it.
        text_of: returns it for a task; None where there is none.
        join: makes one text of those of several tasks.
        shows_full_email: whether its emails are in full although the screen masks them.
        for_several_tasks: whether it is copied of several tasks too.
        is_recorded: whether the timeline says that it was copied, so that it is not where nothing may be changed.
        remarks: returns what to check in the text of a task, a sentence each.
    """

    key: str
    noun: str
    text_of: TextOfTask
    join: Callable[[Sequence[str]], str] = "\n".join
    shows_full_email: bool = True
    for_several_tasks: bool = True
    is_recorded: bool = False
    remarks: Callable[[Session, Task], tuple[str, ...]] = lambda _session, _task: ()


def _errors(_session: Session, task: Task) -> str | None:
    texts = [": ".join(filter(None, (error.code, error.message))) for error in task.errors]
    return "\n".join(texts) or task.trouble or None


def _path(session: Session, task: Task) -> str | None:
    """Return the path of the newest saved result, also while it is downloaded again."""
    return next(
        (each.path for each in reversed(downloads.of_task(session.write_store, task.number)) if each.path), None
    )


def _json_row(session: Session, task: Task) -> str:
    return json.dumps(dict(zip(HEADINGS, task_cells(task, mask=session.masked), strict=True)))


def _draft(session: Session, task: Task) -> Letter | None:
    """Draft the letter that fits the task's state."""
    from bwp_tui.actions import letters  # no other text needs it

    kind = fitting_kind(task)
    if cannot_change_purged(task) or cannot_write(kind, task):
        return None
    return letters.draft(session.write_store, session.profile, task, kind, session.actor, session.today())


def _letter(session: Session, task: Task) -> str | None:
    """Draft a letter, and record that it was copied."""
    from bwp_tui.actions import letters

    letter = _draft(session, task)
    if letter is None:
        return None
    letters.record(session.write_guard.store, letter, session.actor)
    return letter.text


def _remarks_on_letter(session: Session, task: Task) -> tuple[str, ...]:
    letter = _draft(session, task)
    return () if letter is None else letter.remarks


COPYABLE: Final = (
    CopyableText("y", "task id", lambda _, task: task.task_id),
    CopyableText("a", "email", lambda _, task: task.email or None),
    CopyableText("e", "error", _errors),
    CopyableText("p", "path", _path),
    CopyableText(
        "c",
        "CSV row",
        lambda session, task: format_row(task_cells(task, mask=session.masked)),
        lambda rows: "".join((format_row(HEADINGS), *rows)).rstrip("\r\n"),
        shows_full_email=False,
    ),
    CopyableText("j", "JSON row", _json_row, shows_full_email=False),
    CopyableText(
        "r",
        "record",
        Session.json_text,
        lambda records: records[0] if len(records) == 1 else f"[{', '.join(records)}]",
        shows_full_email=False,
    ),
    CopyableText("l", "letter", _letter, for_several_tasks=False, is_recorded=True, remarks=_remarks_on_letter),
)
"""All that the key of `copy` offers."""


async def copy_of_tasks(screen: MainScreenProtocol, marked: MarkedTasks) -> None:
    """Ask what is to be copied of the marked tasks, newest first, or of the task under the cursor; copy it."""
    session, current = screen.session, screen.table.current
    numbers = marked.or_current
    whose = current.name if current and not marked.all else f"the {counted(len(numbers), 'marked task')}"
    offered = [
        copied
        for copied in COPYABLE
        if (copied.for_several_tasks or len(numbers) == 1) and not (copied.is_recorded and session.read_only)
    ]
    key = await screen.prompt.ask_key(f"Copy of {whose}:", {copied.key: copied.noun for copied in offered})
    for copied in offered:
        if copied.key == key:
            await _copy(screen, session, copied, numbers, whose)


async def _copy(
    screen: MainScreenProtocol, session: Session, copied: CopyableText, numbers: Sequence[int], whose: str
) -> None:
    def read() -> tuple[list[str], bool, list[str]]:
        """Return the texts, whether they have emails that the screen masks, and the remarks on them."""
        texts, is_unmasked, remarks = [], False, list[str]()
        for task in tasks.each(session.write_store, numbers):
            if (text := copied.text_of(session, task)) is not None:
                texts.append(text)
                remarks += copied.remarks(session, task)
                is_unmasked |= session.masked and mask_task_text(text, task) != text
        return texts, is_unmasked, remarks

    try:
        texts, is_unmasked, remarks = await asyncio.to_thread(read)
    except (NotPossible, SettingsError) as error:
        screen.show_status(f"{error} Nothing was copied.", "warn")
        return
    if not texts:
        screen.show_status(f"There is no {copied.noun} of {whose} to copy.", "warn")
        return
    lacking = len(numbers) - len(texts)
    missing = f" ({lacking} {'has' if lacking == 1 else 'have'} none)" if lacking else ""
    what = f"{counted(len(texts), copied.noun)}{missing}" if len(numbers) > 1 else f"{copied.noun} of {whose}"
    masking = (
        ", unmasked" if is_unmasked else ", emails masked" if session.masked and not copied.shows_full_email else ""
    )
    by = await copy(copied.join(texts), screen.app.copy_to_clipboard, session.profile.folder)
    done = f"{what[0].upper()}{what[1:]}{masking}: {by}."
    screen.show_status(" ".join((done, *remarks)), "warn" if remarks else "plain")
