"""`bwp-tui backup` and `restore`: copy the history to a file, and replace it with one."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.questions import require_yes
from bwp_tui.cli.support.session import chosen_profile, open_session, without_engine
from bwp_tui.cli.support.streams import in_profile, print_message
from bwp_tui.domain.task import TO_CHECK
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import utc_now
from bwp_tui.settings import Profile
from bwp_tui.store.database.shop_binding import BOUND_SHOP, bound_shop
from bwp_tui.store.maintenance import backups
from bwp_tui.store.maintenance.restore import RestoreResult, check_backup
from bwp_tui.store.maintenance.restore import restore as restore_from


def backup(arguments: Namespace) -> None:
    """Copy the history to a new file."""
    target: Path = arguments.file
    profile = chosen_profile(arguments)
    if not _has_history(profile):
        missing = f"There is no history at {profile.history_path}: nothing to back up. Check the profile."
        raise CommandError(missing, ExitCode.NOT_FOUND)
    with open_session(arguments) as session:
        try:
            backups.back_up_to(session.store.path, target)
        except FileExistsError:
            raise CommandError(f"{target} exists already; name another file.", ExitCode.FAILED) from None
    print(target)


def _has_history(profile: Profile) -> bool:
    return profile.history_path.exists() or backups.is_recoverable(profile.history_path)


def restore(arguments: Namespace) -> None:
    """Replace the history with a backup and merge the current history into it."""
    file: Path = arguments.file
    profile = chosen_profile(arguments)
    if not file.is_file():
        raise CommandError(f"There is no file {file}.", ExitCode.NOT_FOUND)
    had_history = _has_history(profile)
    if not had_history:  # asked before anything is made here
        check_backup(file, profile.shop)
        _confirm(arguments, f"{file} becomes the history of profile {profile.name}, which has none yet.")
    running = "A bwp-tui of this profile is running. Stop it and try again. Nothing was changed."
    with without_engine(profile, CommandError(running, ExitCode.FAILED)):
        if had_history:
            with open_session(arguments) as session:  # opening recovers a damaged history
                shop = bound_shop(session.store.rows(BOUND_SHOP)) or profile.shop
            check_backup(file, shop)
            _confirm(
                arguments,
                f"{file} replaces {profile.history_path}, which is kept aside and merged into it: of a task in both, "
                "all events are kept, and where people contradict each other, it is to be checked.",
            )
        restored = restore_from(profile.history_path, file, utc_now())
        if not (had_history or restored.had_tasks):
            backups.remove_database(restored.aside)  # the restore made it
    print(in_profile(_restore_report(restored, file)))
    for what in restored.results_left:
        print_message(f"The backup had purged its task; delete it yourself when it is no longer needed: {what}")


def _confirm(arguments: Namespace, what: str) -> None:
    if not arguments.yes:
        print_message(what)
        require_yes("Restore?")


def _restore_report(restored: RestoreResult, file: Path) -> str:
    merged = restored.merged
    lost = ""
    if merged.lost_ids:
        tasks = counted(merged.lost_ids, "task")
        lost = f"{tasks} lost the task id, which another task has: their timelines say so. "
    waiting = ""
    if count := restored.unconfirmed:
        waiting = (
            f"{counted(count, 'request')} {'is' if count == 1 else 'are'} now UNCONFIRMED, and may or may not run at "
            f"the service: decide on {'it' if count == 1 else 'each'}; see: bwp-tui list status:unconfirmed. "
        )
    disputed = ""
    if count := restored.to_check:
        disputed = f"{counted(count, 'task')} to be checked, as told by the timeline: bwp-tui list tag:{TO_CHECK}. "
    renumbered = ""
    if count := merged.renumbered:
        renumbered = f"{counted(count, 'added task')} got another number here, as told by the timeline. "
    joined = ""
    if count := restored.joined:
        joined = f"{counted(count, 'task')} became one with another row of the same request, as told by the timeline. "
    stopped = ""
    if count := merged.stopped_downloads:
        stopped = f"{counted(count, 'download')} had not ended in the backup; see, and retry: bwp-tui downloads. "
    aside = f"The previous history is kept as {restored.aside}."
    kept = aside if restored.had_tasks else "There were no tasks here before."
    return (
        f"Restored from {file}: {counted(restored.tasks, 'task')}, {merged.added} of them only in the backup and "
        f"{merged.only_here} only in the history, which were merged; of those in both, the backup had something new "
        f"of {merged.updated}. {lost}{renumbered}{joined}{waiting}{disputed}{stopped}{kept}"
    )
