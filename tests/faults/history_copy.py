"""A copy of a history under random operations of an operator and an engine, and the service that copies share."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, TypeAlias

from bwp_tui.domain.statuses import FINAL_STATUSES, DeclineReason, Status
from bwp_tui.domain.task import Kind, ServiceEvent, Task, Verification
from bwp_tui.store.commands import answers, decisions, legal_records, requests, undo, work_records
from bwp_tui.store.database.connection import Store, Transaction, as_int
from bwp_tui.store.errors import NoSuchTask, NotPossible
from bwp_tui.store.maintenance import purge
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.timeline import LegalRecord, TaskPart, UndoablePart
from bwp_tui.store.worklog import intent_outcomes, intents, poll_responses, service_events
from tests.manual_clock import ManualClock
from tests.store import single
from tests.store.support import SOON, TODAY, answer, request

_LAWS: Final = ("us-ca", "us-tx", "uk-gdpr", "eu-gdpr")
_LAW_OF_ADOPTED: Final = "us-policy"
_DAYS: Final = 9
"""How many days ago at most a request was received, and something was recorded of it."""

Key: TypeAlias = str
"""The instant at which a request was recorded: no two have the same."""


def key_of(task: Task) -> Key:
    """Return the key of a task's request."""
    return task.recorded_at.isoformat()


