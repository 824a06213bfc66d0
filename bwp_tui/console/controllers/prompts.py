"""Questions that more than one action asks, each until the answer can be used or the operator goes back."""

from __future__ import annotations

from datetime import date

from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.request_draft import no_day
from bwp_tui.console.state.tab_completion import InputError
from bwp_tui.domain.deadlines import REGULATIONS, doubt_about, why_not_yet
from bwp_tui.domain.task import Task, Verification
from bwp_tui.domain.times import day_of, zone_name


async def ask_past_day(stage: MainScreenProtocol, label: str, first: date | None = None) -> date | None:
    """Ask for a day that is not in the future, beginning with `first` or the office's today; a slip can be mended."""
    today = stage.session.today()
    typed, zone = (first or today).isoformat(), (f"today is {today} ({zone_name()})", "muted")

    def checked(text: str) -> InputError | None:
        day = day_of(text)
        wrong = no_day(text) if day is None else why_not_yet(day, today)
        return InputError(f"{wrong[0].upper()}{wrong[1:].removesuffix('.')}.", 0, len(text)) if wrong else None

    while (answer := await stage.prompt.ask_text(label, typed, checked=checked, hint=zone)) is not None:
        typed, day = answer, day_of(answer)
        doubt = None if day is None else doubt_about(day, today)
        if doubt is None or await stage.prompt.ask_yes_no(f"{doubt} Go on with it?"):
            return day
    return None


async def ask_verification(stage: MainScreenProtocol, of: str) -> Verification | None:
    """Ask how, by whom and on which day it was made sure who asks; `of` names the tasks."""
    how = await stage.prompt.ask_text(f"How was the identity of {of} verified:", checked=_mistake_in_how)
    if how is None:
        return None
    by = await stage.prompt.ask_text("Verified by:", stage.session.records.actor)
    if by is None:
        return None
    on = await ask_past_day(stage, "Verified on:")
    return None if on is None else Verification(on, by.strip() or stage.session.records.actor, how)


async def receipt(stage: MainScreenProtocol, of: str, task: Task | None) -> tuple[date | None, str | None] | None:
    """Ask for the right day of receipt and law of `of`, beginning with those of a single task.

    Of several, what is left empty stays as it is. Returns None where the operator goes back.
    """
    day = task.received_on if task else None
    if task is not None or await stage.prompt.ask_yes_no(f"Another day of receipt for {of}?"):
        day = await ask_past_day(stage, f"{of} was received on:", day)
        if day is None:
            return None
    names = ", ".join(REGULATIONS)

    def checked(text: str) -> InputError | None:
        law = text.strip().casefold()
        is_known = law in REGULATIONS or (task is None and not law)
        return None if is_known else InputError(f"Write one of {names}.", 0, len(text))

    answer = await stage.prompt.ask_text(f"Law ({names}):", task.regulation if task else "", checked=checked)
    return None if answer is None else (day, answer.strip().casefold() or None)


def _mistake_in_how(text: str) -> InputError | None:
    return None if text.strip() else InputError("Say how, such as: recent order details.", 0, 0)
