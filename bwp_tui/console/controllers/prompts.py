"""Ask the operator for the arguments of an operation, each until its value can be used or the operator goes back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, Generic, TypeVar

from bwp_tui.actions.operation import Argument, IfOmitted, Position, Target, TaskOperation, Values
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.request_draft import day_mistake
from bwp_tui.console.state.tab_completion import InputMistake
from bwp_tui.console.widgets.prompt import QuestionUpdate
from bwp_tui.domain.deadlines import day_warning, future_day_mistake
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import capitalized
from bwp_tui.domain.times import day_of_word, typed_day, zone_name
from bwp_tui.store.commands.bulk import RefusalCheck, check_unchanged

NOTHING_DONE: Final = "Nothing was done."

_Subject = TypeVar("_Subject")


class QuestionRewordings(Generic[_Subject]):
    """How some questions about a task or a plan were worded so far."""

    def __init__(self, subject: _Subject, *questions: Callable[[_Subject], str]) -> None:
        self._earlier = [(question, {question(subject)}) for question in questions]

    def by_earlier_wording(self, subject: _Subject) -> dict[str, str]:
        """Return the present wording of each question, by each of its earlier wordings."""
        wordings: dict[str, str] = {}
        for question, earlier in self._earlier:
            earlier.add(text := question(subject))
            wordings |= dict.fromkeys(earlier, text)
        return wordings


def rechecking_task(
    screen: MainScreenProtocol, task: Task, check: RefusalCheck, question: Callable[[Task], str]
) -> AbstractContextManager[None]:
    """When the task changes, close `question` if `check` then refuses the action, else word it anew."""
    rewordings = QuestionRewordings(task, question)

    def update() -> QuestionUpdate:
        now = screen.session.reader.current(task.number)
        why_not = f"{task.name} is no longer in the history." if now is None else check(now)
        if now is None or why_not:
            return QuestionUpdate(f"{why_not} {NOTHING_DONE}")
        return QuestionUpdate(wordings=rewordings.by_earlier_wording(now))

    return screen.prompt.rechecking([task.number], lambda: asyncio.to_thread(update))


def rechecking_argument(
    screen: MainScreenProtocol, operation: TaskOperation, target: Target, task: Task, argument: Argument
) -> AbstractContextManager[None]:
    """Have the question for an argument of a single task checked again when the task changes."""
    today = screen.session.today()

    def question(now: Task) -> str:
        return argument.question(target._replace(task=now, name=now.name))

    def initial(now: Task) -> str:
        return argument.initial(target._replace(task=now))

    check = check_unchanged(task, lambda now: operation.disabled_reason(now, today), question, initial)
    return rechecking_task(screen, task, check, question)


async def ask_arguments(
    screen: MainScreenProtocol,
    operation: TaskOperation,
    target: Target,
    given: Values,
    rechecking: Callable[[Argument], AbstractContextManager[None]],
) -> Values | None:
    """Return the values of an operation's arguments, asking for those that are not given; None where one is refused.

    Args:
        rechecking: has the questions for an argument checked again when their tasks change.
    """
    values = dict(given)
    for argument in operation.arguments:
        is_optional = argument.if_omitted is IfOmitted.KEEP_VALUE or argument.position is not Position.OPTION
        if argument.name in given or (given and is_optional) or not argument.is_asked(target):
            continue
        with rechecking(argument):
            if argument.is_day:
                answer = await _ask_day(screen, operation, argument, target, values)
            else:
                answer = await _ask_text(screen, argument, target)
        if answer is None:
            return None
        values |= answer
    return values


async def _ask_text(screen: MainScreenProtocol, argument: Argument, target: Target) -> Values | None:
    may_be_empty = argument.if_omitted is IfOmitted.KEEP_VALUE and target.task is None

    def checked(text: str) -> InputMistake | None:
        return None if may_be_empty and not text.strip() else _mistake(argument, text)

    edited = partial(_edit, screen) if argument.position is Position.TRAILING_TEXT else None
    text = await screen.prompt.ask_text(argument.question(target), argument.initial(target), check=checked, edit=edited)
    if text is None:
        return None
    values = argument.values(text, target.task)
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
    screen: MainScreenProtocol, operation: TaskOperation, argument: Argument, target: Target, values: Values
) -> Values | None:
    """Ask for a day that is not in the future, beginning with that of the target, or today where it is no correction.

    A day with which the operation is refused, after the other `values`, is a mistake too: the prompt stays open.
    """
    opt_in = argument.opt_in_question(target) if target.task is None else ""
    if opt_in and not await screen.prompt.ask_yes_no(opt_in):
        return {}
    today = screen.session.today()
    typed = proposal = argument.initial(target) or ("" if opt_in else today.isoformat())
    zone = (f"today is {today} ({zone_name()})", "muted")

    def checked(text: str) -> InputMistake | None:
        day = typed_day(text, today)
        wrong = day_mistake(text)[0] if day is None else future_day_mistake(day, today)
        is_last = argument is [one for one in operation.arguments if one.is_asked(target)][-1]
        if not wrong and target.task is not None and is_last:
            wrong = operation.refusal(target.task, values | {argument.name: day}, today)
        return InputMistake(f"{capitalized(wrong).removesuffix('.')}.", 0, len(text)) if wrong else None

    def changed(text: str, _cursor: int) -> None:
        screen.prompt.show_mistake(None)
        screen.prompt.hint(*((f"= {meant}", "good") if (meant := day_of_word(text, today)) else zone))

    while (
        answer := await screen.prompt.ask_text(
            argument.question(target),
            typed,
            on_change=changed,
            check=checked,
            hint=zone,
            proposed=typed == proposal,
        )
    ) is not None:
        typed, day = answer, typed_day(answer, today)
        doubt = None if day is None else day_warning(day, today)
        if doubt is None or await screen.prompt.ask_yes_no(f"{doubt} Go on with it?"):
            return {argument.name: day}
    return None


def _mistake(argument: Argument, text: str) -> InputMistake | None:
    """Return the first mistake in a typed text, at its place."""
    words = r"[^\s,]+" if argument.position is Position.SIGNED_WORDS else r"(?s)\A.*\Z"
    for part in re.finditer(words, text):
        if why_not := argument.mistake(part.group()):
            return InputMistake(why_not, *part.span())
    return None
