"""The output of a command line that runs in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bwp_tui.console.background import run_in_background
from bwp_tui.console.bindings.actions import Scope
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.screens.front_screens import TEXT_MARGIN, SearchedScreen
from bwp_tui.console.store_access.command_process import INTERRUPTED, MAX_LINES, CommandProcess
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.masking import redact
from bwp_tui.domain.text import clean_line, counted

_REDRAW_S: Final = 0.1
_STATES: Final[dict[int | None, StyledText]] = {
    None: ("running", "busy"),
    0: ("done", "good"),
    INTERRUPTED: ("interrupted", "warn"),
}
"""States of a command by its exit code, which is None while it runs."""


class OutputScreen(SearchedScreen):
    """Shows what a program of the operator has written, with emails masked as on the other screens."""

    scope = Scope.OUTPUT

    def __init__(self, main: MainScreenProtocol, title: str = "", output: str = "") -> None:
        super().__init__(main.session)
        self._main = main
        self._title = title
        self._output = output
        self.handlers |= {
            "copy": self._copy,
            "pager": self._page,
            "mask": self._toggle_mask,
        }

    def on_mount(self) -> None:
        self._show()

    @property
    def _lines(self) -> Sequence[str]:
        """The lines of the output, as they were written but for masked emails."""
        return self._masked(self._output).splitlines()

    def _show(self) -> None:
        lines = self._lines
        self.query_one(Heading).set_text([(self._title, "strong")], counted(len(lines), "line"))
        self._show_lines([[(line, "plain")] for line in lines])

    async def _copy(self) -> None:
        by = await self.copied("\n".join(self._lines))
        self.show_status(f"The output{', emails masked' if self.session.masked else ''}: {by}.")

    async def _page(self) -> None:
        from bwp_tui.console.controllers.external_programs import page_text  # rarely used

        await page_text(self, "\n".join(self._lines))

    def _show_lines(self, lines: Sequence[Sequence[StyledText]]) -> None:
        self.query_one(Paragraphs).set_lines(lines)
        self.finder.update()
        self.update_footer()

    def _masked(self, text: str) -> str:
        return redact(text, emails=True) if self.session.masked else text

    def _toggle_mask(self) -> None:
        self._main.set_masked(not self.session.masked)
        self._show()


class CommandOutputScreen(OutputScreen):
    """Runs a command line, shows what it prints, and asks what it asks.

    Args:
        words: the line without the name of the program.
    """

    def __init__(self, main: MainScreenProtocol, words: Sequence[str]) -> None:
        super().__init__(main)
        self._words = words
        self._process = CommandProcess(self._schedule_redraw, self._ask)
        self._is_redraw_due = False
        self.handlers |= dict.fromkeys(("leave", "close"), self._back)

    def on_mount(self) -> None:
        run_in_background(self, self._run, group="command")  # Textual calls the base's `on_mount` besides

    @property
    def back_label(self) -> str:
        return "interrupt" if self._process.exit_code is None else "back"

    async def _run(self) -> None:
        await self._process.run(self._words, self.session.profile, self.app.size, TEXT_MARGIN)
        self._show()
        self.session.feed.refresh()

    @property
    def _lines(self) -> Sequence[str]:
        return [self._masked(line) for line in self._process.lines]

    def _ask(self, question: str) -> None:
        async def ask() -> None:
            self._process.answer(await self.prompt.ask_text(self._masked(question).strip(), enter="answer") or "")

        run_in_background(self, ask, group="question", exclusive=True)

    def _schedule_redraw(self) -> None:
        if not self._is_redraw_due and self.is_running:
            self._is_redraw_due = True
            self.set_timer(_REDRAW_S, self._show)

    def _show(self) -> None:
        self._is_redraw_due = False
        code = self._process.exit_code
        line = self._masked(clean_line(" ".join(self._words)))
        self.query_one(Heading).set_text(
            [_STATES.get(code, (f"ended with exit code {code}", "bad")), (f" · bwp-tui {line}", "muted")]
        )
        lines = [[(line, "plain")] for line in self._lines]
        if self._process.line_count > MAX_LINES:
            lines.append([(f"Only the first {MAX_LINES:,} lines are shown.", "warn")])
        if code == 0 and not lines:
            lines = [[("It printed nothing.", "muted")]]
        self._show_lines(lines)

    def _back(self) -> None:
        if self.finder.clear():
            return
        if self._process.exit_code is None:
            self._process.interrupt()
        else:
            self.close()
