"""Ask the operator for the arguments of an operation, each until its value can be used or the operator goes back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Final

from bwp_tui.actions.operation import Argument, ChosenTasks, IfOmitted, Position, TaskOperation, Values
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.request_draft import day_mistake
from bwp_tui.console.state.tab_completion import InputMistake
from bwp_tui.domain.deadlines import day_warning, future_everywhere_mistake
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import capitalized
from bwp_tui.domain.times import day_of_word, typed_day, zone_name
from bwp_tui.store.commands.bulk import TaskCheck, unchanged_check

_DAY_CHECK_S: Final = 30.0
NOTHING_DONE: Final = "Nothing was done."

LiveTasks = Callable[[], ChosenTasks]
"""Returns the tasks that an action is for, as they are now."""


@contextmanager
def live_task(screen: MainScreenProtocol, task: Task, check: TaskCheck) -> Iterator[Callable[[], Task]]:
    """Make the questions live that are asked meanwhile; they end once `check` refuses the action.

    Yields:
        what returns the task as it is now.
    """
    current = task

    def read() -> tuple[Task, str | None]:
        now = screen.session.reader.current(task.number)
        return (task, f"{task.name} is no longer in the history.") if now is None else (now, check(now))

    async def update() -> str:
        nonlocal current
        current, reason = await asyncio.to_thread(read)
        return f"{reason} {NOTHING_DONE}" if reason else ""

    with screen.prompt.live_questions([task.number], update):
        yield lambda: current


def report_new_day(screen: MainScreenProtocol, day: date) -> bool:
    """Report that the day of a question is over, and return whether it is: its dates and holds were that day's."""
    if (today := screen.session.today()) != day:
        screen.show_status(f"Today is {today} now. {NOTHING_DONE}", "warn")
    return today != day


def chosen_task(screen: MainScreenProtocol, task: Task) -> ChosenTasks:
    """Return a single task as what an action is for."""
    return ChosenTasks((task.number,), task.name, task, screen.session.actor)


def question_texts(screen: MainScreenProtocol, operation: TaskOperation, task: Task) -> str:
    """Return what the questions for the arguments of a single task show."""
    chosen = chosen_task(screen, task)
    return "\n".join(f"{argument.question(chosen)} {argument.initial(chosen)}" for argument in operation.arguments)


async def ask_arguments_for_one(
    screen: MainScreenProtocol, operation: TaskOperation, task: Task, given: Values
) -> Values | None:
    """Return the values for a single task: see `ask_arguments`."""
    texts = partial(question_texts, screen, operation)
    check = unchanged_check(task, lambda now: operation.disabled_reason(now, screen.session.today()), texts)
    with live_task(screen, task, check) as now:
        return await ask_arguments(screen, operation, lambda: chosen_task(screen, now()), given)


async def ask_arguments(
    screen: MainScreenProtocol, operation: TaskOperation, chosen: LiveTasks, given: Values
) -> Values | None:
    """Return the values of an operation's arguments, asking for those that are not given; None where one is refused."""
    values = dict(given)
    for argument in operation.arguments:
        is_optional = argument.if_omitted is IfOmitted.KEEP_VALUE or argument.position is not Position.OPTION
        if argument.name in given or (given and is_optional) or not argument.is_asked(chosen()):
            continue
        if argument.is_day:
            answer = await _ask_day(screen, operation, argument, chosen, values)
        else:
            answer = await _ask_text(screen, argument, chosen)
        if answer is None:
            return None
        values |= answer
    return values


async def _ask_text(screen: MainScreenProtocol, argument: Argument, chosen: LiveTasks) -> Values | None:
    may_be_empty = argument.if_omitted is IfOmitted.KEEP_VALUE and chosen().task is None

    def checked(text: str) -> InputMistake | None:
        return None if may_be_empty and not text.strip() else _mistake(argument, text)

    edited = partial(_edit, screen) if argument.position is Position.TRAILING_TEXT else None
    text = await screen.prompt.ask_text(
        lambda: argument.question(chosen()), argument.initial(chosen()), check=checked, edit=edited
    )
    if text is None:
        return None
    values = argument.values(text, chosen().task)
    if values is None and argument.empty_message:
        screen.show_status(argument.empty_message, "warn")
    return values


async def _edit(screen: MainScreenProtocol, text: str) -> str | InputMistake:
    """Return a typed text as the operator's editor leaves it, or why it stays as it is."""
    from bwp_tui.console.controllers.external_programs import ProgramFailed, edit_text  # rarely used

    try:
        return await edit_text(screen.session, f"{text}\n" if text else "", "note.txt")
    except ProgramFailed as error:
        return InputMistake(str(error), 0, len(text))


async def _ask_day(
    screen: MainScreenProtocol, operation: TaskOperation, argument: Argument, chosen: LiveTasks, values: Values
) -> Values | None:
    """Ask for a day that is not in the future, beginning with that of the task, or today where it is no correction.

    A day with which the operation is refused, after the other `values`, is a mistake too: the prompt stays open.
    """
    opt_in = chosen().task is None and bool(argument.opt_in_question(chosen()))
    if opt_in and not (wanted := await screen.prompt.ask_yes_no_or_back(lambda: argument.opt_in_question(chosen()))):
        return None if wanted is None else {}
    today = screen.session.today()
    shown = typed = proposal = argument.initial(chosen()) or ("" if opt_in else today.isoformat())

    def hint() -> StyledText:
        return (f"today is {screen.session.today()} ({zone_name()})", "muted")

    def checked(text: str) -> InputMistake | None:
        nonlocal today
        if (now := screen.session.today()) != today:  # the question was open at midnight
            today = now
            show_hint(text)
            return InputMistake(f"Today is {today} now: check the day.", 0, len(text))
        day = typed_day(text, today)
        mistake = day_mistake(text)[0] if day is None else future_everywhere_mistake(day, today)
        is_last = argument is [one for one in operation.arguments if one.is_asked(chosen())][-1]
        if not mistake and (task := chosen().task) is not None and is_last:
            mistake = operation.wrong_values_reason(task, values | {argument.name: day}, today)
        return InputMistake(f"{capitalized(mistake).removesuffix('.')}.", 0, len(text)) if mistake else None

    def show_hint(text: str) -> None:
        meant = day_of_word(text, screen.session.today())
        screen.prompt.hint(*((f"= {meant}", "good") if meant else hint()))

    def changed(text: str, _cursor: int) -> None:
        nonlocal shown
        shown = text
        screen.prompt.show_mistake(None)
        show_hint(text)

    async def ask() -> str | None:
        follow_day = screen.app.set_interval(_DAY_CHECK_S, lambda: show_hint(shown))
        try:
            return await screen.prompt.ask_text(
                lambda: argument.question(chosen()),
                typed,
                on_change=changed,
                check=checked,
                hint=hint(),
                proposed=typed == proposal,
            )
        finally:
            follow_day.stop()

    while (answer := await ask()) is not None:
        typed, day = answer, typed_day(answer, today)
        warning = None if day is None else day_warning(day, today)
        if warning is None or await screen.prompt.ask_yes_no(f"{warning} Go on with it?"):
            return {argument.name: day}
    return None


def _mistake(argument: Argument, text: str) -> InputMistake | None:
    """Return the first mistake in a typed text, at its place."""
    words = r"[^\s,]+" if argument.position is Position.SIGNED_WORDS else r"(?s)\A.*\Z"
    for part in re.finditer(words, text):
        if reason := argument.mistake(part.group()):
            return InputMistake(reason, *part.span())
    return None
