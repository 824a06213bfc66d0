"""`bwp-tui purge`: remove the personal data of finished tasks."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.filters import filter_of
from bwp_tui.cli.support.questions import require_typed
from bwp_tui.cli.support.session import TASK_NUMBER, find_tasks, open_session
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.deadlines import add_months
from bwp_tui.domain.filter import TextCondition, ValueCondition, parse
from bwp_tui.domain.filter_fields import FIELDS
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_instant, utc_now
from bwp_tui.domain.views import View
from bwp_tui.store.commands import saved_views as views
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.maintenance import atomic_swap
from bwp_tui.store.maintenance import purge as purging
from bwp_tui.store.queries import tasks

_MOST_NAMED: Final = 10


def purge(arguments: Namespace) -> None:
    """Remove the personal data of finished tasks."""
    from bwp_tui.console.state import saved_state

    words: list[str] = arguments.filter
    is_filter = not words or not all(map(TASK_NUMBER.fullmatch, words))
    task_filter = filter_of(" ".join(words) if is_filter else "")
    with open_session(arguments) as session:
        store = session.store
        named = None if is_filter else find_tasks(store, words)
        extent = {"evidence_too": arguments.all, "unanswered_too": arguments.unanswered}
        plan = purging.plan(
            store,
            task_filter,
            arguments.older_than,
            today(),
            only_these=named,
            download_dir=session.profile.download_dir,
            **extent,
        )
        _print_skipped(store, plan.unanswered, "the shopper still needs an answer", " --unanswered purges them too.")
        _print_skipped(store, plan.unfinished, "work on the task is left for an engine")
        not_over = sorted({*(named or ())}.difference(plan.numbers, plan.unanswered, plan.unfinished))
        _print_skipped(store, not_over, "the task has not ended so long ago, or is purged already")
        if not plan.numbers and not purging.has_traces(store):
            is_skipped = plan.unanswered or plan.unfinished or not_over
            none_left = "" if is_skipped else "No finished task that old is left to purge. "
            print_message(f"{none_left}Nothing was changed.")
            return
        if arguments.keep_archives:
            kept = tuple(file for files in plan.own_files.values() for file in files)
            plan = replace(plan, own_files={}, files_elsewhere=(*kept, *plan.files_elsewhere))
        _print_plan(store, plan, arguments.all)
        if not arguments.yes:
            count = len(plan.numbers)
            what = f"Purge {counted(count, 'task')} of profile {session.profile.name}?"
            require_typed(f"{what} This cannot be undone.", str(count))
        with translated_errors(session.profile.history_path):
            saved_state.forget(session.profile.state_path, format_instant(utc_now()))
        _print_result(purging.purge(store, plan.numbers, session.actor, today(), files=plan.own_files, **extent))


def _print_skipped(store: Store, numbers: Sequence[int], reason: str, hint: str = "") -> None:
    if numbers:
        print_message(f"Skipped because {reason}: {counted(len(numbers), 'task')} ({_named(store, numbers)}).{hint}")


def _named(store: Store, numbers: Sequence[int]) -> str:
    """Name some tasks, so that a wrong filter is noticed."""
    examples = tasks.by_numbers(store, numbers[:_MOST_NAMED])
    named = ", ".join(f"#{task.number} {task.kind_name} {task.status}" for task in examples)
    more = f" and {len(numbers) - len(examples)} more" if len(numbers) > len(examples) else ""
    return f"{named}{more}"


def _print_plan(store: Store, plan: purging.PurgePlan, everything: bool) -> None:
    count = len(plan.numbers)
    if count:
        print_message(f"To purge: {_named(store, plan.numbers)}.")
    if everything:
        print_message(f"{counted(count, 'finished task')} to delete, with the evidence of the answers.")
        since = add_months(today(), -purging.EVIDENCE_MONTHS)
        if plan.latest_end is not None and plan.latest_end > since:
            print_message(
                f"Warning: some ended after {since}; CCPA regulations §7101 ask for {purging.EVIDENCE_MONTHS} months."
            )
    else:
        print_message(
            f"{counted(count, 'finished task')} to purge of email, note, reason, tags, messages and file paths; "
            "kind, dates, outcome, error codes, actors and hashes stay as evidence."
        )
    print_message("One new backup without this data replaces all daily backups.")
    if plan.own_files:
        files = sum(map(len, plan.own_files.values()))
        print_message(f"Downloaded results to delete: {counted(files, 'file')}.")
    if left := len(purging.leftovers(store)):
        print_message(f"Copied texts and unfinished files to delete in the profile's folder: {counted(left, 'file')}.")
    for what in (*plan.files_elsewhere, *plan.copies, *atomic_swap.histories_set_aside(store.path)):
        print_message(f"Not deleted; delete it yourself when it is no longer needed: {what}")
    for view in views.saved(store):
        if _names_someone(view):
            print_message(f"The view “{view.name}” stays with “{view.filter}”; delete it if that names a person.")
    print_message("Exports stay, and copies of the history in other places, such as those of bwp-tui backup.")


def _names_someone(view: View) -> bool:
    """Return whether a view searches for text, which may name a shopper."""
    return any(
        isinstance(condition, TextCondition)
        or (isinstance(condition, ValueCondition) and FIELDS[condition.field].is_text)
        for condition, _ in parse(view.filter).leaves()
    )


def _print_result(done: purging.PurgeResult) -> None:
    print(f"Purged {counted(done.tasks, 'task')} and removed {counted(done.files, 'file')}.", end=" ")
    print("A new backup replaces all earlier daily backups.")
    for path in done.files_left:
        print_message(f"{path} may still hold the data; delete it yourself when it is no longer needed.")
