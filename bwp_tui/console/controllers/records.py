"""What an operator records about the task under the cursor, or the marked ones: a question, a row each, a sentence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from bwp_tui.console.controllers import prompts
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.tab_completion import InputError
from bwp_tui.console.workers import Work
from bwp_tui.console.write_worker import run_in_thread_and_report
from bwp_tui.domain.deadlines import REGULATIONS, acknowledge_by, due_on, extend_by
from bwp_tui.domain.filter import NOBODY
from bwp_tui.domain.tags import tag_error
from bwp_tui.domain.task import WATCHED, Task
from bwp_tui.store.commands.bulk import Result
from bwp_tui.store.commands.bulk_plan import BulkPlan
from bwp_tui.store.commands.records import (
    LegalRecord,
    cannot_correct,
    cannot_withdraw,
    corrected_due,
    extended_due,
    records_of,
)

Asking = dict[str, Work]
"""By an action's name, what asks the operator and carries it out."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The tasks that are meant: one under the cursor, or marked ones with the plan for them."""

    numbers: tuple[int, ...]
    words: str
    task: Task | None
    plan: BulkPlan | None


class RecordController:
    """Carries out the actions that are kept in the history.

    Attributes:
        of_one: those for the task under the cursor alone.
        of_any: those that are done to the marked tasks where there are some.
    """

    def __init__(self, stage: MainScreenProtocol, marked: MarkedTasks) -> None:
        self._stage = stage
        self._marked = marked
        self.of_one: Asking = {"adopt": self._adopt, "give_up": self._give_up}
        self.of_any: Asking = {
            "watch": self._watch,
            "note": self._note,
            "tag": self._tag,
            "assign": self._assign,
            "verify": self._verify,
            "acknowledge": self._acknowledge,
            "extend": self._extend,
            "correct": self.correct,
            "withdraw": self.withdraw,
        }

    async def _adopt(self) -> None:
        task = self._stage.current_task
        if task is None:
            return
        task_id = await self._stage.prompt.ask_text(f"The service's task id of {task.name}:")
        if task_id:
            await run_in_thread_and_report(self._stage, lambda: self._stage.session.tasks.adopt(task, task_id.strip()))

    async def _give_up(self) -> None:
        task = self._stage.current_task
        if task is None:
            return
        reason = await self._stage.prompt.ask_text(f"Why is {task.name} given up?")
        if reason:
            await run_in_thread_and_report(self._stage, lambda: self._stage.session.tasks.give_up(task, reason))

    async def _watch(self) -> None:
        """Watch, without a question; what is watched already is watched no longer."""
        session, task = self._stage.session, self._stage.current_task
        if self._marked.all:
            found = await asyncio.to_thread(session.queries.tasks_in, self._marked.numbers)
            if all(WATCHED in one.tags for one in found):
                numbers = [one.number for one in found]
                await self._marked.carry_out(
                    lambda count: f"{count} watched no longer", lambda: session.records.watch(numbers, on=False)
                )
            elif (plan := await self._marked.planned("watch")) is not None:
                await self._marked.carry_out(
                    lambda count: f"{plan.describe_result(count)}{plan.skipped_count}",
                    lambda: session.records.watch(plan.possible, on=True),
                )
        elif task is not None:
            on = WATCHED not in task.tags
            said = f"{task.name} is watched: a notice when it ends." if on else f"{task.name} is watched no longer."
            meant = _Target((task.number,), task.name, task, None)
            await self._record(meant, lambda: session.records.watch(meant.numbers, on=on), "", said)

    async def _note(self) -> None:
        meant, records = await self._target("note"), self._stage.session.records
        if meant is None:
            return
        text = await self._stage.prompt.ask_text(f"Note on {meant.words}:", meant.task.note if meant.task else "")
        if text is not None and (meant.task or text.strip()):
            keep = records.replace_note if meant.task else records.add_note
            said = f"The note of {meant.words} is {'kept' if text.strip() else 'removed'}."
            await self._record(meant, lambda: keep(meant.numbers, text), "noted", said)

    async def _tag(self) -> None:
        meant, records = await self._target("tag"), self._stage.session.records
        if meant is None:
            return
        before = [tag for tag in meant.task.tags if tag != WATCHED] if meant.task else []
        question = f"Tags on {meant.words} (+vip -old{'; without + or -, these replace all' if before else ''}):"
        text = await self._stage.prompt.ask_text(
            question, "".join(f"{tag} " for tag in before), checked=_mistake_in_tags
        )
        add, remove = tags_of(text or "")
        if not is_change(text or ""):
            remove += [tag for tag in before if tag not in add]
        add = [tag for tag in add if tag not in remove]
        if text is not None and (add or remove):
            said = f"The tags of {meant.words} are {'kept' if add else 'removed'}."
            await self._record(meant, lambda: records.tag(meant.numbers, add, remove), "tagged", said)

    async def _assign(self) -> None:
        meant, records = await self._target("assign"), self._stage.session.records
        if meant is None:
            return
        before = meant.task.assigned_to if meant.task else None
        answer = await self._stage.prompt.ask_text(f"Who has {meant.words} in hand (empty for nobody):", before or "")
        if answer is not None:
            name = answer.strip()
            who = None if not name or name.casefold() == NOBODY else name
            said = f"{meant.words} is in {'the hands of ' + who if who else 'no hands'}."
            await self._record(meant, lambda: records.assign(meant.numbers, who), "assigned", said)

    async def _verify(self) -> None:
        meant, records = await self._target("verify"), self._stage.session.records
        if meant is None:
            return
        found = await prompts.ask_verification(self._stage, meant.words)
        if found is not None and await self._agreed("verify", meant):
            said = f"The verification of {meant.words} is recorded."
            await self._record(meant, lambda: records.verify(meant.numbers, found), "verified", said)

    async def _acknowledge(self) -> None:
        meant, records = await self._target("acknowledge"), self._stage.session.records
        if meant is None:
            return
        question = f"Receipt of {meant.words} confirmed to the shopper{_confirm_by(meant.task)}, on:"
        on = await prompts.ask_past_day(self._stage, question)
        if on is not None and await self._agreed("acknowledge", meant):
            said = f"{meant.words}: receipt confirmed on {on}, recorded."
            await self._record(meant, lambda: records.acknowledge(meant.numbers, on), "acknowledged", said)

    async def _extend(self) -> None:
        meant, session = await self._target("extend"), self._stage.session
        if meant is None:
            return
        question = f"Extend {meant.words}{_new_due(meant)}. Reason the shopper is told:"
        reason = await self._stage.prompt.ask_text(question)
        if not reason or not reason.strip():
            self._stage.show_status("" if reason is None else "Nothing was done: an extension needs a reason.", "warn")
        elif await self._agreed("extend", meant):
            today = session.today()
            said = f"{meant.words} is now due on {extended_due(meant.task) if meant.task else None}."
            await self._record(meant, lambda: session.records.extend(meant.numbers, reason, today), "extended", said)

    async def withdraw(self, record: LegalRecord | None = None) -> None:
        """Withdraw a record, of which there is asked where it is None."""
        task, records = self._stage.current_task, self._stage.session.records
        there = tuple(LegalRecord) if self._marked.all or task is None else records_of(task)
        if record is None and len(there) > 1:
            keys = {key: one.value for key, one in _RECORD_KEYS.items() if one in there}
            pressed = await self._stage.prompt.ask_key("Withdraw:", keys)
            record = None if pressed is None else _RECORD_KEYS[pressed]
        elif record is None and there:
            record = there[0]
        if record is None or (meant := await self._target(f"withdraw {record}")) is None:
            return
        if meant.task is not None and (why_not := cannot_withdraw(meant.task, record)):
            self._stage.show_status(why_not, "warn")
        elif await self._agreed(f"withdraw {record}", meant, _withdrawal(meant.task, record)):
            said = f"The {record} of {meant.words} is withdrawn; its timeline keeps it."
            await self._record(meant, lambda: records.withdraw(meant.numbers, record), "withdrawn", said)

    async def correct(self, received_on: date | None = None, regulation: str | None = None) -> None:
        """Correct the day of receipt or the law; both are asked for where neither is given."""
        meant, records = await self._target("correct"), self._stage.session.records
        if meant is None:
            return
        if received_on is None and regulation is None:
            given = await prompts.receipt(self._stage, meant.words, meant.task)
            if given is None:
                return
            received_on, regulation = given
        task, question = meant.task, ""
        if task is not None:
            day, law = received_on or task.received_on, regulation or task.regulation
            if why_not := cannot_correct(task, day, law):
                self._stage.show_status(why_not, "warn")
                return
            due = f"due {task.due_on or 'never'} → {corrected_due(task, day, law) or 'never'}"
            question = f"{task.name}: received {day} under {law}, {due}. Correct it?"
        if await self._agreed("correct", meant, question):
            said = f"Receipt and law of {meant.words} are corrected; its timeline keeps what was."
            await self._record(
                meant, lambda: records.correct(meant.numbers, received_on, regulation), "corrected", said
            )

    async def _agreed(self, action: str, meant: _Target, question: str = "") -> bool:
        """Have the plan for marked tasks confirmed, and of a single task `question` where there is one."""
        if meant.plan is not None:
            return await self._marked.confirmed(action, meant.plan) is True
        return not question or await self._stage.prompt.ask_yes_no(question)

    async def _target(self, action: str) -> _Target | None:
        """Return what an action is to be done to; where that is nothing, say why."""
        if self._marked.all:
            plan = await self._marked.planned(action)
            return (
                None
                if plan is None
                else _Target(plan.possible, _these(plan, self._marked.not_listed(plan.possible)), None, plan)
            )
        task = self._stage.current_task
        return None if task is None else _Target((task.number,), task.name, task, None)

    async def _record(self, meant: _Target, act: Callable[[], list[Result]], done: str, describe: str) -> None:
        """Write it; say `describe` of a single task, or of marked ones how many were `done`."""
        if meant.task is None:
            await self._marked.carry_out(lambda count: f"{count} {done}", act)
            return
        results = await run_in_thread_and_report(self._stage, act)
        if results is not None:
            refused = results[0].refused
            self._stage.show_status(refused or describe, "bad" if refused else "plain")


