"""Download the results of retrievals, and print where they are."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from bwp_tui.actions.service_operations import cannot_refresh
from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.support.engine_wait import NO_RESPONSE, EngineWaiter
from bwp_tui.cli.support.progress_line import DownloadProgress
from bwp_tui.cli.support.session import CommandSession
from bwp_tui.cli.support.streams import draw, print_message
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.masking import mask_task_text
from bwp_tui.domain.statuses import DownloadState, engine_is_done_with
from bwp_tui.domain.task import Kind, Task
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import stamp, utc_now
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.saved_results import saved_path
from bwp_tui.store.worklog import downloads

_SOON: Final = timedelta(minutes=1)


def download_results(
    session: CommandSession, waiter: EngineWaiter, numbers: Sequence[int], arguments: Namespace
) -> ExitCode:
    """Queue the downloads of tasks, wait for them, and print their paths.

    Tasks that had not ended at their last poll are polled first: they may have completed since.
    """
    unended = [
        task.number
        for task in tasks.by_numbers(session.store, numbers)
        if task.kind is Kind.RETRIEVAL and not engine_is_done_with(task.status) and cannot_refresh(task) is None
    ]
    if unended and (unpolled := waiter.poll(unended, arguments.timeout)):
        which = f"#{unpolled[0].number}" if len(unpolled) == 1 else counted(len(unpolled), "task")
        sentence = f"Whether {which} ended since the last poll is not known, so no download is recorded: ask again."
        if len(unpolled) == len(numbers) or waiter.is_interrupted:
            raise waiter.timed_out(sentence, unpolled[0].trouble, is_recorded=False)
        print_message(sentence)
    folder = Path(arguments.output).expanduser().absolute() if arguments.output else None
    queued = _queue_downloads(session, numbers, folder, arguments)
    asked = list(queued)
    by_number = {task.number: task for task in tasks.by_numbers(session.store, asked)}
    progress, reported = DownloadProgress(), set[int]()

    def read_shown(store: Store) -> list[Download]:
        read = downloads.by_ids(store, list(queued.values()))
        return [_masked(download, by_number[download.task_number]) for download in read] if arguments.mask else read

    def have_ended(store: Store) -> bool:
        downloading = read_shown(store)
        progress.show(downloading)
        for download in downloading:
            if download.id not in reported and _waits_long(download):
                reported.add(download.id)
                print_message(_wait_sentence(download, by_number[download.task_number]))
        return not any(download.is_open and not download.paused for download in downloading)

    try:
        done, ended = (
            waiter.wait_until(have_ended, asked, arguments.timeout, waits_out_failures=True) if asked else (True, ())
        )
    finally:
        draw("")
    results = read_shown(session.store)
    _print_downloads(ended, results, as_json=arguments.json, mask=arguments.mask)
    if not done:
        is_any_running = any(result.state == DownloadState.RUNNING and not result.trouble for result in results)
        raise waiter.timed_out(
            "What is downloaded so far is kept.",
            next((result.trouble for result in results if result.is_open and result.trouble), None),
            otherwise="Time is up." if is_any_running else NO_RESPONSE,
        )
    saved = all(result.state == DownloadState.DONE for result in results)
    return ExitCode.DONE if saved and len(queued) == len(numbers) else ExitCode.FAILED


def _waits_long(download: Download) -> bool:
    """Return whether its last try failed, and the next one is not soon."""
    return not download.paused and download.awaits_retry(utc_now() + _SOON)


def _masked(download: Download, task: Task) -> Download:
    path, trouble = (text and mask_task_text(text, task) for text in (download.path, download.trouble))
    return download._replace(path=path, trouble=trouble)


def _wait_sentence(download: Download, task: Task) -> str:
    at = "" if download.not_before is None else f" The next try is at {stamp(download.not_before)}."
    return f"The download of {task.name} waits: {download.trouble}{at} ctrl+c ends the wait."


def _queue_downloads(
    session: CommandSession, numbers: Sequence[int], folder: Path | None, arguments: Namespace
) -> dict[int, int]:
    """Queue the downloads of tasks and resume paused ones; return the ids of those downloads by their tasks.

    `folder` is where the results go; None is the profile's. Tasks for which it is impossible are left out.
    """
    queued = dict[int, int]()
    for task in tasks.by_numbers(session.store, numbers):
        try:
            queued[task.number] = _queue_download(session, task, folder, arguments)
        except NotPossible as why:
            print_message(str(why))
    return queued


def _queue_download(session: CommandSession, task: Task, folder: Path | None, arguments: Namespace) -> int:
    """Queue or resume the download of a task; a downloaded result stays unless `--again` is given.

    Returns:
        the id of the download.

    Raises:
        NotPossible: there is no result, or it is downloaded or being downloaded into another folder.
    """
    if task.download is not None and task.download.is_open:
        there = downloads.folder_of(session.store, task.download.id)
        if folder is not None and there != str(folder):
            raise NotPossible(
                f"The download of {task.name} goes into {there}."
                f" Cancel that first: bwp-tui downloads cancel {task.number}."
            )
        download_queue.resume(session.store, [task.download.id], session.actor)
        return task.download.id
    if task.download is not None and not arguments.alternative and (saved := saved_path(task.download)) is not None:
        place = mask_task_text(str(saved), task) if arguments.mask else str(saved)
        if folder is not None and saved.parent.resolve() != folder.resolve():
            raise NotPossible(f"{task.name} is already downloaded: {place}. Use --again to download it into {folder}.")
        print_message(f"{task.name} is already downloaded: {place}. Use --again to download it again.")
        return task.download.id
    target = str(folder or session.profile.download_dir)
    return requests.download(session.store, task.number, target, session.actor)


def _print_downloads(ended: Sequence[Task], results: Sequence[Download], *, as_json: bool, mask: bool) -> None:
    """Print the paths of downloaded results, or the tasks as JSON; explain the others on stderr."""
    by_task = {result.task_number: result for result in results}
    for task in ended:
        result = by_task[task.number]
        if result.state == DownloadState.DONE and result.path and not as_json:
            print(result.path)
        elif result.paused:
            print_message(f"The download of {task.name} is paused; resume it: bwp-tui downloads resume {task.number}.")
        elif result.state in (DownloadState.FAILED, DownloadState.CANCELLED):
            trouble = f": {result.trouble}" if result.trouble else "."
            print_message(f"The download of {task.name} {download_queue.current_state(result)}{trouble}")
    if as_json:
        print_tasks(ended, as_json=True, mask=mask)
    sys.stdout.flush()
