"""Read the commands on tasks: on those that are named, else the marked ones, else the current one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

from bwp_tui.actions.operation import Argument, Operation, Place, TaskOperation, Values
from bwp_tui.actions.record_operations import RECORDS
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS, ServiceOperation
from bwp_tui.actions.settlements import SETTLEMENTS
from bwp_tui.console.bindings.actions import NO_TASK
from bwp_tui.console.bindings.commands import ALIASES, COMMANDS_BY_NAME, FOR_SHELL, Command
from bwp_tui.console.command_bar.list_commands import ListCommands
from bwp_tui.console.command_bar.parser import CommandHandler, CommandLine, CommandLineError, Word, parse_line
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.controllers.record_operations import RecordController
from bwp_tui.console.controllers.service_operations import ServiceController
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.services.write_guard import READ_ONLY
from bwp_tui.console.workers import Work
from bwp_tui.domain.deadlines import future_day_mistake
from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import clean_line, nearest
from bwp_tui.domain.times import parse_day
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import tasks

_OPERATIONS: Final[dict[str, TaskOperation]] = {
    operation.name: operation for operation in (*RECORDS, *SERVICE_OPERATIONS)
}
_LIKE_AN_ID: Final = re.compile(r"#?\d[\d,.#-]*|(?=[a-f-]*\d)[0-9a-f-]{4,}")


class TaskLineCommands:
    """Reads command lines.

    Args:
        service: carries out the operations of the service.
        recording: carries out those that are recorded in the history.
    """

    def __init__(
        self,
        screen: MainScreenProtocol,
        marked: MarkedTasks,
        service: ServiceController,
        recording: RecordController,
    ) -> None:
        self._screen = screen
        self._marked = marked
        self._service = service
        self._recording = recording
        self._readers: dict[str, Callable[[CommandLine], CommandHandler]] = {
            **ListCommands(screen).readers,
            "show": self._read_one,
            "inspect": self._read_one,
            "submit": self._read_submit,
            **dict.fromkeys((operation.name for operation in (*RECORDS, *SERVICE_OPERATIONS)), self._read_operation),
            "settle": self._read_settle,
            "mark": self._read_mark,
        }

    def read(self, text: str) -> CommandHandler:
        """Return what a line does.

        Raises:
            CommandLineError: it means nothing.
        """
        line = parse_line(text, lambda name: COMMANDS_BY_NAME[name].options if name in COMMANDS_BY_NAME else None)
        typed = line.command.text.casefold()
        name = ALIASES.get(typed, typed)
        if name not in COMMANDS_BY_NAME:
            raise _unknown(line.command)
        return self._readers[name](line) if name in self._readers else self._read_action(COMMANDS_BY_NAME[name], line)

    def _read_action(self, command: Command, line: CommandLine) -> CommandHandler:
        """Return the handler of an action, which is for the named tasks where it is one on tasks."""
        if "TASK" not in command.arguments:
            line.reject_extra(line.words, command.usage)
        numbers = [self._task(word) for word in line.words]
        return lambda: self._perform_on(command.action, numbers)

    def _read_one(self, line: CommandLine) -> CommandHandler:
        command = COMMANDS_BY_NAME[line.command.text.casefold()]
        line.reject_extra(line.words[1:], command.usage)
        numbers = [self._task(word) for word in line.words]

        def start() -> None:
            if numbers and not self._screen.table.go_to_task(numbers[0]):
                self._screen.show_view(0)
                self._screen.select_when_listed(numbers[0], then=command.action)
            else:
                self._screen.perform_later(command.action)

        return start

    def _read_submit(self, line: CommandLine) -> CommandHandler:
        usage = COMMANDS_BY_NAME["submit"].usage
        kinds = {kind.value.casefold(): kind for kind in Kind}
        if not line.words:
            return lambda: self._screen.perform_later("new")
        kind, *rest = line.words
        if kind.text.casefold() not in kinds:
            guess = nearest(kind.text, tuple(kinds))
            raise kind.error(f"A request is a retrieval or a deletion; write {usage}.", guess)
        line.reject_extra(rest[1:], usage)
        email = rest[0].text if rest else None
        return lambda: self._if_writable(lambda: self._screen.open_form(kinds[kind.text.casefold()], email))

    def _read_operation(self, line: CommandLine) -> CommandHandler:
        """Return the handler of an operation: the line gives values, and the console asks for the others."""
        operation = _OPERATIONS[line.command.text.casefold()]
        if (variant := operation.variant) is not None and variant.option in line.options:
            if len(line.options) > 1:
                raise line.options[variant.option].error(f"“{variant.option}” takes no other option beside it.")
            named = [self._task(word) for word in line.words]
            return self._start_on(named, partial(self._run, variant.operation, {}))
        values = {argument.name: self._value(argument, line.options) for argument in operation.options}
        given: Values | None = {name: value for name, value in values.items() if value is not None}
        argument = operation.positional
        if argument is None:
            named = [self._task(word) for word in line.words]
        else:
            named, words = self._split(argument, line.words)
            given = argument.read([word.text for word in words], None) if argument.read and words else None
        if not given:
            return lambda: self._perform_on(operation.name, named)
        return self._start_on(named, partial(self._run, operation, given))

    async def _run(self, operation: TaskOperation, given: Values) -> None:
        if isinstance(operation, ServiceOperation):
            await self._service.run(operation, given)
        elif isinstance(operation, Operation):
            await self._recording.run(operation, given)

    def _value(self, argument: Argument, options: Mapping[str, Word]) -> object:
        word = options.get(argument.option)
        if word is None:
            return None
        if argument.is_day:
            return self._day(word)
        values = argument.values(word.text, None)
        if why_not := argument.choice_or_text_mistake(word.text) or (
            None if values else f"“{argument.option}” needs a value."
        ):
            raise word.error(why_not)
        return values and values[argument.name]

    def _day(self, word: Word) -> date:
        day = parse_day(word.text)
        if day is None:
            raise word.error("Write the day as 2026-12-31.")
        if why_not := future_day_mistake(day, self._screen.session.today()):
            raise word.error(why_not)
        return day

    def _split(self, argument: Argument, words: Sequence[Word]) -> tuple[list[int], Sequence[Word]]:
        """Split a line's words into the tasks that it names and the words of its argument."""
        if argument.place is Place.LAST:
            return [self._task(word) for word in words[:-1]], words[-1:]
        named, rest = self._split_task_ids(words)
        if argument.place is Place.SIGNED:
            for word in rest:
                if word.text[:1] not in ("+", "-") or len(word.text) == 1:
                    raise word.error(f"Give {argument.help}.")
                if why_not := argument.choice_or_text_mistake(word.text):
                    raise word.error(why_not)
        return named, rest

    def _start_on(self, named: Sequence[int], work: Work) -> CommandHandler:
        """Return what starts `work` on the tasks that a line names."""

        def start() -> None:
            self._select_or_mark(named)
            if self._marked.all or self._current_number():
                self._screen.start_worker(work)
            else:
                self._screen.show_status(NO_TASK, "warn")

        return lambda: self._if_writable(start)

    def _read_settle(self, line: CommandLine) -> CommandHandler:
        usage = COMMANDS_BY_NAME["settle"].usage
        line.reject_extra(line.words[1:], usage)
        numbers = [self._task(word) for word in line.words] or self._current_number()
        if len(line.options) != 1 or not numbers:
            raise line.error(f"Write {usage}.")
        (task,) = self._screen.session.reader.window(numbers)
        settlement = next(settlement for settlement in SETTLEMENTS if settlement.text.option in line.options)
        given = {settlement.text.name: self._value(settlement.text, line.options)}
        work = partial(self._recording.settle, settlement, task, given)
        return lambda: self._if_writable(lambda: self._screen.start_worker(work))

    def _read_mark(self, line: CommandLine) -> CommandHandler:
        numbers = [self._task(word) for word in line.words]
        if not numbers:
            return lambda: self._screen.perform_later("mark")
        return lambda: self._marked.set(self._marked.all | frozenset(numbers), are_named=True)

    # To which tasks

    def _task(self, word: Word) -> int:
        try:
            return tasks.find_by_name(self._screen.session.read_store, word.text).number
        except NoSuchTask as error:
            raise word.error(str(error)) from None

    def _split_task_ids(self, words: Sequence[Word]) -> tuple[list[int], Sequence[Word]]:
        """Split the tasks that are named first from the words behind them; what is in quotation marks names none."""
        named: list[int] = []
        for at, word in enumerate(words):
            if word.is_quoted or not _LIKE_AN_ID.fullmatch(word.text):
                return named, words[at:]
            try:
                named.append(self._task(word))
            except CommandLineError:
                sentence = f"“{word.text}” names no single task. A text that begins so stands in quotation marks."
                raise word.error(sentence) from None
        return named, ()

    def _current_number(self) -> list[int]:
        task = self._screen.current_task
        return [] if task is None else [task.number]

    def _perform_on(self, action: str, named: Sequence[int]) -> None:
        """Do an action as its key would, on the named tasks."""
        self._select_or_mark(named)
        self._screen.perform_later(action)

    def _select_or_mark(self, named: Sequence[int]) -> None:
        """Move the cursor to the one task that is named, or mark the named ones."""
        alone = len(named) == 1 and not self._marked.all
        if named and not (alone and self._screen.table.go_to_task(named[0])):
            self._marked.set(frozenset(named), are_named=True)

    def _if_writable(self, handler: CommandHandler) -> None:
        if self._screen.context.read_only:
            self._screen.show_status(READ_ONLY, "warn")
        else:
            handler()


def _unknown(word: Word) -> CommandLineError:
    name = clean_line(word.text)
    if name.casefold() in {command.name for command in FOR_SHELL}:
        return word.error(f"“{name}” is for the shell: bwp-tui {name.casefold()} --help.")
    return word.error(f"There is no command “{name}”.", nearest(name, tuple(COMMANDS_BY_NAME)))
