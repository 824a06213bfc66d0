"""Select tasks, show and confirm a plan, and apply a change to each task."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.bulk_plan import PlannedOperation
from bwp_tui.actions.operation import OperationT, TaskOperation, Values
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.days import require_same_day, today
from bwp_tui.cli.support.filters import filter_of
from bwp_tui.cli.support.progress_line import ProgressLine
from bwp_tui.cli.support.questions import require_typed
from bwp_tui.cli.support.session import CommandSession, find_tasks
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.text import capitalized, counted
from bwp_tui.store.commands import bulk
from bwp_tui.store.commands.bulk import TaskChange, TaskCheck
from bwp_tui.store.queries import tasks


def select_tasks(session: CommandSession, names: Sequence[str], filter_text: str | None) -> list[int]:
    """Return the numbers of the tasks that are named or that match the filter."""
    if bool(names) is (filter_text is not None):
        not_both = ", not both" if names else ""
        raise CommandError(f"Name the tasks or give --filter{not_both}. Nothing was changed.")
    if filter_text is None:
        return find_tasks(session.store, names)
    numbers = list(tasks.matching_numbers(session.store, filter_of(filter_text), today=today()))
    if not numbers:
        raise CommandError("No task matches. Nothing was changed.", ExitCode.NOT_FOUND)
    return numbers


FIT_HINT: Final = "--holding-period fit shortens each hold with which the deletion can end by its due date."


def confirm_plan(
    session: CommandSession,
    operation: PlannedOperation,
    numbers: Sequence[int],
    arguments: Namespace,
    values: Values,
) -> list[int]:
    """Print the plan and have its number of tasks typed, unless `--yes` was given; return the tasks it changes."""
    day = today()
    planned = bulk_plan.plan(session.store, operation, numbers, day, values, actor=session.actor)
    count = len(planned.possible)
    print_message(f"Plan: {planned}.")
    if planned.can_meet_due_dates and "hold_rule" not in values:
        print_message(FIT_HINT)
    if not count:
        raise CommandError("Nothing was changed.", ExitCode.FAILED)
    if not arguments.yes:
        what = f"{capitalized(operation.name)}{' of' if ' ' in operation.name else ''}"  # withdraw inquiry of 2 tasks
        require_typed(f"{what} {counted(count, 'task')}?", str(count))
        require_same_day(day)
    return list(planned.possible)


def values_of(operation: TaskOperation, arguments: Namespace) -> Values:
    """Return the values of the options that are given."""
    return {
        argument.name: value
        for argument in operation.options
        if (value := getattr(arguments, argument.name)) is not None
    }


def chosen_alternative(operation: OperationT, arguments: Namespace) -> OperationT:
    """Return the operation, or what an option has it do instead."""
    return operation.alternative.operation if operation.alternative and arguments.alternative else operation


def apply_to_tasks(
    session: CommandSession, change: TaskChange, numbers: Sequence[int], check: TaskCheck | None = None
) -> tuple[list[int], bool]:
    """Apply a change to tasks, and print why it was refused for some.

    `check` refuses tasks that have changed since the change was confirmed. Return the tasks to print (a resubmitted
    task is a new one), and whether none was refused.
    """
    steps = ProgressLine("done", len(numbers))
    resulting: list[int] = []
    done = 0
    for results in bulk.apply_to_each(session.store, bulk.with_check(change, check) if check else change, numbers):
        done += len(results)
        steps(done)
        for result in results:
            if result.refused is None:
                resulting.append(result.resulting_id)
            else:
                print_message(result.refused)
    return resulting, len(resulting) == len(numbers)
