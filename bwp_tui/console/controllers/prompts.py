"""Ask the operator for the arguments of an operation, each until its value can be used or the operator goes back."""

from __future__ import annotations

import re

from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.request_draft import day_mistake
from bwp_tui.console.state.tab_completion import InputError
from bwp_tui.domain.deadlines import day_warning, future_day_mistake
from bwp_tui.domain.times import parse_day, zone_name
from bwp_tui.store.commands.operation import Argument, Need, Place, Target, TaskOperation, Values


async def ask_arguments(
    screen: MainScreenProtocol, operation: TaskOperation, target: Target, given: Values
) -> Values | None:
    """Return the values of an operation's arguments, asking for those that are not given; None where one is refused."""
    values = dict(given)
    for argument in operation.arguments:
        is_optional = argument.need is Need.OPTIONAL or argument.place is not Place.OPTION
        if argument.name in given or (given and is_optional):
            continue
        answer = await (_ask_day if argument.is_day else _ask_text)(screen, argument, target)
        if answer is None:
            return None
        values |= answer
    return values


async def _ask_text(screen: MainScreenProtocol, argument: Argument, target: Target) -> Values | None:
    may_be_empty = argument.need is Need.OPTIONAL and target.task is None

    def checked(text: str) -> InputError | None:
        return None if may_be_empty and not text.strip() else _mistake(argument, text)

    text = await screen.prompt.ask_text(argument.question(target), argument.initial(target), checked=checked)
    if text is None:
        return None
    values = argument.values(text, target.task)
    if values is None and argument.missing:
        screen.show_status(argument.missing, "warn")
    return values


async def _ask_day(screen: MainScreenProtocol, argument: Argument, target: Target) -> Values | None:
    """Ask for a day that is not in the future, beginning with today where the target has none."""
    may_be_left_out = argument.need is Need.OPTIONAL and target.task is None
    if may_be_left_out and not await screen.prompt.ask_yes_no(argument.leave_out(target)):
        return {}
    today = screen.session.today()
    typed, zone = argument.initial(target) or today.isoformat(), (f"today is {today} ({zone_name()})", "muted")

    def checked(text: str) -> InputError | None:
        day = parse_day(text)
        wrong = day_mistake(text)[0] if day is None else future_day_mistake(day, today)
        return InputError(f"{wrong[0].upper()}{wrong[1:].removesuffix('.')}.", 0, len(text)) if wrong else None

    while (
        answer := await screen.prompt.ask_text(argument.question(target), typed, checked=checked, hint=zone)
    ) is not None:
        typed, day = answer, parse_day(answer)
        doubt = None if day is None else day_warning(day, today)
        if doubt is None or await screen.prompt.ask_yes_no(f"{doubt} Go on with it?"):
            return {argument.name: day}
    return None


def _mistake(argument: Argument, text: str) -> InputError | None:
    """Return the first mistake in a typed text, at its place."""
    parts = re.finditer(r"[^\s,]+", text) if argument.place is Place.SIGNED else re.finditer(r"\A.*\Z", text, re.DOTALL)
    for part in parts:
        if why_not := argument.choice_or_text_mistake(part.group()):
            return InputError(why_not, *part.span())
    return None
