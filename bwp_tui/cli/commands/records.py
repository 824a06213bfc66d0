"""Commands that record the office's own work on tasks: note, tag, verify, assign, extend, acknowledge."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import date

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.parser_records import MINUS
from bwp_tui.cli.support.bulk import apply, confirm_plan, select_tasks
from bwp_tui.cli.support.context import Session, can_ask, checked_day, open_session, read, today
from bwp_tui.cli.support.context import print_note as say
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.filter import NOBODY
from bwp_tui.domain.tags import tag_error
from bwp_tui.domain.task import Verification
from bwp_tui.domain.times import zone_name
from bwp_tui.store.commands import bulk, records
from bwp_tui.store.commands.bulk import TaskCommand
from bwp_tui.store.commands.records import LegalRecord
from bwp_tui.store.queries import tasks

_REMOVE = ("-", MINUS)


def note(arguments: Namespace) -> ExitCode:
    """Add a note to a task."""
    with open_session(arguments) as session:
        number = tasks.find_by_name(session.store, arguments.task).number
        records.add_note(session.store, number, arguments.text, session.actor)
        print_tasks([tasks.get(session.store, number)], as_json=arguments.json)
    return ExitCode.DONE


def verify(arguments: Namespace) -> ExitCode:
    """Record how it was made sure who asks."""

    _check_withdrawal(arguments, "--how", arguments.how)

    def deed(session: Session) -> TaskCommand:
        verification = Verification(_day(arguments.on), arguments.by or session.actor, arguments.how)
        return bulk.verify(verification, session.actor)

    return _record(arguments, LegalRecord.VERIFICATION, "verify", deed)


def extend(arguments: Namespace) -> ExitCode:
    """Record an extension, which moves the due date."""
    _check_withdrawal(arguments, "--reason", arguments.reason)
    return _record(
        arguments,
        LegalRecord.EXTENSION,
        "extend",
        lambda session: bulk.extend(arguments.reason, today(), session.actor),
    )


def acknowledge(arguments: Namespace) -> ExitCode:
    """Record that receipt was confirmed to the shopper."""
    return _record(
        arguments,
        LegalRecord.ACKNOWLEDGEMENT,
        "acknowledge",
        lambda session: bulk.acknowledge(_day(arguments.on), session.actor),
    )


def correct(arguments: Namespace) -> ExitCode:
    """Correct the day of receipt or the law, which moves the due date."""
    if arguments.received is None and arguments.regulation is None:
        raise CommandError(ExitCode.USAGE, "Give --received or --regulation. Nothing was done.")

    def deed(session: Session) -> TaskCommand:
        received = None if arguments.received is None else checked_day(arguments.received)
        return bulk.correct(received, arguments.regulation, session.actor)

    return _on_many(arguments, "correct", arguments.tasks, deed, confirm=True)


def tag(arguments: Namespace) -> ExitCode:
    """Add tags to tasks and remove tags from them."""
    words: Sequence[str] = arguments.words
    add = [word[1:] for word in words if word.startswith("+")]
    remove = [word[1:] for word in words if word.startswith(_REMOVE)]
    names = [word for word in words if not word.startswith(("+", *_REMOVE))]
    if not all((*add, *remove)) or not (add or remove):
        raise CommandError(ExitCode.USAGE, "Give tags to add (+vip) or to remove (-vip). Nothing was done.")
    for word in add:
        if why_not := tag_error(word):
            raise CommandError(ExitCode.USAGE, f"{why_not} Nothing was done.")
    return _on_many(arguments, "tag", names, lambda session: bulk.tag(add, remove, session.actor))


def assign(arguments: Namespace) -> ExitCode:
    """Say who has tasks in hand."""
    *names, who = arguments.words
    nobody = not who.strip() or who.casefold() == NOBODY
    return _on_many(arguments, "assign", names, lambda session: bulk.assign(None if nobody else who, session.actor))


def _check_withdrawal(arguments: Namespace, option: str, given: str | None) -> None:
    """Check that a record says what it must, and a withdrawal does not."""
    if (given is None) is not arguments.withdraw:
        raise CommandError(ExitCode.USAGE, f"Give {option}, or --withdraw; one of the two. Nothing was done.")


def _record(arguments: Namespace, record: LegalRecord, action: str, deed: Callable[[Session], TaskCommand]) -> ExitCode:
    """Make a record of law, or withdraw it; of more than one task it is confirmed."""
    if not arguments.withdraw:
        return _on_many(arguments, action, arguments.tasks, deed, confirm=True)
    return _on_many(
        arguments,
        f"withdraw {record}",
        arguments.tasks,
        lambda session: bulk.withdraw(record, session.actor),
        confirm=True,
    )


def _day(given: date | None) -> date:
    """Return the day that is given, else today, and say which one that is."""
    if given is not None:
        return checked_day(given)
    if can_ask():
        say(f"Recorded for today, {today()} ({zone_name()}).")
    return today()


def _on_many(
    arguments: Namespace,
    action: str,
    names: Sequence[str],
    deed: Callable[[Session], TaskCommand],
    *,
    confirm: bool = False,
) -> ExitCode:
    """Do it to the tasks that are meant; with `confirm` the number of more than one is to be typed."""
    with open_session(arguments) as session:
        act = deed(session)
        numbers: Sequence[int] = select_tasks(session, names, arguments.filter)
        if arguments.filter is not None or (confirm and len(numbers) > 1):
            numbers = confirm_plan(session, action, numbers, arguments).possible
        now, all_done = apply(session, act, numbers)
        print_tasks(read(session.store, now), as_json=arguments.json)
    return ExitCode.DONE if all_done else ExitCode.FAILED
