"""The task an operator is measured by: of 5,000 requests, submit again what failed for one reason, with a note."""

from __future__ import annotations

from dataclasses import replace

from bwp_tui.domain.filter import parse
from bwp_tui.sandbox.seed_history import past_tasks
from bwp_tui.settings import Profile
from bwp_tui.store.queries import tasks
from tests.console.past_tasks import HELD, NOW, ORDERS_OPEN, TODAY
from tests.console.support import USUAL, Console, opened

FILTER = "is:failed kind:deletion error:ORDERS_NOT_CLOSED age>2d"
MOST_KEYS = 12


async def press(console: Console, *keys: str) -> int:
    await console.press(*keys)
    return len(keys)


async def test_failed_deletions_of_5000_requests_are_submitted_again_with_a_note_in_few_keys(profile: Profile) -> None:
    practice = replace(profile, is_sandbox=True)
    async with opened(practice, past=past_tasks(5_000, 1, NOW)) as console:
        wanted = list(tasks.matching_numbers(console.store, parse(FILTER), today=TODAY))
        assert len(wanted) > 1
        keys = await press(console, "slash")
        console.main.prompt.set_text(FILTER)
        await console.until(lambda: list(console.main.table.numbers) == wanted)
        keys += await press(console, "enter", "asterisk", "R")
        await console.sees(f"{len(wanted)} to resubmit", "Note for the new tasks")
        keys += await press(console, "o", "k", "enter")
        await console.sees(f"Type {len(wanted)} to")
        keys += await press(console, *str(len(wanted)), "enter")
        await console.sees(f"{len(wanted)} resubmissions asked for.")
        again = [task.resubmitted_as for task in tasks.by_numbers(console.store, wanted)]
        assert None not in again
        assert {task.note for task in tasks.by_numbers(console.store, [number or 0 for number in again])} == {"ok"}
        assert keys <= MOST_KEYS, keys


async def test_one_marked_deletion_is_submitted_again_only_when_its_address_is_typed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(ORDERS_OPEN)
        await console.press("space", "R", "enter")
        await console.sees("frank@example.com. Type the email")
        await console.press("1", "enter")
        await console.sees("Nothing was done: the email was not typed.")
        await console.press("R", "enter")
        await console.until(lambda: console.main.prompt.is_open and "frank@example.com. Type the email" in console.text)
        console.main.prompt.set_text("frank@example.com")
        await console.press("enter")
        await console.until(lambda: console.task(ORDERS_OPEN).resubmitted_as)
        assert HELD not in console.main.table.marks


async def test_a_plan_that_breaks_due_dates_says_so_and_what_would_keep_them_on_a_small_screen(
    profile: Profile,
) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.go_to(ORDERS_OPEN)
        await console.press("R")
        asked = "1 deletion would end after its due date, even without a hold. Type the email"
        await console.until(lambda: asked in " ".join(console.line("prompt").split()))
        assert "f2" not in console.line("footer")
        await console.press("escape", "space", "R", "enter")
        await console.until(lambda: "Plan: 1 to resubmit: 1 deletion FAILED." in console.text)
        asked = " ".join(console.line("prompt").split())
        assert "even without a hold. It is frank@example.com. Type the email to go on:" in asked
