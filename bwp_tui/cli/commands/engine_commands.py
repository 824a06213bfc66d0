"""`bwp-tui refresh`, `wait`, `download` and `run`: commands that run the engine or wait for it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.bulk import confirm_plan, select_tasks
from bwp_tui.cli.support.context import CommandSession, find_tasks, open_session, print_note, today
from bwp_tui.cli.support.engine_wait import EngineWaiter
from bwp_tui.cli.support.streams import draw
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.filter import parse
from bwp_tui.domain.masking import mask_task_text
from bwp_tui.domain.task import Download, DownloadState, Status, Task, has_ended, time_left
from bwp_tui.domain.text import counted, format_size, percent
from bwp_tui.domain.times import format_duration
from bwp_tui.store.commands import download_queue, requests
from bwp_tui.store.commands.result_files import saved_at
from bwp_tui.store.commands.service_operations import cannot_refresh
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import downloads, due_polls


def refresh(arguments: Namespace) -> None:
    """Poll the named tasks now, or all active ones."""
    with open_session(arguments) as session:
        if arguments.filter is None:
            numbers = _polled(session.store, arguments.tasks)
        else:
            fitting = select_tasks(session, arguments.tasks, arguments.filter)
            numbers = list(confirm_plan(session, "refresh", fitting, arguments).possible)
        waiter = EngineWaiter(session)
        requests.poll_now(session.store, numbers)
        asked_at = session.store.clock()

        def polled(store: Store) -> bool:
            return not due_polls.any_due(store, numbers, asked_at)

        done = not numbers or waiter.until(polled, numbers, arguments.timeout)
        refreshed = tasks.window(session.store, numbers)
        print_tasks(refreshed, as_json=arguments.json)
        troubles = [task.trouble for task in refreshed if task.trouble]
        if not done or troubles:
            raise waiter.timed_out(f"{len(troubles) or 'Some'} of {len(numbers)} tasks could not be refreshed.")


def wait(arguments: Namespace) -> ExitCode:
    with open_session(arguments) as session:
        numbers = find_tasks(session.store, arguments.tasks)
        waiter = EngineWaiter(session)

        def have_ended(store: Store) -> bool:
            return all(has_ended(task.status) for task in tasks.window(store, numbers))

        ended = waiter.until(have_ended, numbers, arguments.timeout, patient=True)
        waited = tasks.window(session.store, numbers)
        print_tasks(waited, as_json=arguments.json)
        if not ended:
            left = counted(sum(not has_ended(task.status) for task in waited), "task")
            raise waiter.timed_out(
                f"{left} not finished; wait again, or see: bwp-tui list is:active.", otherwise="Timed out."
            )
        return ExitCode.DONE if all(task.status == Status.COMPLETED for task in waited) else ExitCode.FAILED


def download(arguments: Namespace) -> ExitCode:
    """Download the results of retrievals and print their paths."""
    with open_session(arguments) as session:
        numbers = select_tasks(session, arguments.tasks, arguments.filter)
        waiter = EngineWaiter(session)
        if arguments.filter is not None:
            action = "download again" if arguments.again else "download"
            numbers = list(confirm_plan(session, action, numbers, arguments).possible)
        folder = Path(arguments.output).expanduser().absolute() if arguments.output else None
        refused = _queue_downloads(session, numbers, folder, arguments)
        asked = [number for number in numbers if number not in refused]
        progress = Progress()

        def have_ended(store: Store) -> bool:
            downloading = tasks.window(store, asked)
            progress.show(downloading)
            results = [task.download for task in downloading if task.download]
            return not any(result.is_open and not result.paused for result in results)

        try:
            done = not asked or waiter.until(have_ended, asked, arguments.timeout, patient=True)
        finally:
            draw("")
        ended = tasks.window(session.store, asked)
        _print_downloads(ended, as_json=arguments.json, mask=arguments.mask)
        if not done:
            raise waiter.timed_out("What is downloaded so far is kept.")
        saved = all(task.download and task.download.state == DownloadState.DONE for task in ended)
        return ExitCode.DONE if saved and not refused else ExitCode.FAILED


def run(arguments: Namespace) -> ExitCode:
    """Run the engine without a screen until a signal stops it, or until nothing is due."""
    with open_session(arguments) as session:
        from bwp_tui.engine.runtime.engine_config import engine_config
        from bwp_tui.engine.runtime.headless import OtherEngineBusy, serve, serve_once
        from bwp_tui.engine.runtime.lease import LeaseUnusable

        config = engine_config(session.profile)
        if arguments.once:
            try:
                serve_once(config)
            except (OtherEngineBusy, LeaseUnusable) as elsewhere:
                raise CommandError(ExitCode.LATER, str(elsewhere)) from None
            if troubles := tasks.current_troubles(session.store):
                count = counted(len(troubles), "task")
                raise CommandError(ExitCode.LATER, f"{troubles[0]} {count} could not be refreshed.")
            return ExitCode.DONE
        stop = Stopper()
        serve(config, stop=stop.requested, report=lambda sentence: print(sentence, flush=True))
        return ExitCode.INTERRUPTED if stop.by == signal.SIGINT else ExitCode.DONE


class Stopper:
    """Sets `requested` when a signal asks the process to stop; `by` is the signal."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.by: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.by = number
        self.requested.set()