_RECORD_KEYS: Final = {
    "A": LegalRecord.ACKNOWLEDGEMENT,
    "c": LegalRecord.VERIFICATION,
    "E": LegalRecord.EXTENSION,
}


def _withdrawal(task: Task | None, record: LegalRecord) -> str:
    """Return the question whether a record of a single task is withdrawn, and what moves."""
    if task is None:
        return ""
    dates = {
        LegalRecord.ACKNOWLEDGEMENT: task.acknowledged_on,
        LegalRecord.VERIFICATION: task.verified.on if task.verified else None,
        LegalRecord.EXTENSION: task.extended_on,
    }
    back = due_on(task.regulation, task.received_on) if record is LegalRecord.EXTENSION else None
    moves = f" It is then due on {back}, not {task.due_on}." if back else ""
    return f"Withdraw the {record} of {task.name}, recorded for {dates[record]}?{moves}"


def _confirm_by(task: Task | None) -> str:
    if task is not None and task.acknowledged_on is not None:
        return f" (recorded: {task.acknowledged_on}; another day corrects it)"
    limit = acknowledge_by(task.regulation, task.received_on) if task else None
    return f" (by {limit})" if limit else ""


def _these(plan: BulkPlan, not_listed: str) -> str:
    """Return what a question calls the tasks of a plan: `these 7 (1 skipped: 1 acknowledged already)`."""
    count = len(plan.possible)
    left_out = ", ".join(filter(None, (plan.skipped_count.removeprefix(", "), not_listed)))
    words = "the marked one" if count == 1 else f"these {count}"
    return f"{words} ({left_out})" if left_out else words