class Service:
    """The service: a task for each client token, and what becomes of it."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.statuses: dict[str, str] = {}
        self.requests: dict[str, Task] = {}
        self.starts: dict[Key, list[str]] = {}
        """The client tokens under which each request was started."""
        self.refused: dict[Key, bool] = {}

    def submit(self, task: Task, token: str) -> str:
        """Start the task of a client token, once."""
        if token not in self.ids:
            self.ids[token] = f"{len(self.ids) + 1:08d}-4adf-420d-9a48-255c3028a4b9"
            self.statuses[self.ids[token]] = "ON_HOLD" if task.kind is Kind.DELETION else "IN_PROGRESS"
            self.requests[self.ids[token]] = task
            self.starts.setdefault(key_of(task), []).append(token)
        return self.ids[token]


@dataclass
class Copy:
    """One copy of a history with its operator and its engine."""

    store: Store
    service: Service
    clock: ManualClock
    random: random.Random
    actor: str
    changes: list[tuple[UndoablePart, undo.PartChange]] = field(default_factory=list)

    def act(self) -> None:
        """Do one thing of the operator or of the engine, if it is possible."""
        self._do_one_of(self.intake, *self._ways_on)

    def go_on_with_one(self) -> None:
        """Do one thing of the operator or of the engine but record another request, if it is possible."""
        self._do_one_of(*self._ways_on)

    @property
    def _ways_on(self) -> tuple[Callable[[], object], ...]:
        return (
            *(*3 * (self._edit,), self._task, self._undo, self.send, self.send, self._poll),
            *(self._receive_event, self._ask_or_reply, self._end),
        )

    def _do_one_of(self, *ways: Callable[[], object]) -> None:
        self.clock.advance(seconds=self.random.randint(1, 600))
        with contextlib.suppress(NotPossible, NoSuchTask):
            self.random.choice(ways)()

    def dispute(self) -> None:
        """Do one thing with a request that was declined, or of which the shopper was asked, if it is possible."""
        self.clock.advance(seconds=self.random.randint(1, 600))
        disputed = (
            *4 * (self._go_on_after_decline,),
            *2 * (self._ask_or_reply,),
            self._end,
            self._send_again,
            self.send,
        )
        with contextlib.suppress(NotPossible, NoSuchTask):
            self.random.choice(disputed)()

    def begin_one(self) -> None:
        """Record a request and go on with it for a while."""
        self.intake()
        for _ in range(self.random.randint(0, 8)):
            self.go_on_with_one()

    def begin_disputes(self) -> None:
        """Record requests over which shop and shopper may differ."""
        for law, kind in (("us-tx", Kind.DELETION), ("us-tx", Kind.RETRIEVAL), ("uk-gdpr", Kind.RETRIEVAL)):
            self.clock.advance(seconds=1)
            new = request(kind, f"{law}{kind}@example.com".lower(), regulation=law)
            task = requests.submit(
                self.store, new._replace(received_on=self._day(), awaits_verification=True), self.actor
            )
            single.verify(self.store, task.number, Verification(TODAY, self.actor, "tel"), self.actor)
            if law == "us-tx" and self.random.random() < 0.8:
                single.edit(
                    self.store, task.number, lambda edit: decisions.decline(edit, "fraud", "told"), self.actor, TODAY
                )
                if self.random.random() < 0.5:
                    single.edit(self.store, task.number, lambda edit: decisions.appeal(edit, TODAY), self.actor, TODAY)
            elif law == "uk-gdpr":
                single.inquire(self.store, task.number, TODAY, self.actor)

    def begin_clock(self) -> None:
        """Record a request whose clock stops while the shopper is asked."""
        received_on = TODAY - timedelta(days=_DAYS)
        new = request(Kind.RETRIEVAL, "asked@example.com", regulation="uk-gdpr")._replace(received_on=received_on)
        new = new._replace(awaits_verification=self.random.random() < 0.5)
        task = requests.submit(self.store, new, self.actor)
        if self.random.random() < 0.5:
            single.inquire(self.store, task.number, self._day(), self.actor)

    def stop_clock(self) -> None:
        """Do one thing with a request that stops its clock, or ends that, if it is possible."""
        self.clock.advance(seconds=self.random.randint(1, 600))
        records = (LegalRecord.INQUIRY, LegalRecord.REPLY, LegalRecord.VERIFICATION)
        changes = [(part, change) for part, change in self._edits().items() if part in records]
        with contextlib.suppress(NotPossible, NoSuchTask):
            if self.random.random() < 0.2:
                self._undo()
            elif self.random.random() < 0.2:
                self._withdraw_one_of(records)
            else:
                self._record(*self.random.choice(changes))

    def _withdraw_one_of(self, records: tuple[LegalRecord, ...]) -> None:
        record = self.random.choice(records)
        single.edit(self.store, self._number(), lambda edit: answers.withdraw(edit, record), self.actor, TODAY)

    def begin_hold(self) -> None:
        """Record a deletion, which an engine has most often sent, so that it is on hold."""
        requests.submit(self.store, request(Kind.DELETION, "held@example.com", regulation="us-tx"), self.actor)
        if self.random.random() < 0.8:
            self.send()

    def decide_on_hold(self) -> None:
        """Cancel, decline or repeat a deletion, or let the engine go on, if it is possible."""
        self.clock.advance(seconds=self.random.randint(1, 600))
        pick, send = self.random.choice, self.send
        with contextlib.suppress(NotPossible, NoSuchTask):
            pick((send, send, send, self._cancel_or_repeat, self._cancel_or_repeat, self._decline_or_go_on))()

    def _cancel_or_repeat(self) -> None:
        number = self._number()
        repeat = requests.cannot_resubmit(tasks.get(self.store, number)) is None
        (requests.resubmit if repeat else requests.cancel)(self.store, number, self.actor)

    def _decline_or_go_on(self) -> None:
        number = self._number()
        if tasks.get(self.store, number).status == Status.DECLINED:
            self._go_on_after_decline()
            return
        single.edit(self.store, number, lambda edit: decisions.decline(edit, "fraud", "told"), self.actor, TODAY)

    def _number(self, condition: str = "TRUE") -> int:
        rows = self.store.rows(f"SELECT number FROM tasks WHERE purged_at IS NULL AND {condition}")
        if not rows:
            raise NotPossible("There is no task.")
        return as_int(self.random.choice(rows)[0])

    def intake(self) -> None:
        """Record a request, perhaps one that is not to be sent yet."""
        number = len(self.store.rows("SELECT 1 FROM tasks"))
        kind, law = self.random.choice(list(Kind)), self.random.choice(_LAWS)
        new = request(kind, f"{self.actor}{number}@example.com", regulation=law, note=self._text(), tags=("new",))
        new = new._replace(received_on=self._day(), awaits_verification=self.random.random() < 0.5)
        requests.submit(self.store, new, self.actor)

    def _day(self) -> date:
        return TODAY - timedelta(days=self.random.randint(0, _DAYS))

    def _text(self) -> str:
        return f"{self.actor} {self.random.randint(1, 999)}"

    def _edit(self) -> None:
        edits = self._edits()
        part = self.random.choice(list(edits))
        self._record(part, edits[part])

    def _edits(self) -> dict[UndoablePart, Callable[[work_records.TaskEdit], object]]:
        """Return a change of each part of a task that can be undone."""
        pick, day = self.random.choice, self._day()
        return {
            TaskPart.NOTE: lambda edit: work_records.note(edit, pick(("", self._text())), replace=True),
            TaskPart.TAGS: lambda edit: work_records.tag(
                edit, pick(((), ("a",), ("b",))), pick(((), ("a",), ("new",)))
            ),
            TaskPart.ASSIGNMENT: lambda edit: work_records.assign(edit, pick((None, self._text()))),
            LegalRecord.ACKNOWLEDGEMENT: lambda edit: legal_records.acknowledge(edit, day),
            LegalRecord.VERIFICATION: lambda edit: legal_records.verify(edit, self._text(), on=day),
            LegalRecord.INQUIRY: lambda edit: legal_records.inquire(edit, day),
            LegalRecord.REPLY: lambda edit: legal_records.reply(edit, day),
            LegalRecord.EXTENSION: lambda edit: legal_records.extend(edit, "many"),
            LegalRecord.ANSWER: lambda edit: answers.answer(edit, "by post", day, pick((None, "photos"))),
            LegalRecord.APPEAL: lambda edit: decisions.appeal(edit, *pick(((day,), (None, day, pick((False, True)))))),
            TaskPart.RECEIPT: lambda edit: legal_records.correct(edit, *pick(((day,), (None, pick(_LAWS))))),
        }

    def _record(self, part: UndoablePart, change: Callable[[work_records.TaskEdit], object]) -> None:
        changes: list[undo.PartChange] = []

        def command(transaction: Transaction, store: Store, number: int) -> int:
            change(work_records.TaskEdit(transaction, store, number, self.actor, TODAY))
            return number

        with self.store.write() as transaction:
            undo.with_recorded_values(command, part, changes)(transaction, self.store, self._number())
        self.changes += [(part, recorded) for recorded in changes]

    def _undo(self) -> None:
        if self.changes:
            part, change = self.changes.pop()
            with self.store.write() as transaction:
                undo.undo(part, [change], self.actor)(transaction, self.store, change.number)

    def _task(self) -> None:
        number, pick = self._number(), self.random.choice
        edits: tuple[Callable[[work_records.TaskEdit], object], ...] = (
            lambda edit: answers.withdraw(edit, pick(list(LegalRecord))),
            lambda edit: decisions.decline(edit, pick(list(DeclineReason)), self._text()),
            decisions.withdraw_decline,
        )
        if self.random.random() < 0.4:
            single.edit(self.store, number, pick(edits), self.actor, TODAY)
            return
        pick(
            (
                lambda: requests.send(self.store, number, self.actor),
                lambda: requests.send(self.store, number, self.actor),
                lambda: requests.cancel(self.store, number, self.actor),
                lambda: requests.resubmit(self.store, number, self.actor),
                lambda: decisions.give_up(self.store, number, self._text(), self.actor),
                lambda: self._enter_task_id(number),
                self._track,
                self._purge,
            )
        )()

    def _ask_or_reply(self) -> None:
        """Record an inquiry, a reply, or that an inquiry was none, of a request whose clock stops for it."""
        day, pick = self._day(), self.random.choice
        edits: tuple[Callable[[work_records.TaskEdit], object], ...] = (
            *2 * (lambda edit: legal_records.inquire(edit, day), lambda edit: legal_records.reply(edit, day)),
            lambda edit: answers.withdraw(edit, pick((LegalRecord.INQUIRY, LegalRecord.REPLY))),
        )
        number = self._number("regulation = 'uk-gdpr'")
        single.edit(self.store, number, pick(edits), self.actor, TODAY)

    def _end(self) -> None:
        """Decline, cancel or answer a request, or record the appeal against its decline."""
        number, pick, day = self._number("regulation = 'us-tx'"), self.random.choice, self._day()
        if self.random.random() < 0.25:
            requests.cancel(self.store, number, self.actor)
            return
        edits: tuple[Callable[[work_records.TaskEdit], object], ...] = (
            lambda edit: decisions.decline(edit, pick(list(DeclineReason)), self._text(), day),
            lambda edit: decisions.appeal(edit, TODAY),
            lambda edit: answers.answer(edit, "by post", day),
        )
        single.edit(self.store, number, pick(edits), self.actor, TODAY)

    def _go_on_after_decline(self) -> None:
        """Record an appeal and what becomes of it, or withdraw a decline."""
        number, pick = self._number("status = 'DECLINED'"), self.random.choice
        edits: tuple[Callable[[work_records.TaskEdit], object], ...] = (
            *2 * (lambda edit: decisions.appeal(edit, TODAY), decisions.withdraw_decline),
            *4 * (lambda edit: decisions.appeal(edit, None, TODAY, pick((False, True))),),
            lambda edit: answers.withdraw(edit, LegalRecord.APPEAL),
        )
        single.edit(self.store, number, pick(edits), self.actor, TODAY)

    def _send_again(self) -> None:
        """Send a request whose decline was withdrawn, or resubmit one whose appeal was upheld."""
        number = self._number("(status = 'RECEIVED' OR appeal_upheld = 1)")
        is_received = tasks.get(self.store, number).status == Status.RECEIVED
        (requests.send if is_received else requests.resubmit)(self.store, number, self.actor)

    def _receive_event(self) -> None:
        """Receive the event that a task has ended, most often of one that this copy does not have."""
        known = {task_id for (task_id,) in self.store.rows("SELECT task_id FROM tasks")}
        running = [task_id for task_id, status in self.service.statuses.items() if status != "CANCELLED"]
        unknown = [task_id for task_id in running if task_id not in known]
        if running:
            task_id = self.random.choice(unknown or running)
            status = Status(self.service.statuses[task_id])
            status = status if status in FINAL_STATUSES else self.random.choice((Status.COMPLETED, Status.FAILED))
            self.service.statuses[task_id] = status
            event = ServiceEvent(
                f"{status} {task_id}", self.service.requests[task_id].kind, status, task_id, self.clock()
            )
            service_events.record_events(self.store, [event], regulation=_LAW_OF_ADOPTED)

    def _enter_task_id(self, number: int) -> None:
        tokens = self.service.starts.get(key_of(tasks.get(self.store, number)), [])
        if tokens:
            decisions.enter_task_id(self.store, number, self.service.ids[tokens[-1]], self.actor)

    def _track(self) -> None:
        """Track a task that another copy has sent."""
        if self.service.requests:
            task_id, task = self.random.choice(list(self.service.requests.items()))
            requests.track(self.store, task.kind, task_id, request(task.kind, task.email), self.actor)

    def _purge(self) -> None:
        ended = self.store.rows("SELECT number FROM tasks WHERE terminal = 1 AND open = 0 AND purged_at IS NULL")
        if ended and self.random.random() < 0.3:
            number = as_int(self.random.choice(ended)[0])
            purge.purge(self.store, [number], self.actor, TODAY, evidence_too=False)

    def send(self) -> bool:
        """Send one waiting intent, which may have no response; return whether there was one."""
        due = intents.ready(self.store, self.clock.now + timedelta(days=1), 100)
        if not due:
            return False
        intent = self.random.choice(due)
        assert intent_outcomes.record_sending(self.store, intent.id)
        task = tasks.get(self.store, intent.task_number)
        if intent.action == "cancel":
            self._cancel(intent)
        elif self.service.refused.setdefault(key_of(task), self.random.random() < 0.1):
            intent_outcomes.record_rejected(self.store, intent.id, "BadRequest", "no")
        else:
            task_id = self.service.submit(task, intent.client_token)
            if self.random.random() < 0.8:
                intent_outcomes.record_accepted(self.store, intent.id, task_id, SOON)
            elif self.random.random() < 0.3:
                intent_outcomes.record_unconfirmed(self.store, intent.id)
            else:
                intent_outcomes.reschedule(self.store, intent.id, "no response", self.clock(), never_sent=False)
        return True

    def _cancel(self, intent: intents.Intent) -> None:
        if self.service.statuses[str(intent.task_id)] in ("ON_HOLD", "CANCELLED"):
            self.service.statuses[str(intent.task_id)] = "CANCELLED"
            intent_outcomes.record_cancelled(self.store, intent.id)
        else:
            intent_outcomes.record_cancel_refused(self.store, intent.id, "too late")

    def _poll(self) -> None:
        polled = self.store.rows("SELECT number, task_id FROM tasks WHERE next_poll_at IS NOT NULL")
        for number, task_id in polled:
            before = self.service.statuses[str(task_id)]
            following = {"ON_HOLD": "IN_PROGRESS", "IN_PROGRESS": self.random.choice(("COMPLETED", "FAILED"))}
            after = following.get(before, before) if self.random.random() < 0.3 else before
            self.service.statuses[str(task_id)] = after
            email = self.service.requests[str(task_id)].email
            response = answer(after, email=email, updated_at=self.clock())
            poll_responses.record_responses(self.store, {as_int(number): (response, SOON)})
