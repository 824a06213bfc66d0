"""`bwp-tui downloads`: list the download queue and change it; the engine follows within a second."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Final

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.session import CommandSession, find_tasks, open_session
from bwp_tui.cli.support.streams import most_rows, print_if_cut, print_message
from bwp_tui.cli.support.table import table
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.console.presentation.download_detail import partial_file_text
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.masking import mask_task_json, mask_task_text
from bwp_tui.domain.statuses import DownloadState
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import format_size
from bwp_tui.domain.times import format_instant, iso_instant
from bwp_tui.engine.runtime.lease import Lease
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.commands.bulk import ChangeResult
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.saved_results import is_gone
from bwp_tui.store.worklog import downloads as worklog

_ACTIONS: Final[dict[str, Callable[[Store, list[int], str], list[ChangeResult]]]] = {
    "pause": download_queue.pause,
    "resume": download_queue.resume,
    "cancel": download_queue.cancel,
}
_LEFT_TO_ENGINE: Final = {
    "resume": "the downloads continue",
    "retry": "the downloads start",
    "first": "the downloads start",
    "cancel": "the partial files are deleted",
}
_MAX_PLACES: Final = 1 << 31
_HEADINGS: Final = ("#", "TASK", "EMAIL", "STATE", "DONE", "BYTES", "RATE", "REMARK")
_EXPENDABLE: Final = ("RATE", "TASK", "BYTES", "DONE")


def downloads(arguments: Namespace) -> ExitCode:
    """Print the downloads, or apply an action to some and print those."""
    with open_session(arguments, changes=arguments.action is not None) as session:
        if arguments.action is None:
            most, exit_code = most_rows(arguments), ExitCode.DONE
            listed = list(map(session.actual_download, download_queue.list_downloads(session.store, most)[:most]))
        else:
            _requeue_interrupted(session)
            listed, exit_code = _apply(session, arguments.action, arguments.tasks)
        _print(session.store, listed, arguments)
        if arguments.action is None:
            sys.stdout.flush()
            total = download_queue.count(session.store)
            print_if_cut(len(listed), total, "downloads")
            if not (total or arguments.json):
                print_message("No downloads yet.")
        return exit_code


def _apply(session: CommandSession, action: str, names: Sequence[str]) -> tuple[list[Download], ExitCode]:
    """Apply an action to the newest download of each named task; return those downloads and the exit code."""
    if not names:
        raise CommandError(f"Name the tasks: bwp-tui downloads {action} TASK.")
    named = find_tasks(session.store, names)
    ids = []
    for task in tasks.by_numbers(session.store, named):
        if newest := worklog.of_task(session.store, task.number)[-1:]:  # the task may show a saved one before it
            ids.append(newest[0].id)
        else:
            reason = requests.cannot_download(task)
            print_message(reason or f"{task.name} has no download; see: bwp-tui download {task.number}.")
    if action == "first":
        results = _first(session, ids)
    else:
        change = download_queue.retry(session.profile.download_dir) if action == "retry" else _ACTIONS[action]
        results = change(session.store, ids, session.actor)
    done = [result.resulting_id for result in results if result.refused is None]
    for result in results:
        if result.refused is not None:
            print_message(result.refused)
    changed = worklog.by_ids(session.store, done)
    left = [download for download in changed if (download.bytes if action == "cancel" else not download.paused)]
    if left and action in _LEFT_TO_ENGINE and not session.has_sending_engine():
        engine = "Only a read-only engine" if session.has_engine() else "No engine"
        what = _LEFT_TO_ENGINE[action]
        print_message(f"{engine} runs for this profile: {what} as soon as bwp-tui run or the console does.")
    return changed, ExitCode.DONE if len(changed) == len(named) else ExitCode.FAILED


def _requeue_interrupted(session: CommandSession) -> None:
    """Requeue the downloads that a killed engine left running, where no other process is the engine."""
    lease = Lease(session.profile.lease_path)
    if lease.acquire():
        try:
            worklog.requeue_interrupted(session.store)
        finally:
            lease.release()


def _first(session: CommandSession, ids: Sequence[int]) -> list[ChangeResult]:
    """Move downloads to the head of the queue, in the given order."""
    results = []
    for download_id in reversed(ids):
        try:
            download_queue.move(session.store, download_id, -_MAX_PLACES, session.actor)
            results.append(ChangeResult(download_id, download_id))
        except NotPossible as why:
            results.append(ChangeResult(download_id, download_id, str(why)))
    return results[::-1]


def _print(store: Store, listed: Sequence[Download], arguments: Namespace) -> None:
    by_number = download_queue.tasks_of(store, listed)
    json_objects = [_json(download, by_number[download.task_number], mask=arguments.mask) for download in listed]
    rows = [_cells(download, by_number[download.task_number], unmask=arguments.unmask) for download in listed]
    print_result(arguments, json_objects, table(_HEADINGS, rows, expendable=_EXPENDABLE))


def _cells(download: Download, task: Task, *, unmask: bool) -> tuple[str, ...]:
    is_cancelled = download.state == DownloadState.CANCELLED
    has_none = download.percent is None or is_cancelled or is_gone(download)
    percent = "-" if has_none else f"{download.percent}%"
    total = "" if download.total is None else f" of {format_size(download.total)}"
    remark = download.trouble or download.path or (partial_file_text(download) if is_cancelled else "")
    if not unmask:
        remark = mask_task_text(remark, task)
    return (
        str(download.task_number),
        task.task_id[:8] if task.task_id else "-",
        task.email_text(masked=not unmask),
        _state(download),
        percent,
        f"{format_size(download.bytes)}{total}",
        f"{format_size(download.rate)}/s" if download.rate else "-",
        remark,
    )


def _state(download: Download) -> str:
    if download.is_purged and download.state == DownloadState.DONE:
        return "purged"
    return "gone or changed" if is_gone(download) else download.state_name


def _json(download: Download, task: Task, *, mask: bool) -> dict[str, object]:
    json_object: dict[str, object] = {
        "id": download.task_number,
        "task_id": task.task_id,
        "kind": task.kind.value,
        "email": task.email,
        "state": download.state,
        "paused": download.paused,
        "bytes": download.bytes,
        "total": download.total,
        "rate": download.rate,
        "attempts": download.attempts_with_running,
        "trouble": download.trouble,
        "remarks": list(download.remarks),
        "path": download.path,
        "gone": is_gone(download),
        "sha256": download.sha256,
        "asked_at": format_instant(download.asked_at),
        "started_at": iso_instant(download.started_at),
        "finished_at": iso_instant(download.finished_at),
        "actor": download.actor,
    }
    return mask_task_json(json_object, task) if mask else json_object
