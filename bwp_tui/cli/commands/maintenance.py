"""`bwp-tui backup`, `restore` and `purge`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import chosen_profile, open_session, require_typed, require_yes, today, without_engine
from bwp_tui.cli.support.filters import filter_of
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.deadlines import add_months
from bwp_tui.domain.filter import TextClause, ValueClause, View, parse
from bwp_tui.domain.filter_fields import FIELDS
from bwp_tui.domain.task import TO_CHECK, Task
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import format_instant, utc_now
from bwp_tui.store.commands import saved_views as views
from bwp_tui.store.database.error_translation import translated_errors
from bwp_tui.store.maintenance import backups
from bwp_tui.store.maintenance import purge as purging
from bwp_tui.store.maintenance.restore import RestoreResult
from bwp_tui.store.maintenance.restore import restore as restore_from
from bwp_tui.store.queries import tasks

_MOST_NAMED: Final = 10


def backup(arguments: Namespace) -> None:
    """Copy the history to a new file."""
    target: Path = arguments.file
    profile = chosen_profile(arguments)
    if not (profile.history_path.exists() or backups.daily_backups(profile.history_path)):
        missing = f"There is no history at {profile.history_path}: nothing to back up. Check the profile."
        raise CommandError(ExitCode.NOT_FOUND, missing)
    with open_session(arguments) as session:
        try:
            backups.back_up_to(session.store.path, target)
        except FileExistsError:
            raise CommandError(ExitCode.FAILED, f"{target} exists already; name another file.") from None
    print(target)


def restore(arguments: Namespace) -> None:
    """Replace the history with a backup and merge the current history into it."""
    file: Path = arguments.file
    profile = chosen_profile(arguments)
    if not file.is_file():
        raise CommandError(ExitCode.NOT_FOUND, f"There is no file {file}.")
    running = "A bwp-tui of this profile is running. Stop it and try again. Nothing was changed."
    with without_engine(profile, CommandError(ExitCode.FAILED, running)):
        with open_session(arguments):
            pass  # opening recovers a damaged history
        if not arguments.yes:
            print_message(
                f"{file} replaces {profile.history_path}, which is kept aside and merged into it: of a task in both, "
                "what both have recorded counts."
            )
            require_yes("Restore?")
        restored = restore_from(profile.history_path, file, utc_now())
    print(_restore_report(restored, file))


def purge(arguments: Namespace) -> None:
    """Remove the personal data of finished tasks."""
    from bwp_tui.console.state import saved_state

    task_filter = filter_of(" ".join(arguments.filter))
    with open_session(arguments) as session:
        store = session.store
        extent = {"evidence_too": arguments.all, "unanswered_too": arguments.unanswered}
        plan = purging.plan(store, task_filter, arguments.older_than, today(), **extent)
        _print_unanswered(tasks.by_numbers(store, plan.unanswered[:_MOST_NAMED]), len(plan.unanswered))
        if not plan.numbers and not purging.has_traces(store):
            none_left = "" if plan.unanswered else "No finished task that old is left to purge. "
            print_message(f"{none_left}Nothing was changed.")
            return
        if arguments.keep_archives:
            kept = tuple(file for files in plan.own_files.values() for file in files)
            plan = replace(plan, own_files={}, files_elsewhere=(*kept, *plan.files_elsewhere))
        _print_plan(plan, arguments.all, views.saved(store))
        if not arguments.yes:
            count = len(plan.numbers)
            require_typed(f"Purge {counted(count, 'task')}? This cannot be undone.", str(count))
        with translated_errors(session.profile.history_path):
            saved_state.forget(session.profile.state_path, format_instant(utc_now()))
        _print_result(purging.purge(store, plan.numbers, session.actor, today(), files=plan.own_files, **extent))


def _restore_report(restored: RestoreResult, file: Path) -> str:
    merged = restored.merged
    lost = ""
    if merged.duplicate_ids:
        lost = f"{merged.duplicate_ids} lost their task ID, which another task has: see their timelines. "
    waiting = ""
    if count := restored.unconfirmed:
        waiting = (
            f"{counted(count, 'request')} became UNCONFIRMED, which may or may not run at the service: decide on "
            f"{'it' if count == 1 else 'each'}; see: bwp-tui list status:unconfirmed. "
        )
    disputed = ""
    if count := restored.to_check:
        disputed = f"Check {counted(count, 'task')} in which the two differ: bwp-tui list tag:{TO_CHECK}. "
    had_tasks = restored.tasks > merged.added
    kept = f"The previous history is kept as {restored.aside}." if had_tasks else "There were no tasks here before."
    return (
        f"Restored from {file}: {counted(restored.tasks, 'task')}, {merged.added} of them only in the backup and "
        f"{restored.only_here} only in the history, which were merged; {merged.updated} updated. {lost}{waiting}"
        f"{disputed}{kept}"
    )


def _print_unanswered(examples: Sequence[Task], count: int) -> None:
    if count:
        named = ", ".join(f"#{task.number} {task.kind_name} {task.status}" for task in examples)
        more = f" and {count - len(examples)} more" if count > len(examples) else ""
        print_message(
            f"Skipped because the shopper still needs an answer: {counted(count, 'task')} ({named}{more}). "
            "--unanswered purges them too."
        )


def _print_plan(plan: purging.PurgePlan, everything: bool, saved_views: Sequence[View]) -> None:
    count = len(plan.numbers)
    if everything:
        print_message(f"{counted(count, 'finished task')} to delete, with the evidence of the answers.")
        since = add_months(today(), -purging.EVIDENCE_MONTHS)
        if plan.youngest is not None and plan.youngest > since:
            print_message(
                f"Warning: some ended after {since}; CCPA regulations §7101 ask for {purging.EVIDENCE_MONTHS} months."
            )
    else:
        print_message(
            f"{counted(count, 'finished task')} to purge of email, note, reason, tags, messages and file paths; "
            "kind, dates, outcome, error codes, actors and hashes stay as evidence."
        )
    print_message("One new backup without this data replaces all backups made by bwp-tui.")
    if plan.own_files:
        files = sum(map(len, plan.own_files.values()))
        print_message(f"Downloaded results to delete: {counted(files, 'file')}.")
    for what in (*plan.files_elsewhere, *plan.copies):
        print_message(f"Not deleted; delete it yourself when it is no longer needed: {what}")
    for view in saved_views:
        if _names_someone(view):
            print_message(f"The view “{view.name}” stays with “{view.filter}”; delete it if that names a person.")
    print_message("Exports and copies of the history in other places stay.")


def _names_someone(view: View) -> bool:
    """Return whether a view searches for text, which may name a shopper."""
    return any(
        isinstance(clause, TextClause) or (isinstance(clause, ValueClause) and FIELDS[clause.field].is_text)
        for clause, _ in parse(view.filter).comparisons()
    )


def _print_result(done: purging.PurgeResult) -> None:
    print(f"Purged {counted(done.tasks, 'task')} and removed {counted(done.files, 'file')}.", end=" ")
    print("A new backup replaces all that bwp-tui made before.")
    for path in done.files_left:
        print_message(f"{path} still holds the data; delete it yourself when it is no longer needed.")
