"""Working on tasks at the keyboard: who asks, who has it, what the shopper was told; and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from textual.widgets import Input

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.legal_operations import ANSWER
from bwp_tui.domain.deadlines import needs_answer
from bwp_tui.domain.task import WATCHED, Kind, Request, Task
from bwp_tui.settings import Profile
from bwp_tui.store.commands import legal_records
from bwp_tui.store.queries import tasks, timeline
from tests.console.past_tasks import HELD, NOT_KNOWN, READY, TODAY, WAITING
from tests.console.support import Console, opened
from tests.store import single


def request_of(email: str) -> Request:
    return Request(Kind.RETRIEVAL, email, TODAY, "gdpr")


async def type_over(console: Console, text: str) -> None:
    """Answer the question that is asked now with a text of its own."""
    await console.press("ctrl+u", *text)
    await console.press("enter")


async def test_a_verification_says_how_by_whom_and_when(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("c")
        await console.sees("How was the identity of ", " verified:")
        await console.press("enter")
        await console.sees("Say how, such as: recent order details.")
        await console.press(*"order 17", "enter")
        await console.sees("Verified by: op")
        await type_over(console, "anna")
        await console.sees("Verified on: 2026-11-20")
        await type_over(console, "2027-01-01")
        await console.sees("2027-01-01 is in the future.")
        await type_over(console, "soon")
        await console.sees("Use YYYY-MM-DD")
        await type_over(console, "yesterday")
        await console.until(lambda: "[Y/n]" in console.line("prompt"))
        await console.press("y")
        await console.sees(f"The verification of {console.task(READY).name} is recorded.")
        found = console.task(READY).verification
        assert found is not None
        assert (found.on, found.by, found.how) == (date(2026, 11, 19), "anna", "order 17")


async def test_an_extension_names_its_limit_and_moves_the_due_date_once(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        before = console.task(HELD).due_on
        await console.press("E")
        await console.sees(
            "to 2027-02-17 (GDPR art. 12(3); Reg. 1182/71, tell by 2026-12-17).", "Reason the shopper is told:"
        )
        await console.press("enter")
        await console.sees("Nothing was done: an extension needs a reason.")
        await console.press("E", *"three shops", "enter")
        await console.sees("is now due on 2027-02-17.")
        task = console.task(HELD)
        assert (task.due_on, task.extended_on) == (date(2027, 2, 17), TODAY)
        assert task.due_on != before
        assert timeline.of_task(console.store, HELD)[-1].detail == "three shops"
        await console.press("E")
        await console.sees("E: Task", "the law allows that once")


async def test_what_cannot_be_extended_any_more_says_why(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(1)
        await console.press("E")
        await console.sees("had to be told of an extension by")
        assert not console.main.prompt.is_open


async def test_what_is_typed_replaces_a_proposed_day(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("A", *"-2", "enter")
        await console.until(lambda: console.task(HELD).acknowledged_on == TODAY - timedelta(days=2))


async def test_the_confirmation_of_receipt_is_dated_and_recorded_once(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(WAITING)
        await console.press("A")
        await console.sees("was acknowledged (by 2026-12-07): 2026-11-20")
        await console.press("enter")
        await console.sees("receipt confirmed on 2026-11-20, recorded.")
        assert console.task(WAITING).acknowledged_on == TODAY
        await console.press("A")
        await console.sees("(recorded: 2026-11-20; another day corrects it):")
        await console.press("enter")
        await console.sees("was already acknowledged on 2026-11-20.")


async def test_a_task_is_given_into_hands_and_taken_out_of_them(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("a", *"{anna}", "enter")
        await console.sees("is assigned to {anna}.")
        assert console.task(READY).assigned_to == "{anna}"
        await console.press("a")
        await type_over(console, "none")
        await console.sees("is assigned to nobody.")
        assert console.task(READY).assigned_to is None


@pytest.mark.parametrize(
    ("keys", "done"),
    [
        (["a", *"anna", "enter"], "assigned"),
        (["c", *"order", "enter", "enter", "enter", "2", "enter"], "verified"),
        (["A", "enter", "2", "enter"], "acknowledged"),
        (["e", *"seen", "enter"], "noted"),
        (["t", *"+vip", "enter"], "tagged"),
    ],
)
async def test_each_record_is_made_for_all_marked_tasks(profile: Profile, keys: list[str], done: str) -> None:
    async with opened(profile) as console:
        await console.press("space", "space")
        await console.sees("2 marked")
        await console.press(keys[0])
        await console.sees("these 2")
        await console.press(*keys[1:])
        await console.sees(f"2 {done}.")
        found = [console.task(number) for number in (READY, WAITING)]
        kept: dict[str, Callable[[Task], bool]] = {
            "assigned": lambda task: task.assigned_to == "anna",
            "verified": lambda task: task.verification is not None and task.verification.how == "order",
            "acknowledged": lambda task: task.acknowledged_on == TODAY,
            "noted": lambda task: task.note == "seen",
            "tagged": lambda task: task.tags == ("vip",),
        }
        assert all(kept[done](task) for task in found)
        assert not console.main.table.marks


async def test_marked_tasks_are_extended_after_the_plan_a_reason_and_the_count(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("asterisk", "E")
        await console.sees("Extend these ", ", due ", " → ", "too late to be extended", "shopper is told:")
        count = sum(legal_records.cannot_extend(console.task(number), TODAY) is None for number in range(1, 11))
        await console.press(*"a flood")
        await console.sees("a flood")
        await console.press("enter")
        await console.sees(f"Type {count} to go on:")
        assert not any(console.task(number).extended_on for number in range(1, 11))
        await console.press(*str(count), "enter")
        await console.sees(f"{count} extended.")
        assert sum(console.task(number).extended_on == TODAY for number in range(1, 11)) == count


async def test_the_last_change_is_taken_back_first_and_the_sentence_says_which(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("U")
        await console.sees("Nothing to undo")
        await console.go_to(HELD)
        await console.press("e")
        await type_over(console, "called")
        await console.sees("Note of ")
        await console.press("t", *" +late", "enter")
        await console.sees("Tags of ")
        await console.press("a", *"anna", "enter")
        await console.sees("assigned to anna")
        for part in ("assignment", "tags", "note"):
            await console.press("U")
            await console.sees(f"Undone: the {part} of #")
            assert timeline.of_task(console.store, HELD)[-1].what == "undone"
        task = console.task(HELD)
        assert (task.note, task.tags, task.assigned_to) == ("VIP", ("vip", "phone"), None)
        await console.press("U")
        await console.sees("Nothing to undo")


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("+urgent", {"vip", "phone", "urgent"}),
        ("-phone", {"vip"}),
        ("-absent", {"vip", "phone"}),
        ("+urgent, -vip", {"phone", "urgent"}),
        ("urgent", {"urgent"}),
        ("vip +urgent", {"vip", "urgent"}),
        ("vip phone -vip", {"phone"}),
        ("", set()),
    ],
)
async def test_tags_with_a_sign_are_changes_and_others_are_all_there_are(
    profile: Profile, typed: str, left: set[str]
) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("W")
        await console.until(lambda: WATCHED in console.task(HELD).tags)
        await console.press("t")
        await type_over(console, typed)
        await console.until(lambda: not console.main.prompt.is_open)
        await console.until(lambda: set(console.task(HELD).tags) == left | {WATCHED})


async def test_what_others_have_changed_since_is_not_trodden_on(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("t", *"vip", "enter")
        await console.sees("Tags of ")
        single.set_tags(console.store, READY, ("theirs",), "bob")
        await console.press("U")
        await console.sees("1 not: Since then the tags of")
        assert tasks.get(console.store, READY).tags == ("theirs",)


async def test_what_changes_nothing_says_so_and_undo_takes_back_no_other_task(profile: Profile) -> None:
    async with opened(profile) as console:
        single.set_tags(console.store, READY, ("vip",), "bob")
        await console.go_to(HELD)
        await console.press("t", *"+late", "enter")
        await console.until(lambda: "late" in console.task(HELD).tags)
        await console.go_to(READY)
        await console.press("t", *"+vip", "enter")
        await console.sees(f"Nothing is changed in the tags of #{READY}")
        await console.press("U")
        await console.sees(f"Undone: the tags of #{HELD}")


async def test_undo_marks_only_what_is_listed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("asterisk")
        every = console.main.table.marks
        await console.press("escape", "slash", *"kind:deletion", "enter")
        await console.until(lambda: console.main.has_all_rows and set(console.main.table.numbers) < every)
        listed = frozenset(console.main.table.numbers)
        await console.press("U")
        await console.until(lambda: console.main.table.marks == listed)


async def test_marks_that_were_lost_come_back(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("asterisk")
        every = console.main.table.marks
        await console.press("escape")
        assert not console.main.table.marks
        await console.press("U")
        await console.sees(f"{len(every)} tasks marked, as before.")
        assert console.main.table.marks == every


async def test_marks_that_an_action_took_away_are_no_step_of_their_own(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("space", "e", *"seen", "enter")
        await console.sees(" noted.")
        await console.press("U")
        await console.sees("Undone: the note of #")
        await console.press("U")
        await console.sees("Nothing to undo")


async def test_what_is_cleared_is_said_to_be_removed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("e")
        await type_over(console, "")
        await console.sees("Note of ", " removed.")
        await console.press("t")
        await type_over(console, "+vip +new")
        await console.press("t")
        await type_over(console, "-vip")
        await console.sees("Tags of ", " saved.")
        await console.press("t")
        await type_over(console, "")
        await console.sees("Tags of ", " removed.")
        assert (console.task(HELD).note, console.task(HELD).tags) == ("", ())


async def test_a_question_that_is_left_brings_no_earlier_sentence_back(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("a", *"anna", "enter")
        await console.sees("is assigned to anna.")
        await console.press("space", "t")
        await console.until(lambda: console.main.prompt.is_open)
        await console.press("escape")
        await console.until(lambda: not console.main.prompt.is_open)
        await console.pilot.pause()
        assert "anna." not in console.line("status")


async def test_a_tag_with_a_blank_stays_one_tag_where_another_is_added(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        single.set_tags(console.store, HELD, ["t4 x", "vip"], "kim")
        await console.until(lambda: console.main.table.current and console.main.table.current.tags == ("t4 x", "vip"))
        await console.press("t", *"foo", "enter")
        await console.until(lambda: set(console.task(HELD).tags) == {"t4 x", "vip", "foo"})


async def test_what_is_no_tag_is_refused_and_stays_to_be_mended(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        for typed in ("vip ;;;", "vip -"):
            await console.press("t")
            await console.until(lambda: console.main.prompt.is_open)
            console.main.prompt.set_text(typed)
            await console.press("enter")
            await console.sees("is not a tag: a tag needs a letter or a digit.")
            await console.press("escape")
            assert console.task(READY).tags == ()


async def test_what_was_not_there_is_not_recorded(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(NOT_KNOWN)
        revision = console.store.revision()
        for key in ("a", "c", "A", "E", "e", "t"):
            await console.press(key)
            await console.until(lambda: console.main.prompt.is_open)
            await console.press("escape")
            await console.until(lambda: not console.main.prompt.is_open)
        assert console.store.revision() == revision


async def test_a_record_of_law_is_withdrawn_by_key_and_by_line_and_the_timeline_keeps_it(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("w")
        await console.sees("Nothing that could be withdrawn is recorded for ")
        due = console.task(HELD).due_on
        await console.press("E", *"shops", "enter")
        await console.sees("is now due on")
        await console.press("w")
        await console.sees(f"It is then due on {due}, not {console.task(HELD).due_on}.")
        await console.press("y")
        await console.sees("The extension of ", "is withdrawn")
        assert console.task(HELD).extended_on is None
        assert console.task(HELD).due_on == due
        await console.press("A", "enter")
        await console.sees("receipt confirmed on")
        await console.press("colon", *"acknowledge --withdraw", "enter")
        await console.sees("Withdraw the acknowledgement of ")
        await console.press("y")
        await console.until(lambda: console.task(HELD).acknowledged_on is None)
        what = [event.what for event in timeline.of_task(console.store, HELD)]
        assert what[-4:] == ["extended", "extension withdrawn", "acknowledged", "acknowledgement withdrawn"]


async def test_receipt_and_law_are_corrected_once_what_moves_was_shown(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        before = console.task(READY)
        await console.press("O")
        await console.sees(f"Day of receipt of {before.name}: {before.received_on}")
        await type_over(console, "2026-11-09")
        await console.sees("Regulation, such as us-tx or Texas:")
        await type_over(console, "lgpd")
        await console.sees("“lgpd” is no regulation")
        await type_over(console, "California")
        await console.sees(f"received 2026-11-09 under us-ca, due {before.due_on} → 2026-12-24. Correct it?")
        assert console.task(READY) == before
        await console.press("y")
        await console.sees("is corrected; the timeline keeps what was recorded before.")
        await console.press("U")
        await console.sees("Undone: the last change of the receipt and regulation of #")
        assert (console.task(READY).received_on, console.task(READY).due_on) == (before.received_on, before.due_on)
        await console.press("colon", *"correct --received 2026-11-10", "enter")
        await console.sees("received 2026-11-10 under gdpr")
        await console.press("y")
        await console.until(lambda: console.task(READY).received_on == date(2026, 11, 10))


async def test_the_plan_of_a_correction_skips_what_has_these_values_already(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("space", "colon", *f"correct --received {console.task(READY).received_on}", "enter")
        await console.sees("Of 1 marked: 0 to correct, 1 skipped: received then under that law already.")
        # No day is proposed that none of the marked tasks has.
        due = console.task(READY).due_on
        await console.press("O", "escape")  # goes back, and is no answer
        await console.until(lambda: not console.main.prompt.is_open)
        await console.press("O", "y")
        await console.sees("Day of receipt of the marked one:")
        assert console.main.prompt.query_one(Input).value == ""
        await console.press("enter")
        await console.sees("Use YYYY-MM-DD, ")
        await console.press(*"2026-11-09", "enter")
        await console.sees("Regulation, such as us-tx or Texas:")
        await console.press("enter")
        await console.sees(f"Plan: 1 to correct, due {due} → ", "Go on?")
        await console.press("y")
        await console.until(lambda: console.task(READY).received_on == date(2026, 11, 9))


async def test_a_record_of_many_is_confirmed_by_their_count_and_taken_back(profile: Profile) -> None:
    async with opened(profile) as console:
        count = console.main.table.row_count
        for keys in (("A", "enter"), ("c", *"order 17", "enter", "enter", "enter")):
            await console.press("asterisk", *keys)
            await console.sees(f"Type {count} to go on:")
            await console.press("enter")
            await console.sees("Nothing was done:")
            await console.press("escape")
        found = tasks.by_numbers(console.store, list(console.main.table.numbers))
        assert not any(task.acknowledged_on or task.verification for task in found)
        await console.press("asterisk", "A", "enter", *str(count), "enter")
        await console.sees(f"{count} acknowledged.")
        await console.press("U")
        await console.sees(f"Undone: the acknowledgement of {count} tasks.")
        found = tasks.by_numbers(console.store, list(console.main.table.numbers))
        assert not any(task.acknowledged_on for task in found)


async def test_what_cannot_be_taken_back_is_not_passed_over(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("e", *"!", "enter")
        await console.sees("Note of ", " saved.")
        kept = console.task(HELD).note
        await console.press("x", "y")
        await console.sees("The cancellation of ", "is recorded")
        await console.press("U")
        await console.sees("The cancellation of ", "cannot be undone. Press the key again")
        assert console.task(HELD).note == kept
        await console.press("U")
        await console.until(lambda: console.task(HELD).note != kept)


async def test_no_undo_is_promised_of_a_step_before_that_cannot_be_taken_back_either(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="jane@example.com")
        await console.submit_form()
        await console.go_to(HELD)
        await console.press("x", "y")
        await console.sees("The cancellation of ", "is recorded")
        await console.press("U")
        await console.until(lambda: console.line("status").strip().endswith("cannot be undone."))


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_a_day_to_be_recorded_can_be_read_whole_in_a_small_terminal(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile, size=size) as console:
        await console.press("A")
        await console.sees("today is")
        field = console.app.screen.query_one("#prompt-input", Input)
        assert field.size.width > len(field.value)


async def test_an_answer_says_how_and_when_and_stops_the_countdown(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.sees("not yet  r records the answer")
        await console.press("r")
        await console.sees("How was the shopper of ", " answered:")
        await console.press("enter")
        await console.sees("Say how, such as: result sent by email.")
        await console.press(*"by email", "enter")
        await console.sees("Answered on: 2026-11-20")
        await type_over(console, "2026-11-01")
        await console.sees("was received on ")  # the question stays open, with what was typed before
        await type_over(console, "2026-11-20")
        await console.sees("answered on 2026-11-20, recorded.", "by email")
        task = console.task(READY)
        assert (task.answered_on, task.answered_how, needs_answer(task)) == (TODAY, "by email", False)
        await console.press("r")
        await console.sees("How was the shopper of ")
        await console.press(*"by post", "enter")
        await console.sees("(recorded: 2026-11-20; another day corrects it)")
        await console.press("escape", "w")
        await console.sees("Its clock runs again; it is due ")
        await console.press("y")
        await console.sees("The answer of ", " is withdrawn")
        assert needs_answer(console.task(READY))
        await console.press("U")
        await console.sees("Undone: the last change of the answer of #")
        assert console.task(READY).answered_on == TODAY


@pytest.mark.parametrize("line", ["answer {} --how {} --on today", "verify {} --how {} --by anna --on today"])
async def test_a_line_that_replaces_a_record_says_which(profile: Profile, line: str) -> None:
    async with opened(profile) as console:
        await console.press("colon", *line.format(READY, "mail"), "enter")
        await console.sees("recorded.")
        assert "This replaces" not in console.text
        await console.press("colon", *line.format(READY, "phone"), "enter")
        await console.sees("recorded. This replaces the ", f" of {TODAY}.")


async def test_marked_tasks_are_answered_and_those_that_were_not_sent_are_left_out(profile: Profile) -> None:
    async with opened(profile) as console:
        unsent = console.main.session.task_commands.submit(request_of("new@example.com")).number
        await console.until(lambda: unsent in set(console.main.table.numbers))
        await console.press("asterisk", "r")
        await console.sees("not sent yet")
        await console.press(*"by email", "enter")
        await console.sees("Answered on")
        await console.press("enter")
        plan = bulk_plan.plan(
            console.store, ANSWER, list(console.main.table.numbers), TODAY, {"how": "by email", "on": TODAY}
        )
        await console.press(*str(len(plan.possible)), "enter")
        await console.sees(f"{len(plan.possible)} answered")
        assert console.task(unsent).answered_on is None
        assert console.task(READY).answered_on == TODAY


async def test_an_unsent_request_is_answered_only_after_a_question(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("colon", *"answer", "enter")
        await console.sees("How was the shopper of ")
        await console.press("escape")
        unsent = console.main.session.task_commands.submit(request_of("new@example.com")).number
        await console.until(lambda: unsent in set(console.main.table.numbers))
        await console.go_to(unsent)
        await console.press("r", *"by phone", "enter", "enter")
        await console.sees("has not been sent to the service yet. Record it?")
        await console.press("n")
        assert console.task(unsent).answered_on is None