def _new_due(meant: _Target) -> str:
    """Return until when tasks are extended, and by when the shopper of a single one must know."""
    task = meant.task
    if task is None:
        return meant.plan.until if meant.plan else ""
    title = REGULATIONS[task.regulation].title
    return f" to {extended_due(task)} ({title}, tell by {extend_by(task.regulation, task.received_on)})"


def _mistake_in_tags(text: str) -> InputError | None:
    for word in re.finditer(r"[^\s,]+", text):
        # One that an earlier program took can still be removed.
        removes = word.group().startswith("-") and len(word.group()) > 1
        why_not = None if removes else tag_error(word.group())
        if why_not:
            return InputError(why_not, *word.span())
    return None


def is_change(text: str) -> bool:
    """Say whether a text of tags changes those that are there, rather than being all of them."""
    words = text.replace(",", " ").split()
    return bool(words) and all(word.startswith(("+", "-")) for word in words)


def tags_of(text: str) -> tuple[list[str], list[str]]:
    """Return the tags that `+vip -old third` adds and removes; a bare word adds."""
    words = text.replace(",", " ").split()
    add = [word.removeprefix("+") for word in words if not word.startswith("-")]
    remove = [word[1:] for word in words if word.startswith("-")]
    return [word for word in add if word], [word for word in remove if word]
