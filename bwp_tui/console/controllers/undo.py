"""Undo the last change that the operator made to records or marks."""

from __future__ import annotations

from collections import deque

from bwp_tui.console.background import run_in_thread_and_report
from bwp_tui.console.presentation.format import result_sentence
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.store_access.task_commands import IrreversibleStep, MarkStep, RecordStep, Step
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import counted
from bwp_tui.store.commands.answers import records_of
from bwp_tui.store.queries.timeline import TaskPart, UndoablePart


async def undo(screen: MainScreenProtocol) -> None:
    """Undo the last change of this session, and say which one that was."""
    steps = _steps(screen)
    if not steps:
        screen.show_status(
            "Nothing to undo: only what was recorded or marked since this shop was opened can be undone."
        )
        return
    step = steps[-1]
    if isinstance(step, IrreversibleStep):
        steps.pop()
        left = _left_to_withdraw(screen, step)
        where = f"#{left[0]}" if len(left) == 1 else f"each of {len(left)}"  # the list may not show it any more
        instead = f"; {screen.session.keymap.key('withdraw')} on {where} withdraws it" if left else ""
        before = _steps(screen)
        can_go_on = before and not isinstance(before[-1], IrreversibleStep)
        again = " Press the key again for the step before it." if can_go_on else ""
        screen.show_status(f"{step.what} cannot be undone{instead}.{again}", "warn")
    elif isinstance(step, MarkStep):
        steps.pop()
        listed = step.before.intersection(screen.table.numbers) if screen.has_all_rows else step.before
        screen.mark(listed)
        was = counted(len(step.before), "task")
        if listed == step.before:
            sentence = f"{was} marked, as before." if listed else "Nothing is marked, as before."
        else:
            sentence = f"Marked before: {was}; now: {len(listed)}, since the list does not show the others."
        screen.show_status(sentence)
    elif await _undo_records(screen, step):
        steps.pop()


def _steps(screen: MainScreenProtocol) -> deque[Step]:
    """Return the steps of this session, without last ones that would change nothing."""
    steps = screen.session.task_commands.steps
    while steps and isinstance(steps[-1], MarkStep) and steps[-1].before == screen.table.marks:
        steps.pop()  # the action on the marked tasks has removed these marks already
    return steps


def _left_to_withdraw(screen: MainScreenProtocol, step: IrreversibleStep) -> list[int]:
    """Return the numbers of the tasks from which what a step did can still be withdrawn."""
    withdrawal, session = step.withdrawal, screen.session
    if withdrawal is None:
        return []
    done = session.reader.by_numbers(step.numbers)
    return [task.number for task in done if withdrawal.disabled_reason(task, session.today()) is None]


async def _undo_records(screen: MainScreenProtocol, step: RecordStep) -> bool:
    results = await run_in_thread_and_report(screen, lambda: screen.session.task_commands.undo(step))
    if results is None:
        return False
    refused = [result.refused for result in results if result.refused]
    undone = [result.id for result in results if not result.refused]
    of_tasks = f"#{undone[0]}" if len(undone) == 1 else counted(len(undone), "task")
    is_recorded = all(_is_recorded(step.part, task) for task in screen.session.reader.by_numbers(undone))
    what = f"{'last change of the ' if is_recorded else ''}{step.noun}"
    sentence = f"Undone: the {what} of {of_tasks}." if undone else ""
    screen.show_status(result_sentence(sentence, refused), "warn" if refused else "good")
    return True


def _is_recorded(part: UndoablePart, task: Task) -> bool:
    """Return whether a task has a record: its correction or withdrawal was undone, and not its making."""
    return part is TaskPart.RECEIPT or part in records_of(task)
