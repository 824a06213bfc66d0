"""Read the commands on tasks: on those that are named, else the marked ones, else the current one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

from bwp_tui.actions.decision_operations import SETTLEMENTS
from bwp_tui.actions.operation import Argument, Position, RecordOperation, TaskOperation, Values
from bwp_tui.actions.record_operations import RECORD_OPERATIONS
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS, ServiceOperation
from bwp_tui.console.bindings.actions import LETTER_KINDS, NO_TASK
from bwp_tui.console.bindings.prompt_commands import ALIASES, CLI_LINES, COMMANDS_BY_NAME, PromptCommand
from bwp_tui.console.command_bar.list_command_reader import ListCommandReader, run_if_writable
from bwp_tui.console.command_bar.parser import (
    CommandHandler,
    CommandLine,
    CommandLineError,
    Word,
    parse_line,
    split_words,
)
from bwp_tui.console.controllers.jump import jump_to_day, jump_to_task
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.controllers.record_controller import RecordController
from bwp_tui.console.controllers.service_controller import ServiceController
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.domain.cli_commands import CLI_COMMANDS_BY_NAME
from bwp_tui.domain.deadlines import future_everywhere_mistake
from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import clean_line, nearest
from bwp_tui.domain.times import DAY_FORMS, typed_day
from bwp_tui.settings.checks import with_home
from bwp_tui.settings.profile import THEMES
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import tasks

_OPERATIONS: Final[dict[str, TaskOperation]] = {
    operation.name: operation for operation in (*RECORD_OPERATIONS, *SERVICE_OPERATIONS)
}
_READ_WITHOUT_WORDS: Final = ("list", "view", "views", "settle")
"""Commands that without words do something else than their action, or are a mistake."""

_LIKE_AN_ID: Final = re.compile(r"#?\d[\d,.#-]*|(?=[a-f-]*\d)[0-9a-f-]{4,}")


_NUMBER: Final = re.compile(r"#?\d+")


def names_task_or_day(text: str) -> bool:
    """Return whether a line only names a task or a day, to which it goes."""
    return bool(_LIKE_AN_ID.fullmatch(text)) or typed_day(text, date(2000, 1, 1)) is not None


class CommandReader:
    """Reads command lines.

    Args:
        service: carries out the operations of the service.
        records: carries out those that are recorded in the history.
        open_letter: previews the letters about a task, beginning with a kind where one is given.
        run_cli: runs the words of a command line in a process of its own, and shows what they print.
    """

    def __init__(
        self,
        screen: MainScreenProtocol,
        marked: MarkedTasks,
        service: ServiceController,
        records: RecordController,
        open_letter: Callable[..., None],
        run_cli: Callable[[Sequence[str]], None],
    ) -> None:
        self._screen = screen
        self._marked = marked
        self._service = service
        self._records = records
        self._open_letter = open_letter
        self._run_cli = run_cli
        self._parsers: dict[str, Callable[[CommandLine], CommandHandler]] = {
            **ListCommandReader(screen).parsers,
            "show": self._read_single_task,
            "inspect": self._read_single_task,
            "submit": self._read_submit,
            **{each.name: self._read_operation for each in (*RECORD_OPERATIONS, *SERVICE_OPERATIONS)},
            "settle": self._read_settle,
            "mark": self._read_mark,
            "letter": self._read_letter,
            "theme": self._read_theme,
        }

    def read(self, text: str) -> CommandHandler:
        """Return what a line does.

        Raises:
            CommandLineError: it means nothing.
        """
        if (words := self._cli_words(split_words(text))) is not None:
            return partial(self._run_cli, words)
        line = parse_line(text, COMMANDS_BY_NAME)
        typed = line.command.text.casefold()
        name = ALIASES.get(typed, typed)
        if name not in COMMANDS_BY_NAME:
            if not line.positionals and (jump := self._read_jump(line.command)) is not None:
                return jump
            unknown = clean_line(line.command.text)
            guess = nearest(unknown, (*COMMANDS_BY_NAME, *CLI_LINES))
            raise line.command.error(f"There is no command “{unknown}”.", guess)
        if name in self._parsers and (line.positionals or line.options or name in _READ_WITHOUT_WORDS):
            return self._parsers[name](line)
        return self._read_action(COMMANDS_BY_NAME[name], line)

    def _cli_words(self, typed: Sequence[Word]) -> list[str] | None:
        """Return the words of a line that the command line carries out, or None where the console does.

        Raises:
            CommandLineError: only a shell carries it out, or it needs arguments.
        """
        name = typed[0].text.casefold() if typed else ""
        rest = [word.text if word.is_quoted else with_home(word.text) for word in typed[1:]]
        if (command := CLI_LINES.get(name)) is None:
            opens_screen = (
                name in CLI_COMMANDS_BY_NAME and name not in self._parsers and not COMMANDS_BY_NAME[name].arguments
            )
            return [name, *rest] if rest and opens_screen else None
        if command.disabled_here_reason:
            options = [word for word in command.arguments.split() if word.startswith("--")]
            is_whole = all(word in rest for word in options) and (rest or not command.arguments)
            words = shlex.join([name, *rest]) if is_whole else command.usage
            raise typed[0].error(f"{command.disabled_here_reason} {self._where_instead(words)}")
        if command.arguments and not rest:
            raise typed[0].error(f"Write {command.usage}.")
        return [name, *rest]

    def _where_instead(self, words: str) -> str:
        """Return how a shell does what the console does not, in a sentence; no shell has the practice's history.

        Args:
            words: the command and its arguments, as the shell reads them.
        """
        profile = self._screen.session.profile
        if profile.is_sandbox:
            return "It is left out of the practice."
        return f"In the shell: bwp-tui --profile {shlex.quote(profile.name)} {words}."

    def _read_theme(self, line: CommandLine) -> CommandHandler:
        line.reject_more_than(1)
        (word,) = line.positionals
        if word.text not in THEMES:
            raise word.error(f"There is no theme “{clean_line(word.text)}”.", nearest(word.text, THEMES))
        return lambda: self._screen.session.set_theme(word.text)

    def _read_jump(self, word: Word) -> CommandHandler | None:
        """Return the handler of a line that only names a task or a day; None where it names neither."""
        screen = self._screen
        day = typed_day(word.text, screen.session.today())
        if day is not None:
            return lambda: screen.run_in_background(partial(jump_to_day, screen, day))
        if _LIKE_AN_ID.fullmatch(word.text):
            return partial(jump_to_task, screen, self._task(word))
        return None

    def _read_action(self, command: PromptCommand, line: CommandLine) -> CommandHandler:
        """Return the handler of an action, which is for the named tasks where it is one on tasks."""
        if "TASK" not in command.arguments:
            line.reject_more_than(0)
        numbers = [self._task(word) for word in line.positionals]
        return lambda: self._perform_on(command.action, numbers)

    def _read_single_task(self, line: CommandLine) -> CommandHandler:
        command = COMMANDS_BY_NAME[line.command.text.casefold()]
        line.reject_more_than(1)
        return partial(self._screen.go_to, self._task(line.positionals[0]), command.action)

    def _read_submit(self, line: CommandLine) -> CommandHandler:
        kinds = {kind.value.casefold(): kind for kind in Kind}
        kind, *rest = line.positionals
        if kind.text.casefold() not in kinds:
            guess = nearest(kind.text, tuple(kinds))
            raise kind.error(f"A request is a retrieval or a deletion; write {line.usage}.", guess)
        line.reject_more_than(2)
        email = rest[0].text if rest else None
        return lambda: run_if_writable(self._screen, lambda: self._screen.open_form(kinds[kind.text.casefold()], email))

    def _read_operation(self, line: CommandLine) -> CommandHandler:
        """Return the handler of an operation: the line gives values, and the console asks for the others."""
        operation = _OPERATIONS[line.command.text.casefold()]
        if (alternative := operation.alternative) is not None and alternative.option in line.options:
            if len(line.options) > 1:
                raise line.options[alternative.option].error(f"“{alternative.option}” takes no other option beside it.")
            numbers = [self._task(word) for word in line.positionals]
            return self._start_operation(alternative.operation, {}, numbers)
        options = {argument.name: self._value(argument, line.options) for argument in operation.options}
        values: Values | None = {name: value for name, value in options.items() if value is not None}
        argument = operation.positional
        if argument is None:
            numbers = [self._task(word) for word in line.positionals]
        else:
            numbers, words = self._split(argument, line.positionals)
            values = argument.read([word.text for word in words], None) if argument.read and words else None
        if values or (len(numbers) == 1 and isinstance(operation, RecordOperation)):
            return self._start_operation(operation, values or {}, numbers)
        return lambda: self._perform_on(operation.name, numbers)

    async def _run(self, operation: TaskOperation, values: Values) -> None:
        if isinstance(operation, ServiceOperation):
            await self._service.run(operation, values)
        elif isinstance(operation, RecordOperation):
            await self._records.run(operation, values)

    def _value(self, argument: Argument, options: Mapping[str, Word]) -> object:
        word = options.get(argument.option)
        if word is None:
            return None
        if argument.is_day:
            return self._day(word)
        values = argument.values(word.text, None)
        if reason := argument.mistake(word.text) or (None if values else f"“{argument.option}” needs a value."):
            raise word.error(reason)
        return values and values[argument.name]

    def _day(self, word: Word) -> date:
        today = self._screen.session.today()
        day = typed_day(word.text, today)
        if day is None:
            raise word.error(f"Write the day as {DAY_FORMS}.")
        if reason := future_everywhere_mistake(day, today):
            raise word.error(reason)
        return day

    def _split(self, argument: Argument, words: Sequence[Word]) -> tuple[list[int], Sequence[Word]]:
        """Split a line's words into the tasks that it names and the words of its argument."""
        if argument.position is Position.LAST_WORD:
            if words and not words[-1].is_quoted and _NUMBER.fullmatch(words[-1].text):
                return [self._task(word) for word in words], ()  # the argument is asked for
            return [self._task(word) for word in words[:-1]], words[-1:]
        numbers, rest = self._split_task_ids(words)
        if argument.position is Position.SIGNED_WORDS:
            for word in rest:
                if word.text[:1] not in ("+", "-") or len(word.text) == 1:
                    raise word.error(f"Give {argument.help}.")
                if reason := argument.mistake(word.text):
                    raise word.error(reason)
        return numbers, rest

    def _start_operation(self, operation: TaskOperation, values: Values, numbers: Sequence[int]) -> CommandHandler:
        """Return what starts an operation on the tasks that a line names."""
        screen = self._screen

        def start() -> None:
            alone = screen.session.reader.current(numbers[0]) if len(numbers) == 1 else None
            if alone is not None and isinstance(operation, RecordOperation):  # it is asked about, listed or not
                screen.table.go_to_task(alone.number)
                screen.run_in_background(partial(self._records.run_on_one, operation, alone, values))
                return
            self._select_or_mark(numbers)
            if self._marked.all or self._current_number():
                screen.run_in_background(partial(self._run, operation, values))
            else:
                screen.show_status(NO_TASK, "warn")

        return lambda: run_if_writable(screen, start)

    def _read_settle(self, line: CommandLine) -> CommandHandler:
        line.reject_more_than(1)
        numbers = [self._task(word) for word in line.positionals] or self._current_number()
        if len(line.options) != 1 or not numbers:
            raise line.error()
        (task,) = self._screen.session.reader.by_numbers(numbers)
        settlement = next(settlement for settlement in SETTLEMENTS if settlement.text.option in line.options)
        values = {settlement.text.name: self._value(settlement.text, line.options)}
        work = partial(self._records.settle, settlement, task, values)
        return lambda: run_if_writable(self._screen, lambda: self._screen.run_in_background(work))

    def _read_mark(self, line: CommandLine) -> CommandHandler:
        numbers = [self._task(word) for word in line.positionals]
        return lambda: self._marked.mark_only(self._marked.all | frozenset(numbers), from_command=True)

    def _read_letter(self, line: CommandLine) -> CommandHandler:
        kinds = [word.text.casefold() for word in line.positionals[:1] if word.text.casefold() in LETTER_KINDS]
        rest = line.positionals[len(kinds) :]
        for word in rest[:1]:
            if word.text.isalpha() and not _LIKE_AN_ID.fullmatch(word.text):
                there_are = f"There is no letter “{clean_line(word.text)}”; there are {', '.join(LETTER_KINDS)}."
                raise word.error(there_are, nearest(word.text, LETTER_KINDS))
        line.reject_more_than(len(kinds) + 1)
        numbers = [self._task(word) for word in rest] or self._current_number()
        if not numbers:
            return lambda: self._screen.show_status(NO_TASK, "warn")
        return lambda: self._open_letter(numbers[0], *kinds)

    # To which tasks

    def _task(self, word: Word) -> int:
        try:
            return tasks.find_by_name(self._screen.session.read_store, word.text).number
        except NoSuchTask as error:
            raise word.error(str(error)) from None

    def _split_task_ids(self, words: Sequence[Word]) -> tuple[list[int], Sequence[Word]]:
        """Split the tasks that are named first from the words behind them; what is in quotation marks names none."""
        numbers: list[int] = []
        for at, word in enumerate(words):
            if word.is_quoted or not _LIKE_AN_ID.fullmatch(word.text):
                return numbers, words[at:]
            try:
                numbers.append(self._task(word))
            except CommandLineError:
                sentence = f"“{word.text}” names no single task. A text that begins so stands in quotation marks."
                raise word.error(sentence) from None
        return numbers, ()

    def _current_number(self) -> list[int]:
        task = self._screen.table.current
        return [] if task is None else [task.number]

    def _perform_on(self, action: str, numbers: Sequence[int]) -> None:
        """Do an action as its key would, on the named tasks."""
        self._select_or_mark(numbers)
        self._screen.perform_later(action)

    def _select_or_mark(self, numbers: Sequence[int]) -> None:
        """Move the cursor to the one task that is named, or mark the named ones."""
        alone = len(numbers) == 1 and not self._marked.all
        if numbers and not (alone and self._screen.table.go_to_task(numbers[0])):
            self._marked.mark_only(frozenset(numbers), from_command=True)