class Progress:
    """Draws the progress of downloads on one line of stderr, at most once a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, downloading: Sequence[Task]) -> None:
        """Draw the progress, unless this second's is drawn."""
        running = [task.download for task in downloading if task.download and task.download.is_open]
        if running and time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            draw(progress_text(running))


def progress_text(running: Sequence[Download]) -> str:
    """Return the progress of downloads: percent, bytes, rate and time left where they are known."""
    received = sum(download.bytes for download in running)
    rate = sum(download.rate or 0.0 for download in running)
    totals = [download.total for download in running]
    total = sum(length or 0 for length in totals) if None not in totals else None
    parts = [f"{len(running)} downloads"] if len(running) > 1 else []
    if total:
        parts.append(f"{percent(received, total)}%")
    parts.append(f"{format_size(received)}{f' of {format_size(total)}' if total else ''}")
    if rate:
        parts.append(f"{format_size(rate)}/s")
    if left := time_left(received, total, rate):
        parts.append(f"{format_duration(left)} left")
    trouble = next((download.trouble for download in running if download.trouble), None)
    return "  ".join([*parts, trouble] if trouble else parts)[:200]


def _polled(store: Store, names: Sequence[str]) -> list[int]:
    """Return the named tasks that can be polled, or all active ones."""
    if not names:
        return list(tasks.numbers(store, parse("is:active -is:unsent"), today=today()))
    possible = []
    for task in tasks.window(store, find_tasks(store, names)):
        if why_not := cannot_refresh(task):
            print_note(why_not)
        else:
            possible.append(task.number)
    return possible


def _queue_downloads(
    session: CommandSession, numbers: Sequence[int], folder: Path | None, arguments: Namespace
) -> set[int]:
    """Queue the downloads of tasks and resume paused ones; return the tasks for which that is impossible.

    Args:
        folder: where the results go; None is the profile's folder.
    """
    refused = set()
    for task in tasks.window(session.store, numbers):
        try:
            _queue_download(session, task, folder, arguments)
        except NotPossible as why:
            print_note(str(why))
            refused.add(task.number)
    return refused


def _queue_download(session: CommandSession, task: Task, folder: Path | None, arguments: Namespace) -> None:
    """Queue or resume the download of a task; a downloaded result stays unless `--again` is given.

    Raises:
        NotPossible: there is no result, or it is downloaded or being downloaded into another folder.
    """
    if task.download is not None and task.download.is_open:
        there = downloads.folder_of(session.store, task.download.id)
        if folder is not None and there != str(folder):
            raise NotPossible(
                f"The result of {task.name} is being downloaded into {there}."
                f" Cancel that first: bwp-tui downloads cancel {task.number}."
            )
        download_queue.resume(session.store, [task.download.id], session.actor)
    elif not arguments.again and (saved := saved_at(task)) is not None:
        place = mask_task_text(str(saved), task) if arguments.mask else str(saved)
        if folder is not None and saved.parent.resolve() != folder.resolve():
            raise NotPossible(f"{task.name} is already downloaded: {place}. Use --again to download it into {folder}.")
        print_note(f"{task.name} is already downloaded: {place}. Use --again to download it again.")
    else:
        target = str(folder or session.profile.download_dir)
        requests.download(session.store, task.number, target, session.actor)


def _print_downloads(ended: Sequence[Task], *, as_json: bool, mask: bool) -> None:
    """Print the paths of downloaded results, or the tasks as JSON; explain the others on stderr."""
    for task in ended:
        result = task.download
        if result is not None and result.state == DownloadState.DONE and result.path and not as_json:
            print(mask_task_text(result.path, task) if mask else result.path)
        elif result is not None and result.paused:
            print_note(f"The download of {task.name} is paused; resume it: bwp-tui downloads resume {task.number}.")
        elif result is not None and result.state in (DownloadState.FAILED, DownloadState.CANCELLED):
            trouble = result.trouble or "no reason was given."
            print_note(
                f"The download of {task.name} {result.state}: {mask_task_text(trouble, task) if mask else trouble}"
            )
    if as_json:
        print_tasks(ended, as_json=True, mask=mask)
    sys.stdout.flush()
