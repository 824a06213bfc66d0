"""Questions that more than one action asks, each until the answer can be used or the operator goes back."""

from __future__ import annotations

from datetime import date

from bwp_tui.console.request_draft import no_day
from bwp_tui.console.stage import Stage
from bwp_tui.domain.deadlines import REGULATIONS, doubt_about, why_not_yet
from bwp_tui.domain.task import Task, Verification
from bwp_tui.domain.times import day_of, zone_name


async def past_day(stage: Stage, label: str, first: date | None = None) -> date | None:
    """Ask for a day that is not in the future, beginning with `first` or the office's today; a slip can be mended."""
    today = stage.session.today()
    typed, wrong = (first or today).isoformat(), ""
    zone = f"today is {today} ({zone_name()})"
    while (
        answer := await stage.prompt.text(label, typed, hint=(wrong or zone, "bad" if wrong else "muted"))
    ) is not None:
        typed = answer
        day = day_of(answer)
        if day is None:
            words = no_day(answer)
            wrong = f"{words[0].upper()}{words[1:]}."
            continue
        wrong = why_not_yet(day, today) or ""
        doubt = doubt_about(day, today)
        if not wrong and (doubt is None or await stage.prompt.yes(f"{doubt} Go on with it?")):
            return day
    return None


async def verification(stage: Stage, of: str) -> Verification | None:
    """Ask how, by whom and on which day it was made sure who asks; `of` names the tasks."""
    how = wrong = ""
    while not how.strip():
        answer = await stage.prompt.text(f"How was the identity of {of} verified:", hint=(wrong, "bad"))
        if answer is None:
            return None
        how, wrong = answer, "Say how, such as: recent order details."
    by = await stage.prompt.text("Verified by:", stage.session.records.actor)
    if by is None:
        return None
    on = await past_day(stage, "Verified on:")
    return None if on is None else Verification(on, by.strip() or stage.session.records.actor, how)


async def receipt(stage: Stage, of: str, task: Task | None) -> tuple[date | None, str | None] | None:
    """Ask for the right day of receipt and law of `of`, beginning with those of a single task.

    Of several, what is left empty stays as it is. Returns None where the operator goes back.
    """
    day = task.received_on if task else None
    if task is not None or await stage.prompt.yes(f"Another day of receipt for {of}?"):
        day = await past_day(stage, f"{of} was received on:", day)
        if day is None:
            return None
    law, wrong = task.regulation if task else "", ""
    names = ", ".join(REGULATIONS)
    while (answer := await stage.prompt.text(f"Law ({names}):", law, hint=(wrong, "bad"))) is not None:
        law, wrong = answer.strip().casefold(), f"Write one of {names}."
        if law in REGULATIONS or (task is None and not law):
            return day, law or None
    return None
