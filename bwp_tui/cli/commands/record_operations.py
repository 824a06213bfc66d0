"""Commands that record the shop's own work on tasks: one function for all operations."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import Final

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.operation import Argument, IfOmitted, Position, RecordOperation, Values, split_signed
from bwp_tui.cli.argparse_base import RESPONSE_TIMEOUT_S
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.parser_operations import MINUS
from bwp_tui.cli.support.bulk import apply_to_tasks, chosen_alternative, confirm_plan, select_tasks, values_of
from bwp_tui.cli.support.days import checked_day, today
from bwp_tui.cli.support.engine_wait import EngineWaiter, wait_for_cancellations
from bwp_tui.cli.support.questions import can_ask, require_yes
from bwp_tui.cli.support.session import TASK_NUMBER, CommandSession, open_session
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import zone_name
from bwp_tui.settings import SettingsError
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import tasks

_QUOTE: Final = " If it belongs to the text at the end, put that in quotation marks."


def record(arguments: Namespace) -> ExitCode:
    """Carry an operation out on tasks; the number of more than one is typed where the operation asks for it."""
    operation: RecordOperation = arguments.operation
    names, values = _positional(operation.positional, arguments)
    _check_options(operation, arguments)
    with open_session(arguments) as session:
        operation = chosen_alternative(operation, arguments)
        values |= values_of(operation, arguments)
        for argument in operation.options:
            if argument.is_day and (day := values.get(argument.name)) is not None:
                values |= {argument.name: checked_day(day)}
        try:
            numbers = select_tasks(session, names, arguments.filter)
        except NoSuchTask as error:
            is_text = operation.positional is not None and operation.positional.position is Position.TRAILING_TEXT
            raise NoSuchTask(f"{error}{_QUOTE if is_text and len(names) > 1 else ''}") from None
        check = None
        if arguments.filter is not None or (operation.is_confirmed_by_count and len(numbers) > 1):
            numbers = confirm_plan(session, operation, numbers, arguments, values)
            check = bulk_plan.plan_check(operation, today(), values)
        elif not arguments.yes:
            _confirm_each(session, operation, numbers, values)
        change = operation.change_for(session.actor, today(), **values)
        seen = tasks.by_numbers(session.store, numbers) if check is None else []  # a plan replaces no record
        notices = {task.number: operation.notice_of_replaced(task) for task in seen}
        resulting, all_done = apply_to_tasks(session, change, numbers, check)
        _print_once(notices.get(number, "") for number in resulting)
        if resulting:
            _print_assumed_day(operation, values)
        changed = tasks.by_numbers(session.store, resulting)
        _print_once(map(operation.notice_after, changed))
        if operation.cancels and any(task.is_being_cancelled for task in changed):
            _have_cancelled(session, changed, arguments)
        else:
            print_tasks(changed, as_json=arguments.json)
    return ExitCode.DONE if all_done else ExitCode.FAILED


def _have_cancelled(session: CommandSession, declined: list[Task], arguments: Namespace) -> None:
    """Have deletions cancelled whose decline needs that: perhaps no engine runs before their holds end."""
    try:
        waiter = EngineWaiter(session)
    except SettingsError as error:
        print_tasks(declined, as_json=arguments.json)
        raise SettingsError(f"The decline is recorded, and its cancellation not confirmed yet. {error}") from None
    numbers, as_json = [task.number for task in declined], arguments.json
    after = wait_for_cancellations(session, waiter, numbers, RESPONSE_TIMEOUT_S, as_json=as_json)
    for task in after:
        if task.status not in (Status.DECLINED, Status.UNCONFIRMED):
            why = task.trouble or ""
            raise CommandError(f"{task.name} is {task.status} and was not declined. {why}".rstrip(), ExitCode.FAILED)


def _print_once(sentences: Iterable[str]) -> None:
    for sentence in filter(None, dict.fromkeys(sentences)):
        print_message(sentence)


def _confirm_each(session: CommandSession, operation: RecordOperation, numbers: list[int], values: Values) -> None:
    """Have confirmed what cannot be undone, and values that are probably a mistake for a single task."""
    dated = {"on": today(), **values}  # without a day it is recorded for today
    for task in tasks.each(session.store, numbers):
        is_refused = operation.disabled_reason(task, today()) or operation.wrong_values_reason(task, values, today())
        if not is_refused and operation.cancels and (question := operation.confirmation(task, values)):
            require_yes(f"{task.name}, {task.email_text(masked=True)}: {question}")
        if not is_refused and (warning := operation.values_warning(task, dated)):
            print_message(f"Warning: {warning}")
            require_yes(f"Record it for {task.name} all the same?")


def _positional(argument: Argument | None, arguments: Namespace) -> tuple[list[str], Values]:
    """Return the names of the tasks, and the values of the argument that is no option."""
    if argument is None:
        return arguments.tasks, {}
    words = arguments.words
    names, typed = words[:-1], words[-1:]
    if argument.position is Position.SIGNED_WORDS:
        words = [f"-{word[1:]}" if word.startswith(MINUS) else word for word in words]
        typed = [word for word in words if word.startswith(("+", "-"))]
        names = [word for word in words if word not in typed]
        typed = split_signed(typed)
        if not typed or "+" in words or "-" in words:
            raise CommandError(f"Give {argument.help}. Nothing was done.")
    elif (
        arguments.filter is None
        and (len(words) == 1 or argument.position is Position.LAST_WORD)
        and TASK_NUMBER.fullmatch(words[-1])
    ):
        raise CommandError(f"Give, after the task, {argument.help}. Nothing was done.")
    for word in typed:
        if reason := argument.mistake(word):
            raise CommandError(f"{reason} Nothing was done.")
    values = argument.read(typed, None) if argument.read else None
    return names, {argument.name: typed[0]} if values is None else values


def _check_options(operation: RecordOperation, arguments: Namespace) -> None:
    """Refuse a command that lacks its options, or has them beside a withdrawal."""
    options = [argument for argument in operation.options if argument.if_omitted is not IfOmitted.USE_DEFAULT]
    given = [argument for argument in options if getattr(arguments, argument.name) is not None]
    any_of = [argument.option for argument in options if argument.if_omitted is IfOmitted.KEEP_VALUE]
    needed = [argument for argument in options if argument.if_omitted is IfOmitted.ASK_OR_REFUSE]
    names = " or ".join(any_of) or " and ".join(argument.option for argument in needed)
    if operation.alternative and options and bool(given) is arguments.alternative:
        raise CommandError(f"Give {names}, or else {operation.alternative.option}. Nothing was done.")
    left_out = [argument.option for argument in needed if argument not in given]
    if given and left_out:
        raise CommandError(f"Give {' and '.join(left_out)} too. Nothing was done.")
    if options and not (given or operation.alternative):
        raise CommandError(f"Give {names}. Nothing was done.")


def _print_assumed_day(operation: RecordOperation, values: Values) -> None:
    """Say which day is today where a day is left out."""
    days = [
        argument for argument in operation.options if argument.is_day and argument.if_omitted is IfOmitted.USE_DEFAULT
    ]
    if can_ask() and any(values.get(argument.name) is None for argument in days):
        print_message(f"Recorded for today, {today()} ({zone_name()}).")
