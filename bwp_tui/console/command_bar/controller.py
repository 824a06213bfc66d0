"""The prompt for commands: lists those that fit what is typed, runs one, and keeps a wrong line with its mistake."""

from __future__ import annotations

from functools import partial

from bwp_tui.console.bindings.prompt_commands import ALIASES, CLI_LINES, COMMANDS_BY_NAME, PromptCommand, matching
from bwp_tui.console.command_bar.command_reader import CommandReader, names_task_or_day
from bwp_tui.console.command_bar.line_completion import complete
from bwp_tui.console.command_bar.parser import CommandHandler, CommandLineError
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.state.tab_completion import InputMistake, TabCompleter
from bwp_tui.domain.times import day_of_word
from bwp_tui.store.errors import StoreError


class CommandBar:
    """Asks for commands. The lines that were carried out are the main screen's `command_history`."""

    def __init__(self, screen: MainScreenProtocol, commands: CommandReader) -> None:
        self._screen = screen
        self._commands = commands
        self._completer = TabCompleter(self._complete)
        self._text = ""
        self._line = ""
        self._listed: list[PromptCommand] = []
        self._selected: int | None = None
        self._is_chosen = False
        self._history_index = 0
        self._handler: CommandHandler | None = None

    async def ask(self) -> None:
        """Ask for a command, and carry it out once this worker has ended: it may ask something itself."""
        screen, history = self._screen, self._screen.command_history
        self._history_index = len(history)
        self._changed("", 0)
        answer = await screen.prompt.ask_text(
            ":",
            on_change=self._changed,
            on_arrow=self._move,
            complete=self._completer.complete,
            check=self._line_mistake,
            hint=("↑ earlier lines" if history else "", "muted"),
            enter="run",
        )
        screen.command_list.close()
        if answer is not None and self._handler is not None:
            screen.command_history = (*(line for line in history if line != self._line), self._line)
            screen.call_later(self._handler)

    def _changed(self, text: str, cursor: int) -> None:
        self._text, self._listed = text, matching(text, self._screen.views, self._screen.session.keymap.custom)
        if names_task_or_day(text.strip()):
            self._listed.insert(
                0, PromptCommand(text.strip(), help="Go to this task, or to the first task of this day")
            )
        self._select(0 if text.strip() and self._listed else None)
        self._is_chosen = False
        prompt = self._screen.prompt
        prompt.show_mistake(None)
        meant = day_of_word(text, self._screen.session.today())
        completions = self._completer.hint_text(text, cursor) if " " in text.lstrip() else ""
        prompt.hint(f"= {meant}" if meant else completions, "key")

    def _complete(self, text: str, cursor: int) -> list[tuple[int, int, str]]:
        if self._selected is None:
            return []
        selected = self._selected
        names = [command.name for command in (*self._listed[selected:], *self._listed[:selected])]
        words = text.casefold().split()
        if len(words) > 1 and words[0] not in COMMANDS_BY_NAME and words[0] not in CLI_LINES:
            return [(0, len(text), f"{name} ") for name in names]
        return complete(self._screen.session.reader.views(), names, text, cursor)

    def _select(self, index: int | None) -> None:
        self._selected = index
        screen = self._screen
        key, disabled_reason = screen.session.keymap.key, screen.disabled_reason
        screen.command_list.show_commands(self._listed, index, key, disabled_reason, self._click)

    def _click(self, index: int) -> None:
        """Run a command, or complete its name where it needs arguments, as enter does."""
        self._is_chosen = True
        self._select(index)
        self._screen.app.call_later(self._screen.app.simulate_key, "enter")

    def _move(self, steps: int) -> None:
        """Select another command; where the line is empty or recalled, recall an earlier or later one."""
        history = self._screen.command_history
        is_recalled = self._history_index < len(history) and self._text == history[self._history_index]
        if self._is_chosen and not self._text and self._selected == 0 and steps < 0:
            self._is_chosen = False
            self._select(None)
        elif not self._is_chosen and (is_recalled or (not self._text and steps < 0)):
            self._history_index = max(0, min(self._history_index + steps, len(history)))
            self._text = history[self._history_index] if self._history_index < len(history) else ""
            self._screen.prompt.set_text(self._text)
        elif self._listed:
            self._is_chosen = True
            at = -1 if self._selected is None else self._selected
            self._select(max(0, min(at + steps, len(self._listed) - 1)))

    def _line_mistake(self, text: str) -> InputMistake | None:
        """Find out what a line does; return its mistake, which keeps the prompt open."""
        self._handler = None
        selected = None if self._selected is None else self._listed[self._selected]
        if selected is not None and self._is_chosen:
            return self._selected_mistake(selected, text)
        if not text.strip():
            return None
        try:
            self._line, self._handler = text, self._commands.read(text)
        except CommandLineError as error:
            word = text.split()[0].casefold()
            if selected is None or (not _opens_view_or_program(selected) and selected.name == ALIASES.get(word, word)):
                return error.mistake
            return self._selected_mistake(selected, text)
        except StoreError as error:  # the history cannot be read, to find the tasks that are named
            return InputMistake(str(error), 0, len(text))
        return None

    def _selected_mistake(self, command: PromptCommand, text: str) -> InputMistake | None:
        """Find out what a selected command does; one that needs arguments is completed in the prompt."""
        self._line = command.name
        if _opens_view_or_program(command):
            self._handler = partial(self._screen.perform_later, command.action)
            return None
        try:
            self._handler = self._commands.read(command.name)
        except CommandLineError as error:
            if command.disabled_here_reason or names_task_or_day(command.name):
                return InputMistake(error.mistake.sentence, 0, len(text))
            self._screen.prompt.set_text(f"{command.name} ")
            return InputMistake(f"Write {command.usage}.", 0, len(command.name))
        return None


def _opens_view_or_program(command: PromptCommand) -> bool:
    """Return whether a command opens a view, whose name may have quotation marks, or is one of the operator's own."""
    return bool(command.action) and command.name not in COMMANDS_BY_NAME
