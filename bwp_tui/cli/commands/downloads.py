"""The queue of downloads: list it and steer it. The engine obeys within a second, wherever it runs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Final

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import Session, find_tasks, open_session, print_note, read
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.domain.masking import mask_task_record, mask_task_text
from bwp_tui.domain.task import Download, DownloadState, Task
from bwp_tui.domain.text import clean_line, size
from bwp_tui.domain.times import to_text
from bwp_tui.store.commands import download_queue
from bwp_tui.store.commands.download_queue import QueueResult
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible

_ACTIONS: Final[dict[str, Callable[[Store, list[int], str], list[QueueResult]]]] = {
    "pause": download_queue.pause,
    "resume": download_queue.resume,
    "cancel": download_queue.cancel,
    "retry": download_queue.retry,
}
_LEFT_TO_ENGINE: Final = {
    "resume": "what was resumed goes on",
    "retry": "what was asked for again begins",
    "first": "what waits begins",
    "cancel": "what had come of it is removed",
}
_FAR: Final = 1 << 31
_HEADINGS: Final = ("#", "TASK", "SUBJECT", "STATE", "DONE", "BYTES", "RATE", "REMARK")


def downloads(arguments: Namespace) -> ExitCode:
    """Print the downloads, or do to some what was asked and print those."""
    with open_session(arguments, changes=arguments.deed is not None) as session:
        if arguments.deed is None:
            shown, exit_code = download_queue.listed(session.store, arguments.limit), ExitCode.DONE
        else:
            shown, exit_code = _steered(session, arguments.deed, arguments.tasks)
        _print(session.store, shown, arguments)
        return exit_code


def _steered(session: Session, deed: str, names: Sequence[str]) -> tuple[list[Download], ExitCode]:
    """Do it to the newest download of each named task; return how they stand now, and how the command ends.

    Raises:
        Stop: no task is named.
        NoSuchTask: a name fits no task, or more than one.
    """
    if not names:
        raise CommandError(ExitCode.USAGE, f"Name the tasks whose downloads are meant: bwp-tui downloads {deed} TASK.")
    meant = find_tasks(session.store, names)
    numbers = {}
    for task in read(session.store, meant):
        if task.download is None:
            print_note(f"The result of {task.name} was never asked for; see: bwp-tui download {task.number}.")
        else:
            numbers[task.download.id] = task.number
    ids = list(numbers)
    results = _first(session, ids) if deed == "first" else _ACTIONS[deed](session.store, ids, session.actor)
    done = [numbers[result.id] for result in results if result.refused is None]
    for result in results:
        if result.refused is not None:
            print_note(result.refused)
    if done and deed in _LEFT_TO_ENGINE:
        _say_if_nobody_works(session, _LEFT_TO_ENGINE[deed])
    now = [task.download for task in read(session.store, done) if task.download is not None]
    return now, ExitCode.DONE if len(now) == len(meant) else ExitCode.FAILED


def _say_if_nobody_works(session: Session, what: str) -> None:
    from bwp_tui.engine.runtime.lease import is_held

    if not is_held(session.profile.lease_path):
        print_note(f"No engine runs for this profile: {what} whenever bwp-tui runs: bwp-tui run.")


def _first(session: Session, ids: Sequence[int]) -> list[QueueResult]:
    """Move downloads to the head of the queue, in the order in which they are named."""
    results = []
    for download_id in reversed(ids):
        try:
            download_queue.move(session.store, download_id, -_FAR, session.actor)
            results.append(QueueResult(download_id, download_id))
        except NotPossible as why:
            results.append(QueueResult(download_id, download_id, str(why)))
    return results[::-1]


def _print(store: Store, shown: Sequence[Download], arguments: Namespace) -> None:
    found = download_queue.tasks_of(store, shown)
    if arguments.json:
        print_json([_record(download, found[download.number], mask=arguments.mask) for download in shown])
        return
    rows = [_cells(download, found[download.number], unmask=arguments.unmask) for download in shown]
    if not rows:
        if arguments.deed is None:
            print_note("Nothing was downloaded yet, and nothing waits.")
        return
    rows.insert(0, _HEADINGS)
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cells(download: Download, task: Task, *, unmask: bool) -> tuple[str, ...]:
    percent = "-" if download.percent is None else f"{download.percent}%"
    total = "" if download.total is None else f" of {size(download.total)}"
    remark = download.trouble or download.path or ""
    if not unmask:
        remark = mask_task_text(remark, task)
    cells = (
        str(download.number),
        task.task_id[:8] if task.task_id else "-",
        task.subject(masked=not unmask),
        _state(download),
        percent,
        f"{size(download.bytes)}{total}",
        f"{size(download.rate)}/s" if download.rate else "-",
        remark,
    )
    return tuple(clean_line(cell) for cell in cells)


def _state(download: Download) -> str:
    if not download.paused:
        return download.state
    return "pausing" if download.state == DownloadState.RUNNING else "paused"


def _record(download: Download, task: Task, *, mask: bool) -> dict[str, object]:
    record: dict[str, object] = {
        "id": download.number,
        "task_id": task.task_id,
        "kind": task.kind.value,
        "email": task.email,
        "state": download.state,
        "paused": download.paused,
        "bytes": download.bytes,
        "total": download.total,
        "rate": download.rate,
        "attempts": download.tries,
        "trouble": download.trouble,
        "remarks": list(download.remarks),
        "path": download.path,
        "sha256": download.sha256,
        "asked_at": to_text(download.asked_at),
        "started_at": None if download.started_at is None else to_text(download.started_at),
        "finished_at": None if download.finished_at is None else to_text(download.finished_at),
        "actor": download.actor,
    }
    return mask_task_record(record, task) if mask else record
