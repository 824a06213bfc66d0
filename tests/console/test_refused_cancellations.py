"""What is said of cancellations and submissions: what is so, and a refusal where the wish was recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bwp_tui.domain.task import Kind
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.worklog import engine_state, intent_outcomes, intents
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.console.past_tasks import HELD, NOW, clock
from tests.console.support import Console, opened
from tests.engine.shop import ACTOR, submit

CANNOT = "The deletion can no longer be cancelled: it is IN_PROGRESS."


async def test_a_refused_cancellation_is_said_in_the_status_line(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.app._watch_notifier._event is not None)
        requests.cancel(console.store, HELD, ACTOR)
        await console.sees("cancelling")
        [intent] = intents.ready(console.store, console.store.clock(), 1)
        intent_outcomes.record_cancel_refused(console.store, intent.id, CANNOT)
        await console.sees(f"{console.task(HELD).name}: {CANNOT}")


async def test_what_was_never_sent_is_withdrawn_whatever_its_kind(profile: Profile) -> None:
    async with opened(profile) as console:
        number = submit(console.store, "new@example.com", Kind.RETRIEVAL)
        await console.sees("n•••@example.com")
        await console.go_to(number)
        await console.press("x")
        await console.sees("Cancel the unsent retrieval ", " of n•••@example.com?")
        await console.press("y")
        await console.sees("is cancelled; it is not sent.")
        assert console.task(number).status == "CANCELLED"


async def test_nothing_is_said_to_be_sent_now_that_cannot_be(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.BAD_CREDENTIALS, "refused", None)
        await console.go_to(HELD)
        await console.press("x", "y")
        await console.sees("is recorded. Waits: credentials refused.")
        [intent] = intents.ready(console.store, console.store.clock(), 1)
        intent_outcomes.record_sending(console.store, intent.id)
        await console.until(lambda: "Waits:" not in console.text)
        assert "is recorded." in console.text


async def test_a_sentence_on_what_is_not_sent_yet_does_not_return_over_a_newer_one(profile: Profile) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.BAD_CREDENTIALS, "refused", None)
        await console.go_to(HELD)
        await console.press("x", "y")
        await console.sees("Waits:")
        console.main.show_status("another sentence")
        [intent] = intents.ready(console.store, console.store.clock(), 1)
        intent_outcomes.record_cancelled(console.store, intent.id)
        await console.sees("another sentence", "CANCELLED")
        assert "is cancelled" not in console.text


async def test_a_sentence_on_a_history_that_cannot_be_read_goes_once_it_can(profile: Profile) -> None:
    async with opened(profile) as console:
        console.main.show_snapshot("The history cannot be read just now.")
        await console.sees("cannot be read just now")
        console.main.session.feed.refresh()
        await console.until(lambda: "cannot be read" not in console.text)


async def test_a_deletion_without_a_response_is_cancelled_once_its_task_id_is_known(profile: Profile) -> None:
    async with opened(profile) as console:
        number = submit(console.store, "new@example.com", Kind.DELETION)
        intent = next(due for due in intents.ready(console.store, NOW, 9) if due.task_number == number)
        intent_outcomes.record_sending(console.store, intent.id)
        await console.sees("n•••@example.com")
        await console.go_to(number)
        await console.press("x")
        await console.sees("Cancel the deletion ", " of n•••@example.com?")
        await console.press("y")
        await console.sees(
            "is recorded. It is sent once the task id is known.", "requested; it is sent once the task id"
        )
        intent_outcomes.record_accepted(console.store, intent.id, "task-new", NOW)
        await console.sees("Cancelling requested; not confirmed by the service")
        [cancellation] = intents.ready(console.store, NOW, 9)
        assert cancellation.task_id == "task-new"
        await console.until(lambda: "once the task id" not in console.main.status.sentence)
        intent_outcomes.record_sending(console.store, cancellation.id)
        intent_outcomes.record_cancelled(console.store, cancellation.id)
        await console.until(lambda: console.main.status.sentence.endswith("is cancelled."))
        messages = console.main.session.messages.messages
        await console.until(lambda: messages[-1].sentence == console.main.status.sentence)


def other_engine_settles(
    console: Console, profile: Profile, monkeypatch: pytest.MonkeyPatch, settle: Callable[[Store, int], None]
) -> None:
    """Let another process settle what is asked for, before the console reads what became of it."""
    commands = console.main.session.task_commands
    apply = commands.apply

    def apply_and_settle(*args: Any, **values: Any) -> Any:
        results = apply(*args, **values)
        store = open_store(profile.history_path, clock=clock)
        try:
            [intent] = intents.ready(store, store.clock(), 1)
            intent_outcomes.record_sending(store, intent.id)
            settle(store, intent.id)
        finally:
            store.close()
        return results

    monkeypatch.setattr(commands, "apply", apply_and_settle)


@pytest.mark.parametrize(
    ("settle", "sentence"),
    [
        (intent_outcomes.record_cancelled, "{name} is cancelled."),
        (partial(intent_outcomes.record_cancel_refused, reason=CANNOT), f": {CANNOT}"),
        (lambda _store, _intent: None, "The cancellation of {name} is recorded."),
    ],
)
async def test_what_another_engine_has_settled_is_said_as_it_is_recorded(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, settle: Callable[[Store, int], None], sentence: str
) -> None:
    async with opened(profile) as console:
        engine_state.record_health(console.store, ServiceHealthState.BAD_CREDENTIALS, "refused", None)
        other_engine_settles(console, profile, monkeypatch, settle)
        await console.go_to(HELD)
        await console.press("x", "y")
        expected = sentence.format(name=console.task(HELD).name)
        await console.until(lambda: console.main.status.sentence.endswith(expected))


async def test_a_refusal_that_both_the_action_and_the_timeline_report_is_said_once(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(profile) as console:
        other_engine_settles(
            console, profile, monkeypatch, partial(intent_outcomes.record_cancel_refused, reason=CANNOT)
        )
        await console.go_to(HELD)
        await console.press("x", "y")
        status, refusal = console.main.status, f"{console.task(HELD).name}: {CANNOT}"
        await console.until(lambda: status.sentence == status.notice == refusal)
        await console.sees(refusal)
        assert console.line("status").count(refusal) == 1


async def test_refusals_are_counted_while_the_last_one_is_shown(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.until(lambda: console.app._watch_notifier._event is not None)
        status, messages = console.main.status, console.main.session.messages
        first, second = (f"{console.task(HELD).name}: {reason}" for reason in (CANNOT, "It is over."))
        for reason, shown in ((CANNOT, first), ("It is over.", f"2 refusals, which M lists. {second}")):
            requests.cancel(console.store, HELD, ACTOR)
            [intent] = intents.ready(console.store, console.store.clock(), 1)
            intent_outcomes.record_cancel_refused(console.store, intent.id, reason)
            await console.until(lambda: status.notice == shown)  # noqa: B023  awaited at once
        await console.until(lambda: [message.sentence for message in messages.messages] == [first, second])
