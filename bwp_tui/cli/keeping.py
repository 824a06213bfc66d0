"""Commands that keep and remove records: backup, restore, purge."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from bwp_tui.cli.common import agreed, ask, can_ask, chosen_profile, note, opened, today
from bwp_tui.cli.exits import Exit, Stop
from bwp_tui.cli.reading import filter_of
from bwp_tui.domain.deadlines import add_months
from bwp_tui.domain.times import utc_now
from bwp_tui.history import backups
from bwp_tui.history import purge as purging
from bwp_tui.history.restoring import Restored
from bwp_tui.history.restoring import restore as restore_from
from bwp_tui.settings import Profile


def backup(arguments: Namespace) -> Exit:
    """Copy the register to a new file."""
    target = Path(arguments.file)
    with opened(arguments) as session:
        try:
            backups.back_up_to(session.history.path, target)
        except FileExistsError:
            raise Stop(Exit.FAILED, f"{target} is there already and was not touched; name another file.") from None
    print(target)
    return Exit.DONE


def restore(arguments: Namespace) -> Exit:
    """Put a backup in the place of the register, and merge into it what only the register holds."""
    from bwp_tui.engine.lease import Lease

    file = Path(arguments.file)
    profile = chosen_profile(arguments)
    if not file.is_file():
        raise Stop(Exit.NOT_FOUND, f"There is no file {file}.")
    lease = Lease(profile.lease_path)
    if not lease.take():
        raise Stop(Exit.FAILED, "A bwp-tui of this profile is running. Stop it and try again; nothing was changed.")
    try:
        _mend_first(arguments)
        if not arguments.yes:
            _confirm_restore(profile, file)
        restored = restore_from(profile.history_path, file, utc_now())
    finally:
        lease.release()
    print(_restored_words(restored, file))
    return Exit.DONE


def purge(arguments: Namespace) -> Exit:
    """Remove the personal data of finished tasks."""
    wanted = filter_of(" ".join(arguments.filter))
    with opened(arguments) as session:
        history, everything = session.history, arguments.all
        plan = purging.plan(history, wanted, arguments.older_than, today(), evidence_too=everything)
        if not plan.numbers and not purging.traces_left(history):
            note("No finished task that old fits; nothing was changed.")
            return Exit.DONE
        _tell(plan, everything)
        if not arguments.yes:
            _confirm_purge(len(plan.numbers))
        session.profile.state_path.unlink(missing_ok=True)  # a filter in it may be about a person
        done = purging.purge(history, plan.numbers, session.actor, today(), evidence_too=everything)
        _tell_result(done)
    return Exit.DONE


def _mend_first(arguments: Namespace) -> None:
    """Open the register once: a damaged one is set aside and recovered by that."""
    with opened(arguments):
        pass


def _confirm_restore(profile: Profile, file: Path) -> None:
    if not can_ask():
        raise Stop(
            Exit.USAGE, "Restoring must be confirmed, and no one can be asked here: add --yes. Nothing was changed."
        )
    note(
        f"{profile.history_path} is set aside, and {file} takes its place. Tasks that the backup does not know are "
        "taken over from the present history; of a task that both know, the later state is kept."
    )
    if not agreed("Restore?"):
        raise Stop(Exit.FAILED, "Not agreed to; nothing was changed.")


def _restored_words(restored: Restored, file: Path) -> str:
    return (
        f"Restored from {file}: {restored.tasks} tasks, {restored.added} of them only in the backup and "
        f"{restored.only_here} not in it, which were taken over; {restored.later} brought forward. "
        f"The history from before is kept as {restored.aside}."
    )


def _tell(plan: purging.Plan, everything: bool) -> None:
    count = len(plan.numbers)
    if everything:
        note(f"{count} finished tasks are removed altogether, with the evidence that they were answered.")
        since = add_months(today(), -purging.EVIDENCE_MONTHS)
        if plan.youngest is not None and plan.youngest > since:
            note(f"Warning: some ended after {since}; CCPA regulations §7101 ask for {purging.EVIDENCE_MONTHS} months.")
    else:
        note(
            f"{count} finished tasks lose address, note, reason, tags, messages and file paths; kind, dates, outcome, "
            "error codes, who acted when and hashes stay as evidence."
        )
    note("All backups made by bwp-tui are replaced by one new backup without this data.")
    for path in plan.archives:
        note(f"The archive {path} stays on disk; remove it yourself when it is no longer needed.")


def _confirm_purge(count: int) -> None:
    if not can_ask():
        raise Stop(
            Exit.USAGE, "A purge must be confirmed, and no one can be asked here: add --yes. Nothing was changed."
        )
    if ask(f"This cannot be undone. Type the number of tasks, {count}, to go on:") != str(count):
        raise Stop(Exit.FAILED, "That is not the number; nothing was changed.")


def _tell_result(done: purging.Purged) -> None:
    print(f"Purged {done.tasks} tasks. Backups removed: {len(done.backups)}; a new one was made.")
    for path in done.left:
        note(f"{path} was set aside earlier and still holds the data; remove it yourself when it is no longer needed.")
