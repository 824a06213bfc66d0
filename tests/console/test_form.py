"""The request form: checked while it is typed, never sent with a mistake, never lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from textual import events
from textual.widgets import Input

from bwp_tui.console.state.request_draft import Draft
from bwp_tui.console.widgets import request_form
from bwp_tui.console.widgets.request_form import _TEXTS, RadioField, RequestForm
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, email_mistake
from bwp_tui.domain.times import DAY_FORMS
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store, as_int
from tests.console.past_tasks import PAST, READY, TODAY, clock
from tests.console.support import USUAL, WIDE, opened
from tests.store.support import has_waiting_intent

FIRST_NEW = len(PAST) + 1


def count_tasks(store: Store) -> int:
    return as_int(store.rows("SELECT count(*) FROM tasks")[0][0])


async def test_an_open_form_follows_the_day(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("n")
        await console.sees("in 45d")
        session = console.main.session
        later = session.clock() + timedelta(days=1)
        session.clock = lambda: later
        console.main.form.follow_day()
        await console.sees("in 44d")


@pytest.mark.parametrize("typed", ["late@example.com", ""], ids=["draft", "empty"])
async def test_a_draft_keeps_its_day_of_receipt_and_an_empty_form_has_that_of_today(
    profile: Profile, typed: str
) -> None:
    async with opened(profile) as console:
        await console.press("n", *typed, "escape")
        session = console.main.session
        later = session.clock() + timedelta(days=1)
        session.clock = lambda: later
        await console.press("n")
        await console.until(lambda: console.main.form.display)
        assert console.main.form.draft.received == str(TODAY if typed else TODAY + timedelta(days=1))


async def test_a_form_that_is_opened_again_before_its_fields_are_mounted_has_each_once(profile: Profile) -> None:
    async with opened(profile) as console:
        console.main.open_form()
        console.main.open_form(Kind.DELETION)
        await console.sees("new request · deletion")
        assert len(console.main.query("#form Input")) == len(_TEXTS)


@pytest.mark.parametrize(
    ("email", "named"),
    [
        ("o'neil@example.com", "contains ',"),
        ("jane doe@example.com", "contains a blank,"),
        ("jane@exämple.com", "contains ä after the @"),
        ("jane@exa_mple.com", "contains _ after the @"),
        ("jane@a@example.com", "more than one @"),
        ("@example.com", "nothing before the @"),
        ("jane.example.com", "no @"),
        ("jane@example", "an ending such as"),
        ("j" * 250 + "@example.com", "longer than"),
        ("jane_doe%1@example.com", ""),
    ],
)
def test_what_is_wrong_with_an_email_is_named(email: str, named: str) -> None:
    assert named in (email_mistake(email) or ("", ""))[0]
    assert bool(email_mistake(email)) is bool(named)


async def test_an_address_is_judged_while_it_is_typed(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("n", "q", "x")
        await console.sees("no @")
        console.field("email").value += "@example"
        await console.sees("needs an ending such as .com")
        console.field("email").value += " .com"
        await console.sees("a blank")
        console.field("email").value = "qx@example.com"
        await console.pilot.pause()
        assert "✓" in console.line("row-email")


MISTAKES = (
    ("retrieval", "email", "jane@@example.com", "has more than one @"),
    ("retrieval", "received", "soon", "use YYYY-MM-DD"),
    ("retrieval", "received", "2026-11-22", "date is in the future"),
    ("deletion", "received", "9999-12-31", "date is in the future"),
    ("deletion", "hold", "181", "0 to 180 days"),
    ("deletion", "hold", "-1", "0 to 180 days"),
    ("deletion", "email_again", "june@example.com", "not the same email"),
)


@pytest.mark.parametrize("size", [WIDE, USUAL])
async def test_a_mistake_is_named_beside_its_field_and_files_nothing(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(profile, size=size) as console:
        for kind, field, text, hint in MISTAKES:
            right = {
                "email": "jane@example.com",
                "received": "2026-11-20",
                "hold": "0",
                "email_again": "jane@example.com",
            }
            await console.fill(kind=kind, **{**right, field: text})
            assert hint in console.line(f"row-{field}")
            await console.press("enter")
            assert console.app.focused is console.field(field)
        assert count_tasks(console.store) == len(PAST)


@pytest.mark.parametrize(("kind", "missing"), [("retrieval", "email"), ("deletion", "email_again")])
async def test_a_field_left_out_is_asked_for(profile: Profile, kind: str, missing: str) -> None:
    async with opened(profile) as console:
        await console.fill(kind=kind, email="" if missing == "email" else "jane@example.com")
        await console.press("enter")
        assert "needed" in console.line(f"row-{missing}")
        assert console.app.focused is console.field(missing)
        assert count_tasks(console.store) == len(PAST)


async def test_a_retrieval_becomes_a_row_an_intent_and_the_task_under_the_cursor(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email=" new@example.com ", received="2026-11-18", regulation="Tex", note="by phone")
        await console.submit_form()
        await console.until(lambda: console.main.table.current_number == FIRST_NEW)
        task = console.task(FIRST_NEW)
        assert (task.kind, task.email, task.status, task.note) == (
            Kind.RETRIEVAL,
            "new@example.com",
            Status.QUEUED,
            "by phone",
        )
        assert (task.received_on.isoformat(), task.regulation) == ("2026-11-18", "us-tx")
        assert has_waiting_intent(console.store, FIRST_NEW)
        assert not console.main.form.display
        assert console.app.focused is console.main.table
        await console.do("new")
        assert console.field("email").value == ""


async def test_a_deletion_carries_its_holding_period_and_reason(profile: Profile) -> None:
    async with opened(profile) as console:
        address = "bye@example.com"
        await console.fill(kind="deletion", email=address, hold="0", reason="asked us", email_again=address)
        await console.submit_form()
        task = console.task(FIRST_NEW)
        assert (task.kind, task.holding_period, task.reason) == (Kind.DELETION, 0, "asked us")


async def test_enter_pressed_twice_files_one_request(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="new@example.com")
        form = console.main.form
        for _ in range(3):
            form.post_message(RequestForm.Submitted(form.draft.request()))
        await console.until(lambda: "Recorded as #" in console.line("status"))
        await console.app.workers.wait_for_complete()
        assert count_tasks(console.store) == FIRST_NEW


async def test_what_was_typed_is_there_again_after_escape(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(kind="deletion", email="half@exam", hold="7", reason="why")
        await console.press("escape")
        assert not console.main.form.display
        assert console.app.focused is console.main.table
        await console.press("N")
        assert console.main.form.draft.kind is Kind.DELETION
        assert [console.field(name).value for name in ("email", "hold", "reason")] == ["half@exam", "7", "why"]


async def test_a_restored_draft_is_named_and_typing_replaces_its_address(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="half@exam")
        await console.press("escape", "n")
        await console.sees("draft restored")
        await console.press(*"jane@example.com")
        assert console.field("email").value == "jane@example.com"
        await console.sees("draft restored")


async def test_the_console_is_not_left_with_a_draft_before_a_question(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="half@exam")
        await console.press("escape", "q")
        await console.sees("half@exam", "Quit? [y/N]")
        await console.press("n")
        assert console.app.is_running
        await console.press("q", "y")
        await console.until(lambda: not console.app.is_running)


async def test_a_draft_without_an_email_is_named_and_emptied_too(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(received="soon")
        await console.press("escape", "n")
        await console.sees("draft restored")
        await console.press("ctrl+u")
        assert console.field("received").value == TODAY.isoformat()
        await console.press("escape", "n")
        await console.until(lambda: console.main.form.display)
        assert "draft restored" not in console.line("form-heading")


@pytest.mark.parametrize(("width", "mistake"), [(120, DAY_FORMS), (80, "-3 or mon"), (60, "-3 or mon")])
async def test_what_is_typed_replaces_a_proposed_day_and_a_mistake_names_words_for_days(
    profile: Profile, width: int, mistake: str
) -> None:
    async with opened(profile, size=(width, 24)) as console:
        await console.press("n", "tab", *"soon")
        assert console.field("received").value == "soon"
        await console.until(lambda: mistake in console.line("hint-received"))


@pytest.mark.parametrize("size", [WIDE, USUAL])
async def test_a_restored_draft_is_emptied_by_one_key_while_it_is_unchanged(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile, size=size) as console:
        await console.fill(email="half@exam", note="by phone")
        await console.press("escape", "N")
        await console.sees("ctrl+u")
        await console.press("ctrl+u")
        assert (console.field("email").value, console.field("note").value) == ("", "")
        assert console.main.form.draft.kind == "DELETION", "the kind of the key that opened the form"
        assert "draft restored" not in console.line("form-heading")
        await console.press("escape", "n")
        assert console.main.form.draft.kind == "RETRIEVAL", "an empty form is no draft of a deletion"
        await console.press(*"jane", "ctrl+u", *"joe")
        assert console.field("email").value == "joe"


async def test_an_address_of_a_command_replaces_the_restored_one(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="half@exam", regulation=profile.regulation)
        await console.press("escape")
        console.main.open_form(Kind.RETRIEVAL, "jane@example.com")
        await console.pilot.pause()
        assert console.field("email").value == "jane@example.com"
        assert "draft restored" not in console.line("form-heading")


async def test_a_deletion_that_would_end_too_late_is_told_before_it_is_sent_with_the_way_out(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(kind="deletion", email="bye@example.com", regulation="ccpa", hold="20")
        assert "5 days too late: due 2027-01-04, ends by 2027-01-09." in console.text
        assert "f2 sets the hold to 15 days, which meets the due date" in console.text
        await console.press("f2")
        assert console.field("hold").value == "15"
        assert "too late" not in console.text
        assert "f2 makes" not in console.text


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("received", ["2026-11-20", "2026-10-22", "2026-10-01"])
def test_the_end_of_what_is_sent_later_is_said_for_today_alone(kind: Kind, received: str) -> None:
    now = Draft(kind, "a@example.com", received, "us-ca", "20", "", "", "")
    (sentence, role), (later, later_role) = (draft.outlook(TODAY) for draft in (now, replace(now, sends_now=False)))
    in_team = replace(now, needs_approval=True).outlook(TODAY)  # a deletion waits for the approval
    assert in_team == ((later, role) if kind is Kind.DELETION else (sentence, role))
    assert ("once another" in replace(now, needs_approval=True).sent_hint()[0]) is (kind is Kind.DELETION)
    assert later_role == role
    assert "today" not in sentence
    assert f"today it ends by {sentence[-len('2026-12-30.') :]}" in later
    assert len(later) <= 54


async def test_a_hold_does_not_meet_the_due_date_of_what_is_sent_later_nor_begin_at_once(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(kind="deletion", email="bye@example.com", regulation="ccpa", hold="20")
        await console.sees("which meets the due date")
        console.main.query_one("#field-send", RadioField).value = "later"
        await console.sees("today it ends by", "f2 sets the hold to 15 days")
        assert "meets the due date" not in console.text
        console.field("hold").value = "0"
        await console.until(lambda: "f2" not in console.line("form"))
        assert "at once" not in console.text


async def test_the_form_proposes_the_longest_hold_that_meets_the_due_date(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(kind="deletion", email="bye@example.com", regulation="ccpa")
        for received, proposed in (
            ("2026-11-12", "7"),
            ("2026-11-20", "10"),
            ("2026-11-06", "1"),
            ("2026-11-05", "10"),
        ):
            console.field("received").value = received
            await console.pilot.pause()
            assert console.field("hold").value == proposed
        # A hold of 0 meets this date, but it has to be asked for.
        assert "f2 sets the hold to 0 days, which meets the due date but cannot be cancelled" in console.text
        await console.press("f2")
        assert "begins at once and cannot be cancelled" in console.text
        console.field("received").value = "2026-11-20"
        await console.pilot.pause()
        assert console.field("hold").value == "0"


async def test_the_form_proposes_the_hold_of_the_profile_up_to_what_meets_the_due_date(profile: Profile) -> None:
    async with opened(replace(profile, holding_period=8)) as console:
        await console.fill(kind="deletion", email="bye@example.com", regulation="ccpa")
        for received, proposed in (("2026-11-20", "8"), ("2026-11-12", "7")):
            console.field("received").value = received
            await console.pilot.pause()
            assert console.field("hold").value == proposed


async def test_a_day_of_receipt_before_today_is_called_so_where_it_may_be_taken_for_today(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(kind="retrieval", email="jane@example.com")
        for days, is_yesterday in ((1, True), (0, False), (2, False)):
            console.field("received").value = str(TODAY - timedelta(days=days))
            await console.pilot.pause()
            assert ("yesterday in " in console.text) is is_yesterday


async def test_where_no_holding_period_is_short_enough_an_extension_is_advised(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(kind="deletion", email="bye@example.com", received="2026-11-01", hold="0")
        assert "Too late even with no hold: consider an extension" in console.text
        await console.press("f2")
        assert console.field("hold").value == "0"
        assert "no hold ends in time" in console.line("hint-hold")
        console.field("received").value = "2026-11-20"
        await console.pilot.pause()
        assert "no hold" not in console.line("hint-hold")
        await console.press("f2")
        assert console.field("hold").value == "0"
        assert "ends in time" in console.line("hint-hold")
        console.field("received").value = "2026-13"
        await console.press("f2")
        assert "no due date" in console.line("hint-hold")


async def test_no_extension_is_advised_where_the_law_knows_none_or_it_is_too_late(profile: Profile) -> None:
    async with opened(profile) as console:
        for regulation, received in (("ca-qc", "2026-11-10"), ("us-ca", "2026-09-01")):
            await console.fill(kind="deletion", email="bye@example.com", regulation=regulation, received=received)
            assert "Too late even with no hold" in console.line("form-remedy")
            assert "extension" not in console.line("form-remedy")


async def test_an_address_that_asked_before_is_flagged_but_not_refused(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="JANE.DOE@example.com")
        assert f"#{READY} (COMPLETED) has this email" in console.text
        await console.submit_form()
        assert console.task(FIRST_NEW).earlier_number == READY
        await console.sees(f"#{READY} has the same email")


async def test_the_key_for_a_deletion_opens_the_form_set_to_it(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("N")
        assert console.main.form.draft.kind is Kind.DELETION
        await console.sees("Hold (days)", "Confirm email")


async def test_tab_goes_round_in_the_form_and_arrows_choose(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="new@example.com")
        before = console.app.focused
        visited = []
        for _ in range(6):
            await console.press("tab")
            visited.append(console.app.focused)
        assert console.app.focused is before
        assert all(isinstance(field, Input) or field is not console.main.table for field in visited)
        await console.press("shift+tab", "shift+tab")
        assert console.app.focused is console.main.query_one("#field-note")
        console.main.query_one("#field-kind").focus()
        await console.press("right")
        assert console.main.form.draft.kind is Kind.DELETION


async def test_all_fields_of_a_deletion_are_seen_in_the_usual_terminal(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        await console.fill(kind="deletion", email="bye@example.com", hold="10")
        for words in (
            "Confirm email",
            "Reason",
            "Note",
            "9 days too late: due",
            "ends by 2026-12-30.",
            "f2",
            "esc",
        ):
            assert words in console.text


@pytest.mark.parametrize(("width", "kind"), [(80, "deletion"), (60, "deletion"), (60, "retrieval")])
async def test_no_hint_is_cut(profile: Profile, width: int, kind: str) -> None:
    async with opened(profile, size=(width, 24)) as console:
        texts = {"email": "jane@example", "received": "soon"}
        await console.fill(kind=kind, **texts)
        await console.until(lambda: console.line("hint-email").strip())
        hints = [line.id for line in console.main.form.query(".form-hint") if line.id and line.region.width]
        assert hints
        draft = console.main.form.draft
        declared = {field: forms for field, _label, forms in _TEXTS} | draft.mistakes(TODAY)
        declared |= {"regulation": draft.regulation_hint(), "send": draft.sent_hint()}
        whole = {form for forms in declared.values() for form in forms}
        for hint in hints:
            assert console.line(hint).strip() in {"", *whole}
        await console.pilot.resize_terminal(120, 40)
        await console.sees("needs an ending such as .com", "use YYYY-MM-DD")


async def test_a_day_that_does_not_exist_is_called_so(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="jane@example.com", received="2026-02-31")
        assert "not a calendar date" in console.line("row-received")


async def test_enter_goes_to_the_first_field_that_is_wrong_or_missing(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(received="2026-02-31")
        await console.press("enter")
        assert console.app.focused is console.field("email")


async def test_a_paste_of_several_lines_is_joined(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("n")
        field = console.field("note")
        field.focus()
        field.post_message(events.Paste("first\n  second\r\n\nthird\n"))
        await console.until(lambda: field.value == "first second third")
        field.post_message(events.Paste("\n"))
        await console.pilot.pause()
        assert field.value == "first second third"


async def test_tab_to_a_filled_field_keeps_what_it_holds(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(note="by phone")
        await console.press("up", "up", "tab", "tab")
        for _ in range(8):
            if console.app.focused is console.field("note"):
                break
            await console.press("tab")
        await console.press("x")
        assert console.field("note").value in ("by phonex", "xby phone")


async def test_a_day_of_receipt_that_was_typed_stays(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="jane@example.com", received="2026-11-18")
        await console.press("escape")
        console.main.session.clock = lambda: clock() + timedelta(days=3)
        await console.press("n")
        await console.until(lambda: console.main.form.display)
        assert console.field("received").value == "2026-11-18"


async def test_a_word_for_the_day_of_receipt_shows_its_date_and_becomes_it(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="jane@example.com", received="wed")
        await console.until(lambda: "= Wed 2026-11-18" in console.line("row-received"))
        await console.press("enter")
        await console.until(lambda: not console.main.form.display)
        assert console.task(FIRST_NEW).received_on == date(2026, 11, 18)


@pytest.mark.parametrize("size", [WIDE, USUAL, (60, 15)])
async def test_a_deletion_that_would_end_too_late_is_filed_by_a_second_enter_alone(
    profile: Profile, size: tuple[int, int]
) -> None:
    async with opened(profile, size=size) as console:
        address = "bye@example.com"
        await console.fill(kind="deletion", email=address, email_again=address, hold="20")
        assert "too late" in console.line("form-outlook")
        assert "f2" in console.line("form-remedy")
        await console.press("enter")
        await console.until(lambda: "enter again submits it late" in " ".join(console.line("form-remedy").split()))
        assert count_tasks(console.store) == len(PAST)
        console.field("note").value = "by phone"
        await console.until(lambda: "submits it late" not in console.text)
        await console.press("enter")
        await console.until(lambda: "again submits it late" in " ".join(console.line("form-remedy").split()))
        await console.submit_form()
        assert count_tasks(console.store) == FIRST_NEW


@pytest.mark.parametrize("received", ["2026-11-18", "2026-01-05"])
async def test_the_warnings_of_a_late_deletion_are_seen_whole_in_a_small_terminal(
    profile: Profile, received: str
) -> None:
    async with opened(profile, size=(60, 15)) as console:
        address = "bye@example.com"
        await console.fill(kind="deletion", email=address, email_again=address, hold="30", received=received)
        form = console.main.form
        outlook, role = form.draft.outlook(TODAY)
        assert role == "warn"
        await console.until(lambda: console.line("form-outlook").strip() == outlook)
        assert console.line("form-remedy").strip()
        await console.press("enter")
        await console.until(lambda: console.line("form-remedy").endswith("enter again submits it late"))
        assert {console.main.query_one(f"#form-{name}").region.height for name in ("outlook", "remedy")} == {1}


@pytest.mark.parametrize(
    ("law", "received"), [("us-in", "2025-12-31"), ("us-de", "2027-01-01"), ("us-ca", "2020-02-02")]
)
async def test_a_doubt_about_the_day_of_receipt_is_seen_whole_in_a_small_terminal(law: str, received: str) -> None:
    draft = Draft(
        kind=Kind.RETRIEVAL, email="", email_again="", received=received, regulation=law, hold="", reason="", note=""
    )
    sentence, role = draft.outlook(date(2027, 1, 1))
    assert (len(sentence) <= 54, role) == (True, "warn")


async def test_a_double_enter_does_not_confirm_a_late_deletion(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_form, "SECOND_ENTER_S", 3600.0)
    async with opened(profile) as console:
        address = "bye@example.com"
        await console.fill(kind="deletion", email=address, email_again=address, hold="20")
        await console.press("enter", "enter")
        await console.until(lambda: "again submits it late" in " ".join(console.line("form-remedy").split()))
        await console.press("enter")
        assert count_tasks(console.store) == len(PAST)
        monkeypatch.setattr(request_form, "SECOND_ENTER_S", 0.0)
        await console.submit_form()
        assert count_tasks(console.store) == FIRST_NEW


async def test_the_draft_of_a_deletion_becomes_a_retrieval_by_the_key_for_one(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("N", *"half@exam", "escape", "n")
        await console.sees("draft restored")
        assert console.main.form.draft.kind == "RETRIEVAL"
        assert console.field("email").value == "half@exam"


async def test_a_kept_deletion_is_confirmed_anew(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_form, "SECOND_ENTER_S", 0.0)
    async with opened(profile) as console:
        address = "bye@example.com"
        await console.fill(kind="deletion", email=address, email_again=address, hold="20")
        await console.press("enter")
        await console.sees("again submits it late")
        await console.press("escape", "N")
        await console.until(lambda: "retype to confirm" in console.line("hint-email_again"))
        await console.press("enter")
        console.field("email_again").value = address
        await console.until(lambda: "✓" in console.line("hint-email_again"))
        await console.press("enter")
        await console.sees("again submits it late")
        assert count_tasks(console.store) == len(PAST)
        await console.submit_form()
        assert count_tasks(console.store) == FIRST_NEW


async def test_an_email_that_is_too_long_is_refused(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email=f"{'a' * 250}@example.com")
        await console.sees("longer than 254 characters")
        await console.press("enter")
        assert console.main.form.display


@pytest.mark.parametrize(
    ("typed", "id"), [("Tex", "us-tx"), ("california", "us-ca"), ("ca", "us-ca"), ("gdpr", "eu-gdpr")]
)
async def test_a_regulation_is_completed_when_its_field_is_left(profile: Profile, typed: str, id: str) -> None:
    async with opened(profile) as console:
        await console.press("n", *"new@example.com", "down", "down", *typed)
        await console.until(lambda: f"{id}, {REGULATIONS[id].title}" in console.line("hint-regulation"))
        await console.press("down")
        await console.until(lambda: console.field("regulation").value == id)
        await console.until(lambda: REGULATIONS[id].citation in console.line("hint-regulation"))
        await console.submit_form()
        assert console.task(FIRST_NEW).regulation == id


async def test_the_form_begins_with_the_regulation_of_the_profile_each_time(profile: Profile) -> None:
    async with opened(replace(profile, regulation="us-or")) as console:
        await console.press("n", *"new@example.com")
        assert console.field("regulation").value == "us-or"
        console.field("regulation").value = "Iowa"
        await console.submit_form()
        await console.do("new")
        assert console.field("regulation").value == "us-or"
        assert console.task(FIRST_NEW).regulation == "us-ia"


@pytest.mark.parametrize(
    ("typed", "hint"), [("new", "which: us-nh, us-nj?"), ("lgpd", "no such regulation"), ("", "needed")]
)
async def test_a_regulation_that_is_not_clear_is_not_guessed(profile: Profile, typed: str, hint: str) -> None:
    async with opened(profile) as console:
        await console.fill(email="new@example.com", regulation=typed)
        await console.press("enter")
        await console.until(lambda: hint in console.line("hint-regulation"))
        assert console.app.focused is console.field("regulation")
        assert count_tasks(console.store) == len(PAST)


async def test_a_receipt_from_before_the_law_is_warned_about(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="new@example.com", received="2025-12-31", regulation="us-in")
        await console.sees("In force from 2026-01-01 only")
        await console.submit_form()
        assert console.task(FIRST_NEW).received_on == date(2025, 12, 31)
        await console.sees("Warning    Indiana, Ind. Code")


async def test_downloads_under_way_leave_their_place_to_the_form_and_to_a_list_alone(profile: Profile) -> None:
    async with opened(profile, size=(60, 15)) as console:
        for number in (1, READY):
            requests.download(console.store, number, "/srv/privacy", "op")
        await console.sees(f"#{READY}")
        await console.press("N")
        await console.sees("Confirm email")
        assert f"#{READY}" not in console.text
        await console.press("escape")
        await console.sees(f"#{READY}")
        await console.pilot.resize_terminal(50, 12)
        await console.until(lambda: console.main.is_list_alone and f"#{READY}" not in console.text)
