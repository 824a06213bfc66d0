"""Doing one thing to many tasks: which ones, the plan, the confirmation that grows with it, a result for each."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from bwp_tui.cli.commands.list_show import filter_of
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import Session, ask, can_ask, find_tasks, print_note, today
from bwp_tui.cli.support.progress_line import Steps
from bwp_tui.domain.holding_periods import Hold, same_hold
from bwp_tui.store.commands import bulk, bulk_plan
from bwp_tui.store.commands.bulk import TaskCommand
from bwp_tui.store.commands.bulk_plan import BulkPlan
from bwp_tui.store.queries import tasks


def select_tasks(session: Session, names: Sequence[str], filter_text: str | None) -> list[int]:
    """Return the local numbers of the tasks that are meant, by their names or by a filter.

    Raises:
        Stop: both are given or neither, the filter is wrong, or nothing fits it.
        NoSuchTask: a name fits no task, or more than one.
    """
    if bool(names) is (filter_text is not None):
        raise CommandError(ExitCode.USAGE, "Name the tasks, or give --filter; one of the two. Nothing was done.")
    if filter_text is None:
        return find_tasks(session.store, names)
    numbers = list(tasks.numbers(session.store, filter_of(filter_text), today=today()))
    if not numbers:
        raise CommandError(ExitCode.NOT_FOUND, "No task fits; nothing was done.")
    return numbers


FIT_HINT: Final = "With --holding-period fit each hold is shortened until it ends in time."


def confirm_plan(
    session: Session, action: str, numbers: Sequence[int], arguments: Namespace, hold: Hold = same_hold
) -> BulkPlan:
    """Tell what would be done, and have the number of tasks typed unless `--yes` was given.

    Raises:
        Stop: nothing is possible, it was not agreed to, or no one can be asked.
    """
    planned = bulk_plan.plan(session.store, action, numbers, today(), hold)
    count = len(planned.possible)
    print_note(f"Plan: {planned}.")
    if planned.warning and hold is same_hold:
        print_note(FIT_HINT)
    if not count:
        raise CommandError(ExitCode.FAILED, "Nothing was done.")
    if arguments.yes:
        return planned
    if not can_ask():
        raise CommandError(
            ExitCode.USAGE, "This must be confirmed, and no one can be asked here: add --yes. Nothing was done."
        )
    if ask(f"Type the number of tasks, {count}, to go on:") != str(count):
        raise CommandError(ExitCode.FAILED, "That is not the number; nothing was done.")
    return planned


def apply(session: Session, deed: TaskCommand, numbers: Sequence[int]) -> tuple[list[int], bool]:
    """Do it, telling of each task that it could not be done to.

    Returns:
        the tasks to look at now, and whether it was done to all.
    """
    steps = Steps("done", len(numbers))
    now: list[int] = []
    done = 0
    for results in bulk.perform(session.store, deed, numbers):
        done += len(results)
        steps(done)
        for result in results:
            if result.refused is None:
                now.append(result.now)
            else:
                print_note(result.refused)
    return now, len(now) == len(numbers)
