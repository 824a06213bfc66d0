"""What is said of cancellations and submissions: what is so, and a refusal where the wish was recorded."""

from __future__ import annotations

from bwp_tui.domain.task import Kind
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.worklog import engine_state, intent_outcomes, intents
from bwp_tui.store.worklog.engine_state import ServiceState
from tests.console.past import HELD
from tests.console.support import opened
from tests.engine.shop import ACTOR, submit

CANNOT = "The deletion can no longer be cancelled: it is IN_PROGRESS."


async def test_a_refused_cancellation_is_said_in_the_status_line(profile: Profile) -> None:
    async with opened(profile) as console:
        requests.cancel(console.store, HELD, ACTOR)
        await console.sees("cancelling")
        [intent] = intents.due(console.store, console.store.clock(), 1)
        intent_outcomes.record_cancel_refused(console.store, intent.id, CANNOT)
        await console.sees(f"#{HELD}: {CANNOT}")


async def test_what_was_never_sent_is_withdrawn_whatever_its_kind(profile: Profile) -> None:
    async with opened(profile) as console:
        number = submit(console.store, "new@example.com", Kind.RETRIEVAL)
        await console.sees("n•••@example.com")
        await console.go_to(number)
        await console.press("x")
        await console.sees("Withdraw the retrieval for n•••@example.com?")
        await console.press("y")
        await console.sees("is withdrawn; it was never sent.")
        assert console.task(number).status == "CANCELLED"


async def test_nothing_is_said_to_be_sent_now_that_cannot_be(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceState.BAD_CREDENTIALS, "refused", None)
        await console.go_to(HELD)
        await console.press("x", "y")
        await console.sees("is recorded. Not sent yet: credentials refused.")
