"""Tasks under random operations of operators, engines and the service, beside a small model of them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from bwp_tui.domain.statuses import FINAL_STATUSES, STATUSES_AFTER_HOLD
from bwp_tui.domain.task import Kind
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import as_int, as_text
from bwp_tui.store.errors import NotPossible
from bwp_tui.store.queries import tasks
from bwp_tui.store.worklog import intent_outcomes, intents, poll_responses
from tests.manual_clock import ManualClock
from tests.new_history import new_history
from tests.store import single
from tests.store.support import ACTOR, NOW, answer, has_waiting_intent, request, scalar

ANSWERS = st.sampled_from(["IN_PROGRESS", "ON_HOLD", "COMPLETED", "FAILED", "SUSPENDED"])


@dataclass
class _Known:
    """What the model knows of a task."""

    kind: Kind
    has_hold: bool
    status: str = "QUEUED"
    task_id: str | None = None
    may_have_arrived: bool = False
    resubmitted: bool = False
    cancel_asked: bool = False


class LifeOfTasks(RuleBasedStateMachine):
    """Each rule does one thing to the history and to the model; the invariants compare them."""

    numbers = Bundle("numbers")
    under_way = Bundle("under_way")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(NOW)
        self.store = new_history(Path(self._folder.name) / "history.db", clock=self.clock)
        self.store.rows("PRAGMA synchronous = OFF")  # this test is about states, and is to be quick
        self.model: dict[int, _Known] = {}
        self.revision = 0
        self.lines = 0

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    def _later(self) -> timedelta:
        return timedelta(minutes=5)

    @rule(target=numbers, kind=st.sampled_from(Kind), holding_period=st.sampled_from([None, 0, 30]))
    def submit(self, kind: Kind, holding_period: int | None) -> int:
        task = requests.submit(self.store, request(kind, holding_period=holding_period), ACTOR)
        self.model[task.number] = _Known(kind, kind is Kind.DELETION and holding_period != 0)
        return task.number

    @rule(target=under_way)
    def send(self) -> object:
        due = intents.ready(self.store, self.clock(), 1)
        for intent in due:
            assert intent_outcomes.record_sending(self.store, intent.id)
            if intent.action == "submit":
                self.model[intent.task_number].may_have_arrived = True
        return multiple(*((intent.id, intent.task_number, intent.action, intent.attempts == 0) for intent in due))

    @rule(intent=consumes(under_way), never_sent=st.booleans())
    def put_off(self, intent: tuple[int, int, str, bool], never_sent: bool) -> None:
        identity, number, action, first = intent
        settled = not has_waiting_intent(self.store, number)
        intent_outcomes.reschedule(self.store, identity, "no network", self.clock(), never_sent=never_sent)
        if action == "submit" and never_sent and first and not settled:
            ((attempts,),) = self.store.rows("SELECT attempts FROM intents WHERE id = ?", (identity,))
            known = self.model[number]
            known.may_have_arrived = as_int(attempts) > 0
            if known.cancel_asked and not known.may_have_arrived:
                known.status, known.cancel_asked = "CANCELLED", False

    @rule(intent=consumes(under_way))
    def succeed(self, intent: tuple[int, int, str, bool]) -> None:
        identity, number, action, _ = intent
        known = self.model[number]
        if action == "cancel":
            intent_outcomes.record_cancelled(self.store, identity)
            known.status, known.cancel_asked = "CANCELLED", False
        elif known.status != "CANCELLED":
            intent_outcomes.record_accepted(self.store, identity, f"task-{number}", self.clock() + self._later())
            if known.task_id is None:
                task = tasks.get(self.store, number)
                held = task.kind is Kind.DELETION and bool(task.holding_period)
                known.task_id, known.status = f"task-{number}", "ON_HOLD" if held else "IN_PROGRESS"

    @rule(intent=consumes(under_way))
    def refuse(self, intent: tuple[int, int, str, bool]) -> None:
        identity, number, action, _ = intent
        known = self.model[number]
        ((state, attempts),) = self.store.rows("SELECT state, attempts FROM intents WHERE id = ?", (identity,))
        if action == "cancel":
            intent_outcomes.record_cancel_refused(self.store, identity, "not on hold")
            known.cancel_asked = known.cancel_asked and state != "waiting"
        else:
            intent_outcomes.record_rejected(self.store, identity, None, "not valid")
            refused = "REJECTED" if as_int(attempts) == 1 else "UNCONFIRMED"
            known.status = refused if state == "waiting" else known.status
            known.cancel_asked = known.cancel_asked and known.status != "REJECTED"

    @rule(intent=consumes(under_way))
    def lapse(self, intent: tuple[int, int, str, bool]) -> None:
        identity, number, action, _ = intent
        ((state,),) = self.store.rows("SELECT state FROM intents WHERE id = ?", (identity,))
        if action == "submit":
            intent_outcomes.record_unconfirmed(self.store, identity)
            self.model[number].status = "UNCONFIRMED" if state == "waiting" else self.model[number].status

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        known = self.model[number]
        unsent = known.status == "QUEUED" and not known.may_have_arrived
        is_sent = known.status == "QUEUED" and known.may_have_arrived and known.has_hold
        held = known.kind is Kind.DELETION and not known.cancel_asked and (known.status == "ON_HOLD" or is_sent)
        if not unsent and not held:
            with pytest.raises(NotPossible):
                requests.cancel(self.store, number, ACTOR)
            return
        requests.cancel(self.store, number, ACTOR)
        known.status = "CANCELLED" if unsent else known.status
        known.cancel_asked = held

    @rule(number=numbers, status=ANSWERS)
    def answer(self, number: int, status: str) -> None:
        known = self.model[number]
        if known.task_id is not None:
            single.answered(self.store, number, answer(status), self.clock() + self._later())
            known.status = known.status if known.status == "CANCELLED" else status
            known.cancel_asked = known.cancel_asked and known.status not in STATUSES_AFTER_HOLD

    @rule(number=numbers)
    def forget(self, number: int) -> None:
        known = self.model[number]
        if known.task_id is not None:
            poll_responses.record_unknown(self.store, number, "no such task", self.clock() + self._later())
            task = tasks.get(self.store, number)
            assert task.status == known.status or (task.status == "MISSING" and known.status not in FINAL_STATUSES)
            known.status = task.status
            known.cancel_asked = known.cancel_asked and known.status != "MISSING"

    @rule(target=numbers, number=numbers)
    def resubmit(self, number: int) -> object:
        known = self.model[number]
        over = known.status in ("FAILED", "REJECTED", "UNCONFIRMED", "MISSING", "CANCELLED")
        if known.resubmitted or not over or (known.status == "UNCONFIRMED" and known.cancel_asked):
            with pytest.raises(NotPossible):
                requests.resubmit(self.store, number, ACTOR)
            return multiple()
        task = requests.resubmit(self.store, number, ACTOR)
        known.resubmitted = True
        self.model[task.number] = _Known(known.kind, known.has_hold)
        return task.number

    @rule(hours=st.sampled_from([1, 13]))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    @invariant()
    def the_history_holds_what_the_model_holds(self) -> None:
        rows = self.store.rows("SELECT number, status, task_id, cancel_asked, terminal FROM tasks ORDER BY number")
        assert rows == [
            (number, known.status, known.task_id, int(known.cancel_asked), int(known.status in FINAL_STATUSES))
            for number, known in self.model.items()
        ]

    @invariant()
    def the_counts_equal_a_recount(self) -> None:
        recount = self.store.rows("SELECT kind, status, count(*) FROM tasks GROUP BY kind, status")
        counted = {(as_text(kind), as_text(status)): as_int(count) for kind, status, count in recount}
        assert tasks.status_counts(self.store) == counted

    @invariant()
    def no_task_is_forgotten(self) -> None:
        """What has not ended is to be sent, to be asked about, or waits for an operator; no more than one at once."""
        forgotten = self.store.rows(
            "SELECT number FROM tasks t WHERE terminal = 0 AND status <> 'UNCONFIRMED' AND next_poll_at IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM intents WHERE task = t.number AND state = 'waiting')"
        )
        asked_about_without_end = self.store.rows(
            "SELECT number FROM tasks WHERE next_poll_at IS NOT NULL AND (task_id IS NULL OR status = 'MISSING')"
        )
        assert (forgotten, asked_about_without_end) == ([], [])

    @invariant()
    def revisions_and_the_timeline_only_grow(self) -> None:
        revision, lines = self.store.revision(), scalar(self.store, "SELECT count(*) FROM timeline")
        newest = scalar(self.store, "SELECT coalesce(max(revision), 0) FROM tasks")
        assert revision >= max(self.revision, newest)
        assert lines >= self.lines
        self.revision, self.lines = revision, lines


LifeOfTasks.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLifeOfTasks = LifeOfTasks.TestCase
