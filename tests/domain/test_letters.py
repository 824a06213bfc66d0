"""Letters to shoppers: they claim what is recorded, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bwp_tui.console.bindings.actions import LETTER_KINDS
from bwp_tui.domain.deadlines import statutory_due_date
from bwp_tui.domain.letters import (
    BUILT_IN_TEMPLATES,
    PLACEHOLDERS,
    LetterContext,
    LetterKind,
    cannot_write,
    fill,
    fitting_kind,
    format_date,
    missing_value,
    remarks,
    template_mistakes,
    template_name,
    values_of,
)
from bwp_tui.domain.regulations import IDS, REGULATIONS
from bwp_tui.domain.statuses import DeclineReason, Status
from bwp_tui.domain.task import ADOPTED, Kind, Task, Verification
from tests.plain_task import plain_task

TODAY = date(2026, 11, 29)
RECEIVED = date(2026, 11, 9)
FACTS = LetterContext(TODAY, "anna", "Acme Shop", "many requests came at once")
TASK = plain_task(17, datetime(2026, 11, 9, 12, tzinfo=UTC))._replace(
    task_id="3556a10a-0001",
    email="jane@example.com",
    note="called twice",
    received_on=RECEIVED,
    regulation="us-tx",
    due_on=date(2026, 12, 24),
    updated_at=None,
)
COMPLETED = TASK._replace(status=Status.COMPLETED, finished_at=datetime(2026, 11, 20, 12, tzinfo=UTC), is_final=True)
DELETED = COMPLETED._replace(kind=Kind.DELETION)
DECLINED = TASK._replace(
    status=Status.DECLINED,
    declined_on=date(2026, 11, 12),
    decline_reason="not_verified",
    decline_text="no order is known",
)
APPEALED = DECLINED._replace(appealed_on=date(2026, 11, 16), due_on=date(2027, 1, 15))
EXTENDED = TASK._replace(extended_on=TODAY, due_on=date(2027, 2, 7))
LETTERS_AND_TASKS = [
    (LetterKind.ACKNOWLEDGEMENT, TASK),
    (LetterKind.EXTENSION, EXTENDED),
    (LetterKind.ANSWER, COMPLETED),
    (LetterKind.ANSWER, DELETED),
    (LetterKind.DECLINE, DECLINED),
]


def letter(kind: LetterKind, task: Task, facts: LetterContext = FACTS) -> str:
    """The built-in letter about a task."""
    assert cannot_write(kind, task) is None
    return fill(BUILT_IN_TEMPLATES[template_name(kind, task)], values_of(kind, task, facts))


@pytest.mark.parametrize("regulation", IDS)
@pytest.mark.parametrize(("kind", "task"), LETTERS_AND_TASKS)
def test_each_letter_is_whole_and_cites_the_law_with_the_dates(kind: LetterKind, task: Task, regulation: str) -> None:
    law, due = REGULATIONS[regulation], statutory_due_date(regulation, RECEIVED)
    text = letter(kind, task._replace(regulation=regulation, due_on=due))
    assert "$" not in text
    assert "None" not in text
    assert "\n\n\n" not in text
    day, _greeting, *paragraphs, end = text.split("\n\n")
    assert (day, end) == ("November 29, 2026", "Kind regards,\nAcme Shop\n")
    assert all(paragraph[0].isupper() and paragraph[-1] == "." for paragraph in paragraphs)
    assert all(fact in text for fact in ("November 9, 2026", "jane@example.com", "#17"))
    if law.citation and regulation != "us-policy":
        assert f"({law.title}, {law.citation})" in text
    if due is not None and kind in (LetterKind.ACKNOWLEDGEMENT, LetterKind.EXTENSION):
        assert (format_date(due) or "") in text


def test_the_letters_say_what_was_recorded() -> None:
    assert "we need more time" in letter(LetterKind.EXTENSION, EXTENDED)
    assert "The reason: many requests came at once." in letter(LetterKind.EXTENSION, EXTENDED)
    assert "by February 7, 2027" in letter(LetterKind.EXTENSION, EXTENDED)
    assert "completed on November 20, 2026" in letter(LetterKind.ANSWER, DELETED)
    assert "delet" not in letter(LetterKind.ANSWER, COMPLETED)
    verified = TASK._replace(verification=Verification(date(2026, 11, 10), "anna", "passport 123"))
    text = letter(LetterKind.ACKNOWLEDGEMENT, verified)
    assert "confirmed on November 10, 2026 that the request comes from you" in text
    assert "passport" not in text
    assert "confirmed" not in letter(LetterKind.ACKNOWLEDGEMENT, TASK)


def test_a_letter_asks_for_the_reply_that_is_awaited() -> None:
    asked = TASK._replace(inquired_on=date(2026, 11, 12))
    text = letter(LetterKind.ACKNOWLEDGEMENT, asked)
    assert "On November 12, 2026 we asked you for more information" in text
    assert "by December 24, 2026" in text
    stopped = letter(LetterKind.ACKNOWLEDGEMENT, asked._replace(regulation="uk-gdpr", due_on=None))
    assert "the time until your reply does not count" in stopped
    assert "asked you" not in letter(LetterKind.ACKNOWLEDGEMENT, asked._replace(replied_on=TODAY))


def test_an_answer_in_part_says_what_it_leaves_out() -> None:
    partly = COMPLETED._replace(answered_on=TODAY, answered_in_part="order 5, as it concerns others")
    assert "leaves something out: order 5, as it concerns others." in letter(LetterKind.ANSWER, partly)
    assert "leaves" not in letter(LetterKind.ANSWER, COMPLETED)


def test_a_decline_gives_reason_text_and_the_way_to_appeal_where_the_law_has_one() -> None:
    texts = {
        reason: letter(LetterKind.DECLINE, DECLINED._replace(decline_reason=reason.value)) for reason in DeclineReason
    }
    assert len(set(texts.values())) == len(DeclineReason)
    assert "because we could not verify that it comes from" in texts[DeclineReason.NOT_VERIFIED]
    assert "it was withdrawn" in texts[DeclineReason.WITHDRAWN]
    for reason, text in texts.items():
        assert "\nNo order is known.\n" in text
        assert ("appeal this decision" in text) == ("within 60 days" in text) == (reason != DeclineReason.WITHDRAWN)
    complaints = {law: letter(LetterKind.DECLINE, DECLINED._replace(regulation=law)) for law in ("eu-gdpr", "us-ca")}
    assert "lodge a complaint" in complaints["eu-gdpr"]
    assert not any("appeal" in text for text in complaints.values())
    assert "apologize" not in letter(LetterKind.DECLINE, DECLINED)
    assert "apologize" in letter(LetterKind.DECLINE, DECLINED._replace(due_on=date(2026, 11, 11)))
    late = APPEALED._replace(received_on=date(2026, 9, 1))  # due on October 16; the appeal has a date of its own
    assert "was due on October 16, 2026, and we apologize" in letter(LetterKind.DECLINE, late)
    assert "apologize" not in letter(LetterKind.DECLINE, APPEALED)


def test_the_letter_of_a_decline_offers_no_second_appeal_and_ends_with_one_that_was_granted() -> None:
    over = APPEALED._replace(appeal_answered_on=TODAY, is_appeal_upheld=False)
    assert not any("You can appeal" in letter(LetterKind.DECLINE, task) for task in (APPEALED, over))
    assert cannot_write(LetterKind.DECLINE, over) is None
    assert cannot_write(LetterKind.DECLINE, over._replace(is_appeal_upheld=True))


def test_an_appeal_is_promised_an_answer_and_then_given_one() -> None:
    text = letter(LetterKind.APPEAL, APPEALED)
    assert "On November 16, 2026 we received your appeal against our decision of November 12, 2026" in text
    assert "expect our answer to it by January 15, 2027" in text
    late = letter(LetterKind.APPEAL, APPEALED, FACTS._replace(today=date(2027, 1, 16)))
    assert "was due on January 15, 2027. We apologize" in late
    answered = APPEALED._replace(appeal_answered_on=TODAY, is_appeal_upheld=False)
    denied = letter(LetterKind.APPEAL, answered)
    assert "it stands. We cannot comply with your request, because we could not verify" in denied
    assert "the attorney general of Texas" in denied
    granted = letter(LetterKind.APPEAL, answered._replace(is_appeal_upheld=True))
    assert "Your appeal is granted" in granted
    assert "attorney" not in granted


def test_a_late_letter_promises_no_day_in_the_past() -> None:
    late = TASK._replace(due_on=date(2026, 11, 28))
    assert "was due on November 28, 2026. We apologize" in letter(LetterKind.ACKNOWLEDGEMENT, late)
    assert "expect" not in letter(LetterKind.ACKNOWLEDGEMENT, late)
    answered = COMPLETED._replace(due_on=date(2026, 11, 28))
    assert "was due on November 28, 2026, and we apologize" in letter(LetterKind.ANSWER, answered)
    in_time = answered._replace(answered_on=date(2026, 11, 28))
    assert "apologize" not in letter(LetterKind.ANSWER, in_time)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("status", Status)
def test_only_what_is_completed_is_answered(kind: Kind, status: Status) -> None:
    task = COMPLETED._replace(kind=kind, status=status)
    assert (cannot_write(LetterKind.ANSWER, task) is None) == (status == Status.COMPLETED)
    assert values_of(LetterKind.ANSWER, task, FACTS)["completed_on"] == (
        "November 20, 2026" if status == Status.COMPLETED else None
    )


@pytest.mark.parametrize(
    ("kind", "task", "words"),
    [
        (LetterKind.EXTENSION, TASK, "No extension of 3556a10a is recorded"),
        (LetterKind.ACKNOWLEDGEMENT, COMPLETED._replace(answered_on=TODAY), "was answered on 2026-11-29"),
        (LetterKind.EXTENSION, EXTENDED._replace(answered_on=TODAY), "was answered on 2026-11-29"),
        (LetterKind.ACKNOWLEDGEMENT, TASK._replace(status=Status.CANCELLED), "is CANCELLED"),
        (LetterKind.DECLINE, TASK, "No decline of 3556a10a is recorded"),
        (LetterKind.DECLINE, DECLINED._replace(status=Status.ON_HOLD), "comes into effect once it is cancelled"),
        (
            LetterKind.DECLINE,
            DECLINED._replace(is_appeal_upheld=True, resubmitted_as=18, was_resubmitted=True),
            "is the one of the appeal",
        ),
        (LetterKind.APPEAL, DECLINED, "No appeal of 3556a10a is recorded"),
        (LetterKind.ACKNOWLEDGEMENT, APPEALED, "was declined"),
        (LetterKind.EXTENSION, APPEALED._replace(extended_on=RECEIVED), "was declined"),
        (LetterKind.ANSWER, DECLINED, "is DECLINED"),
        *((kind, DELETED._replace(purged_at=datetime(2026, 11, 29, tzinfo=UTC)), "was purged") for kind in LetterKind),
        *(
            (kind, DELETED._replace(resubmitted_as=18, was_resubmitted=True), "was resubmitted as #18")
            for kind in LetterKind
        ),
    ],
)
def test_a_letter_that_would_claim_too_much_is_refused(kind: LetterKind, task: Task, words: str) -> None:
    assert words in (cannot_write(kind, task) or "")


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        (TASK, LetterKind.ACKNOWLEDGEMENT),
        (TASK._replace(status=Status.FAILED), LetterKind.ACKNOWLEDGEMENT),
        (EXTENDED, LetterKind.EXTENSION),
        (COMPLETED, LetterKind.ANSWER),
        (DELETED._replace(extended_on=TODAY), LetterKind.ANSWER),
        (DECLINED, LetterKind.DECLINE),
        (APPEALED, LetterKind.APPEAL),
    ],
)
def test_the_letter_that_fits_the_state_comes_first(task: Task, kind: LetterKind) -> None:
    assert fitting_kind(task) is kind


def test_foreign_text_is_cleaned_and_never_read_as_a_template() -> None:
    hostile = TASK._replace(email="a\x1b]52;c;x\x07@b.example", note="$email\n\n$$ \u202eevil")
    text = fill("$email|$note|$$\x07", values_of(LetterKind.ACKNOWLEDGEMENT, hostile, FACTS))
    assert text == "a\\x1b]52;c;x\\x07@b.example|$email $$ \\u202eevil|$\\x07\n"


def test_a_value_that_is_not_known_is_named() -> None:
    values = values_of(LetterKind.ACKNOWLEDGEMENT, TASK._replace(email="", due_on=None, note=""), FACTS)
    assert set(values) == set(PLACEHOLDERS)
    assert missing_value("$shop_name $email", values) == "email"
    assert missing_value("${due_on}", values) == "due_on"
    assert missing_value("$note", values) == "note"
    assert missing_value("$today $deadline $basis", values) is None


def test_mistakes_in_a_template_are_named_with_their_line_and_what_exists() -> None:
    assert [*template_mistakes("$today\nfor ${emial}, 5 $ and $Today")] == [
        f"line 2: $emial is no placeholder; did you mean email? There are {', '.join(PLACEHOLDERS)}.",
        "line 2: a dollar sign alone is written $$.",
        f"line 2: $Today is no placeholder; did you mean today? There are {', '.join(PLACEHOLDERS)}.",
    ]
    assert [mistake for text in BUILT_IN_TEMPLATES.values() for mistake in template_mistakes(text)] == []


def test_what_is_to_be_checked_before_a_letter_is_sent_is_said() -> None:
    assert remarks(LetterKind.ACKNOWLEDGEMENT, TASK, FACTS) == ()
    assert len(remarks(LetterKind.ACKNOWLEDGEMENT, TASK._replace(tags=(ADOPTED,)), FACTS)) == 1
    bare = " ".join(remarks(LetterKind.ANSWER, COMPLETED._replace(regulation="us-ca"), FACTS._replace(shop_name=None)))
    assert "shop_name" in bare
    assert "not downloaded" in bare
    assert "No verification" in bare
    assert "§7021" in bare
    assert "downloaded" not in " ".join(remarks(LetterKind.ANSWER, DELETED, FACTS))
    assert "unsure of Texas: days of an appeal" in " ".join(remarks(LetterKind.DECLINE, DECLINED, FACTS))


def test_a_day_that_the_service_may_miss_is_named_beside_a_letter_that_promises_it() -> None:
    held = TASK._replace(kind=Kind.DELETION, status=Status.ON_HOLD, holding_period=20)
    warned = [kind for kind in LetterKind if "is due 2026-12-24, but the" in " ".join(remarks(kind, held, FACTS))]
    assert warned == [LetterKind.ACKNOWLEDGEMENT, LetterKind.EXTENSION]
    assert "may take until 2026-12-29." in " ".join(remarks(LetterKind.ACKNOWLEDGEMENT, held, FACTS))
    for other in (held._replace(due_on=date(2026, 11, 28)), held._replace(due_on=None), TASK, COMPLETED):
        assert remarks(LetterKind.ACKNOWLEDGEMENT, other, FACTS) == ()


@pytest.mark.parametrize("was_resubmitted", [False, True])
def test_a_granted_appeal_reminds_of_the_resubmission_until_it_is_made(was_resubmitted: bool) -> None:
    granted = DECLINED._replace(is_appeal_upheld=True, was_resubmitted=was_resubmitted)
    assert ("resubmit" in " ".join(remarks(LetterKind.APPEAL, granted, FACTS))) is not was_resubmitted


def test_the_console_knows_the_letters() -> None:
    assert tuple(LetterKind) == LETTER_KINDS
