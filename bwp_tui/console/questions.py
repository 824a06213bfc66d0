"""Questions that more than one action asks, each until the answer can be used or the operator goes back."""

from __future__ import annotations

from datetime import date

from bwp_tui.console.request_draft import no_day
from bwp_tui.console.stage import Stage
from bwp_tui.domain.task import Verification


async def past_day(stage: Stage, label: str) -> date | None:
    """Ask for a day that is not in the future, beginning with today; what was typed wrongly can be mended."""
    today = stage.session.today()
    typed, wrong = today.isoformat(), ""
    while (answer := await stage.prompt.text(label, typed, hint=(wrong, "bad"))) is not None:
        typed = answer
        try:
            day = date.fromisoformat(answer.strip())
        except ValueError:
            words = no_day(answer)
            wrong = f"{words[0].upper()}{words[1:]}."
            continue
        if day <= today:
            return day
        wrong = "That day is in the future."
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
