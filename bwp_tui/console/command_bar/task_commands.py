"""What each word of the `:` line does: to the tasks that are named, else the marked ones, else the one here."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from typing import Final

from bwp_tui.console.bindings.actions import READ_ONLY
from bwp_tui.console.bindings.commands import BY_WORD, IN_THE_SHELL, SHORT, Command
from bwp_tui.console.command_bar.list_commands import ListCommands
from bwp_tui.console.command_bar.parser import CommandError, CommandHandler, CommandLine, Word, parse_line
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.controllers.records import RecordController, tags_of
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.workers import Work
from bwp_tui.console.write_worker import run_in_thread_and_report
from bwp_tui.domain.deadlines import REGULATIONS, why_not_yet
from bwp_tui.domain.filter import NOBODY
from bwp_tui.domain.tags import tag_error
from bwp_tui.domain.task import Kind
from bwp_tui.domain.text import clean_line, nearest
from bwp_tui.domain.times import day_of
from bwp_tui.store.commands.bulk import Result
from bwp_tui.store.commands.records import LegalRecord
from bwp_tui.store.errors import NoSuchTask

_LIKE_AN_ID: Final = re.compile(r"#?\d[\d,.#-]*|(?=[a-f-]*\d)[0-9a-f-]{4,}")


_RECORDS: Final = {
    "acknowledge": LegalRecord.ACKNOWLEDGEMENT,
    "verify": LegalRecord.VERIFICATION,
    "extend": LegalRecord.EXTENSION,
}


class TaskLineCommands:
    """Reads command lines.

    Args:
        resubmit: submits the marked tasks again, with a note.
        recording: withdraws and corrects records.
    """

    def __init__(
        self,
        stage: MainScreenProtocol,
        marked: MarkedTasks,
        resubmit: Callable[[str], Coroutine[None, None, None]],
        recording: RecordController,
    ) -> None:
        self._stage = stage
        self._marked = marked
        self._resubmit_marked = resubmit
        self._recording = recording
        self._words: dict[str, Callable[[CommandLine], CommandHandler]] = {
            **ListCommands(stage).words,
            "show": self._read_one,
            "inspect": self._read_one,
            "submit": self._submit,
            "resubmit": self._resubmit,
            "note": self._note,
            "tag": self._tag,
            "assign": self._assign,
            **dict.fromkeys(_RECORDS, self._recorded),
            "correct": self._correct,
            "settle": self._settle,
            "mark": self._mark,
        }

    def read(self, text: str) -> CommandHandler:
        """Return what a line does.

        Raises:
            WrongLine: it means nothing.
        """
        line = parse_line(text, lambda name: BY_WORD[name].options if name in BY_WORD else None)
        typed = line.command.text.casefold()
        name = SHORT.get(typed, typed)
        if name not in BY_WORD:
            raise _unknown(line.command)
        return self._words[name](line) if name in self._words else self._plain(BY_WORD[name], line)

    def _plain(self, command: Command, line: CommandLine) -> CommandHandler:
        """An action of the registry, done to the named tasks where it is one on tasks."""
        if "TASK" not in command.usage:
            line.reject_extra(line.words, command.usage)
        numbers = [self._task(word) for word in line.words]
        return lambda: self._act(command.action, numbers)

    def _read_one(self, line: CommandLine) -> CommandHandler:
        command = BY_WORD[line.command.text.casefold()]
        line.reject_extra(line.words[1:], command.usage)
        numbers = [self._task(word) for word in line.words]

        def do() -> None:
            if numbers and not self._stage.table.go_to_task(numbers[0]):
                self._stage.show_view(0)
                self._stage.select_when_listed(numbers[0], then=command.action)
            else:
                self._stage.perform(command.action)

        return do

    def _submit(self, line: CommandLine) -> CommandHandler:
        usage = BY_WORD["submit"].usage
        kinds = {kind.value.casefold(): kind for kind in Kind}
        if not line.words:
            return lambda: self._stage.perform("new")
        kind, *rest = line.words
        if kind.text.casefold() not in kinds:
            guess = nearest(kind.text, tuple(kinds))
            raise kind.wrong(f"A request is a retrieval or a deletion; write {usage}.", guess)
        line.reject_extra(rest[1:], usage)
        email = rest[0].text if rest else None
        return lambda: self._if_writable(lambda: self._stage.open_form(kinds[kind.text.casefold()], email))

    def _resubmit(self, line: CommandLine) -> CommandHandler:
        named = [self._task(word) for word in line.words]
        note = line.options.get("--note")
        if note is None:
            return lambda: self._act("resubmit", named)

        def do() -> None:
            self._marked.set(frozenset(named or self._marked.numbers or self._here()), are_named=bool(named))
            self._stage.start_worker(lambda: self._resubmit_marked(note.text), "doing", exclusive=True)

        return lambda: self._if_writable(do)

    def _note(self, line: CommandLine) -> CommandHandler:
        named, words = self._split_task_ids(line.words)
        text = " ".join(word.text for word in words)
        if not text.strip():
            return lambda: self._act("note", named)
        return lambda: self._record(named, "noted", lambda numbers: self._stage.session.records.add_note(numbers, text))

    def _tag(self, line: CommandLine) -> CommandHandler:
        named, words = self._split_task_ids(line.words)
        if not words:
            return lambda: self._act("tag", named)
        bare = next((word for word in words if word.text[:1] not in ("+", "-") or len(word.text) == 1), None)
        if bare is not None:
            raise bare.wrong("Give tags to add (+vip) or to remove (-vip).")
        for word in words:
            if word.text.startswith("+") and (why_not := tag_error(word.text)):
                raise word.wrong(why_not)
        add, remove = tags_of(" ".join(word.text for word in words))
        records = self._stage.session.records
        return lambda: self._record(named, "tagged", lambda numbers: records.tag(numbers, add, remove))

    def _assign(self, line: CommandLine) -> CommandHandler:
        if not line.words:
            return lambda: self._act("assign", [])
        *tasks, who = line.words
        named = [self._task(word) for word in tasks]
        name = None if who.text.casefold() in ("", NOBODY) else who.text
        records = self._stage.session.records
        return lambda: self._record(named, "assigned", lambda numbers: records.assign(numbers, name))

    def _recorded(self, line: CommandLine) -> CommandHandler:
        command = BY_WORD[line.command.text.casefold()]
        if "--withdraw" not in line.options:
            return self._plain(command, line)
        record = _RECORDS[command.name]
        return self._ask_of(line, lambda: self._recording.withdraw(record))

    def _correct(self, line: CommandLine) -> CommandHandler:
        received, regulation = line.options.get("--received"), line.options.get("--regulation")
        if regulation is not None and regulation.text not in REGULATIONS:
            raise regulation.wrong(f"The law is one of {', '.join(REGULATIONS)}.")
        day = None if received is None else self._day(received)
        law = None if regulation is None else regulation.text
        return self._ask_of(line, lambda: self._recording.correct(day, law))

    def _day(self, word: Word) -> date:
        day = day_of(word.text)
        if day is None:
            raise word.wrong("Write the day as 2026-12-31.")
        if why_not := why_not_yet(day, self._stage.session.today()):
            raise word.wrong(why_not)
        return day

    def _ask_of(self, line: CommandLine, work: Work) -> CommandHandler:
        """Return what has `work` done, which asks the operator, to the tasks that a line names."""
        named = [self._task(word) for word in line.words]

        def do() -> None:
            self._aim(named)
            if self._marked.all or self._here():
                self._stage.start_worker(work, "doing", exclusive=True)
            else:
                self._stage.show_status("No task is selected.", "warn")

        return lambda: self._if_writable(do)

    def _settle(self, line: CommandLine) -> CommandHandler:
        usage = BY_WORD["settle"].usage
        line.reject_extra(line.words[1:], usage)
        numbers = [self._task(word) for word in line.words] or self._here()
        if len(line.options) != 1 or not numbers:
            raise line.wrong(f"Write {usage}.")
        (task,) = self._stage.session.reader.window(numbers)
        ((option, value),) = line.options.items()
        desk = self._stage.session.tasks

        async def settle() -> None:
            settled = desk.adopt if option == "--task-id" else desk.give_up
            await run_in_thread_and_report(self._stage, lambda: settled(task, value.text))

        return lambda: self._if_writable(lambda: self._stage.start_worker(settle, "doing", exclusive=True))

    def _mark(self, line: CommandLine) -> CommandHandler:
        numbers = [self._task(word) for word in line.words]
        if not numbers:
            return lambda: self._stage.perform("mark")
        return lambda: self._marked.set(self._marked.all | frozenset(numbers), are_named=True)

    # To which tasks

    def _task(self, word: Word) -> int:
        try:
            return self._stage.session.reader.find_by_name(word.text).number
        except NoSuchTask as error:
            raise word.wrong(str(error)) from None

    def _split_task_ids(self, words: Sequence[Word]) -> tuple[list[int], Sequence[Word]]:
        """Part the tasks that are named first from the words behind them; what is in quotation marks names none."""
        named: list[int] = []
        for at, word in enumerate(words):
            if word.is_quoted or not _LIKE_AN_ID.fullmatch(word.text):
                return named, words[at:]
            try:
                named.append(self._task(word))
            except CommandError:
                sentence = f"“{word.text}” names no single task. A text that begins so stands in quotation marks."
                raise word.wrong(sentence) from None
        return named, ()

    def _here(self) -> list[int]:
        task = self._stage.current_task
        return [] if task is None else [task.number]

    def _act(self, action: str, named: Sequence[int]) -> None:
        """Do an action as its key would: on the one task that is named, or on the named ones, which are then marked."""
        self._aim(named)
        self._stage.perform(action)

    def _aim(self, named: Sequence[int]) -> None:
        """Move the cursor to the one task that is named, or mark the named ones."""
        alone = len(named) == 1 and not self._marked.all
        if named and not (alone and self._stage.table.go_to_task(named[0])):
            self._marked.set(frozenset(named), are_named=True)

    def _record(self, named: Sequence[int], done: str, act: Callable[[Sequence[int]], list[Result]]) -> None:
        numbers = list(named) or self._marked.numbers or self._here()
        if not numbers:
            self._stage.show_status("No task is selected.", "warn")
            return

        alone = self._stage.session.reader.window(numbers) if len(numbers) == 1 else []

        def told(count: int) -> str:
            return f"{alone[0].name} {done}" if alone and count else f"{count} {done}"

        def work() -> None:
            self._stage.start_worker(
                lambda: self._marked.carry_out(told, lambda: act(numbers)), "doing", exclusive=True
            )

        self._if_writable(work)

    def _if_writable(self, do: CommandHandler) -> None:
        if self._stage.context.read_only:
            self._stage.show_status(READ_ONLY, "warn")
        else:
            do()


def _unknown(word: Word) -> CommandError:
    name = clean_line(word.text)
    if name.casefold() in IN_THE_SHELL:
        return word.wrong(f"“{name}” is for the shell: bwp-tui {name.casefold()} --help.")
    guess = nearest(name, tuple(BY_WORD))
    return word.wrong(f"There is no command “{name}”.{f' Did you mean “{guess}”?' if guess else ''}", guess)
