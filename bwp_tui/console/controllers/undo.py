"""Undo the last change that the operator made to records or marks."""

from __future__ import annotations

from bwp_tui.console.presentation.format import result_sentence
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.services.record_commands import IrreversibleStep, MarkStep, RecordStep
from bwp_tui.console.workers import run_in_thread_and_report
from bwp_tui.domain.text import counted


class UndoController:
    """Undoes the changes of this session one by one, the last first."""

    def __init__(self, screen: MainScreenProtocol) -> None:
        self._screen = screen

    async def undo(self) -> None:
        """Undo the last change, and say which one that was."""
        steps = self._screen.session.records.steps
        while steps and isinstance(steps[-1], MarkStep) and steps[-1].before == self._screen.table.marks:
            steps.pop()  # the action on the marked tasks has removed these marks already
        if not steps:
            self._screen.show_status("Nothing to undo: only what this session recorded or marked can be undone.")
            return
        step = steps[-1]
        if isinstance(step, IrreversibleStep):
            steps.pop()
            self._screen.show_status(
                f"{step.what} cannot be undone. Press the key again to undo the step before it.", "warn"
            )
        elif isinstance(step, MarkStep):
            steps.pop()
            self._screen.mark(step.before)
            count = len(step.before)
            self._screen.show_status(
                f"{counted(count, 'task')} marked again." if count else "Nothing is marked, as before."
            )
        elif await self._undo(step):
            steps.pop()

    async def _undo(self, step: RecordStep) -> bool:
        records = self._screen.session.records
        results = await run_in_thread_and_report(self._screen, lambda: records.undo(step))
        if results is None:
            return False
        refused = [result.refused for result in results if result.refused]
        back = len(results) - len(refused)
        undone = f"Undone: the {step.field} of {counted(back, 'task')}." if back else ""
        self._screen.show_status(result_sentence(undone, refused), "warn" if refused else "good")
        return True
