"""Declare actions on tasks, and what they ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from bwp_tui.domain.task import Task, cannot_change_purged
from bwp_tui.store.commands.bulk import TaskChange
from bwp_tui.store.commands.request_validation import Reason
from bwp_tui.store.commands.work_records import TaskEdit
from bwp_tui.store.database.connection import Store, Transaction
from bwp_tui.store.queries.timeline import UndoablePart

if TYPE_CHECKING:
    from bwp_tui.domain.cli_commands import CommandGroup

Values = dict[str, Any]
"""The values of an operation's arguments by name, as `Operation.apply` takes them."""

OperationT = TypeVar("OperationT", bound="TaskOperation")

Check = Callable[[Task, date], str | None]
"""Returns the reason why something cannot be done to a task today, or None."""


class Position(Enum):
    """The position of an argument in a command."""

    OPTION = auto()  # --name VALUE
    TRAILING_TEXT = auto()  # a text behind the tasks: `:note 3 called twice`, in a shell `note 3 "called twice"`
    LAST_WORD = auto()  # one word behind the tasks: `:assign 3 ann`
    SIGNED_WORDS = auto()  # words that begin with + or -


class IfOmitted(Enum):
    """What is done where an argument is left out."""

    ASK_OR_REFUSE = auto()  # the console asks for it, the CLI refuses the command
    USE_DEFAULT = auto()  # the console may ask for it; else `apply` has a value for it
    KEEP_VALUE = auto()  # the task keeps what it has; at least one such argument must be given


class ChosenTasks(NamedTuple):
    """The tasks that were chosen for an operation.

    Attributes:
        name: what a question calls them.
        task: the task, where it is a single one that is not marked.
        due_dates_clause: where due dates are moved to, as in `BulkPlan.due_dates_clause`.
    """

    numbers: tuple[int, ...]
    name: str
    task: Task | None
    actor: str
    due_dates_clause: str = ""


_SIGNED_WORD: Final = r'[+-]?"[^"]*"?|[^\s"]+'
"""A word of a typed text, which quotation marks hold together."""


def split_signed(words: Sequence[str]) -> list[str]:
    """Split words such as `+a,b` at their commas; each part without a sign has that of its word."""
    parts = []
    for word in words:
        sign = word[:1] if word[:1] in ("+", "-") else ""
        for part in filter(None, word.removeprefix(sign).split(",")):
            parts.append(part if part[0] in "+-" else f"{sign}{part}")
    return parts


class Argument(NamedTuple):
    """One value that an operation takes.

    Attributes:
        option_name: what its option is called where that is not its `name`.
        question: what the console asks, given the tasks; empty where it never asks.
        initial: the text that the prompt begins with.
        mistake: returns why a typed text cannot be the value, or None.
        read: converts the typed words to the argument's values; returns None when there is nothing to change. It gets
            the task if it is a single one, whose present value the words replace; None for several tasks.
        opt_in_question: for several tasks, the yes/no question that comes before an optional day.
        empty_message: what the console says where nothing was typed.
        is_asked: whether the console asks for it where it is not given, given the tasks.
    """

    name: str
    metavar: str
    help: str
    option_name: str = ""
    question: Callable[[ChosenTasks], str] = lambda _: ""
    initial: Callable[[ChosenTasks], str] = lambda _: ""
    mistake: Callable[[str], str | None] = lambda _: None
    read: Callable[[Sequence[str], Task | None], Values | None] | None = None
    position: Position = Position.OPTION
    if_omitted: IfOmitted = IfOmitted.ASK_OR_REFUSE
    is_day: bool = False
    opt_in_question: Callable[[ChosenTasks], str] = lambda _: ""
    empty_message: str = ""
    is_asked: Callable[[ChosenTasks], bool] = lambda _: True

    @property
    def option(self) -> str:
        return f"--{self.option_name or self.name.replace('_', '-')}"

    @property
    def usage(self) -> str:
        """How it is written behind a command; the value alone where it has no option."""
        return f"{self.option} {self.metavar}" if self.position is Position.OPTION else self.metavar

    def words(self, text: str) -> list[str]:
        """Return the words of a typed text that `read` takes; quotation marks keep blanks and commas in a word."""
        if self.position is not Position.SIGNED_WORDS:
            return [text]
        words = re.findall(_SIGNED_WORD, text)
        split = ([word.replace('"', "")] if '"' in word else split_signed([word]) for word in words)
        return [part for parts in split for part in parts]

    def values(self, text: str, task: Task | None) -> Values | None:
        """Return the values of a typed text; None where it means that nothing is to be done."""
        if self.read is not None:
            return self.read(self.words(text), task)
        value = text.strip()
        return None if not value and self.if_omitted is IfOmitted.ASK_OR_REFUSE else {self.name: value or None}


class FlagAlternative(NamedTuple, Generic[OperationT]):
    """What an option without a value has a command do instead."""

    option: str
    help: str
    operation: OperationT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TaskOperation:
    """An action on one or more tasks, from which its key, footer, help, `:` command, CLI command and bulk plan derive.

    Attributes:
        name: its verb: the name of the action and of the command.
        keys: in Textual's spelling; the first one is shown.
        label: one or two words for the footer; empty keeps it out of there.
        is_next_step: whether a task needs it now: such actions come first in the footer, and only for tasks that need
            them. None where the footer shows it for all tasks.
        help: a sentence for the help and the prompt.
        disabled_reason: why it cannot be done.
        skip_reason: why a bulk plan leaves a task out, where that is more than `disabled_reason`.
        wrong_values_reason: why it cannot be done with these values of its arguments.
        wrong_actor_reason: why this actor cannot do it, which the timeline says.
        with_new_due_date: the task with the due date that it has afterwards, for a plan of many.
        resulting_status: the status of a task, or of its successor, after it, where that may wait for a person.
        values_warning: why these values are unlikely: to be confirmed for a single task, and refused among many.
        cli_usage_override: how the CLI does the same where there is no command of this name.
        group: where the CLI's help lists it.
        purpose: what the CLI says of its command; empty where there is none of that name.
        example: what the CLI's help ends with.
        keywords: words that find it and stand neither in its name nor in its sentences.
        writes: whether it is refused where nothing may be changed.
        submits: whether it submits requests: a deletion is then confirmed by typing.
        cancels: whether it also cancels a request at the service, which cannot be undone.
        is_harmless: whether a key confirms it for many tasks, and undo has nothing to say of it.
        stops_clock: whether some regulations stop the legal clock because of it.
    """

    name: str
    help: str = ""
    group: CommandGroup = "record"
    purpose: str = ""
    example: str | None = None
    arguments: tuple[Argument, ...] = ()
    alternative: FlagAlternative[Any] | None = None
    keys: tuple[str, ...] = ()
    label: str = ""
    is_next_step: Callable[[Task], bool] | None = None
    disabled_reason: Check = lambda *_: None
    skip_reason: Check | None = None
    wrong_values_reason: Callable[[Task, Values, date], Reason | None] = lambda *_: None
    wrong_actor_reason: Callable[[Store, Task, str], Reason | None] = lambda *_: None
    with_new_due_date: Callable[[Task, Values, date], Task] = lambda task, *_: task
    resulting_status: Callable[[Store, Task], str | None] = lambda *_: None
    values_warning: Callable[[Task, Values], Reason | None] = lambda *_: None
    cli_usage_override: str = ""
    keywords: str = ""
    writes: bool = True
    submits: bool = False
    cancels: bool = False
    is_harmless: bool = False
    stops_clock: bool = False

    @property
    def positional(self) -> Argument | None:
        return next((argument for argument in self.arguments if argument.position is not Position.OPTION), None)

    @property
    def options(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.position is Position.OPTION)

    @property
    def option_names(self) -> tuple[str, ...]:
        of_alternative = (self.alternative.option,) if self.alternative else ()
        return (*(argument.option for argument in self.options), *of_alternative)

    @property
    def usage(self) -> str:
        """How the console's `:` line writes it; brackets mark what may be left out."""
        parts = [self.name, "[TASK…]", *([self.positional.metavar] if self.positional else [])]
        parts += [f"[{argument.usage}]" for argument in self.options]
        return " ".join([*parts, *([f"[{self.alternative.option}]"] if self.alternative else [])])

    @property
    def cli_usage(self) -> str:
        """How the CLI writes it for one task."""
        if self.cli_usage_override:
            return self.cli_usage_override
        needed = [argument for argument in self.arguments if argument.if_omitted is IfOmitted.ASK_OR_REFUSE]
        any_of = [argument for argument in self.arguments if argument.if_omitted is IfOmitted.KEEP_VALUE]
        words = [argument.usage for argument in needed or any_of[:1]]
        return " ".join([self.name, "TASK", *words])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RecordOperation(TaskOperation):
    """An action on one or more tasks that is recorded in the history.

    Attributes:
        participle: of its verb, for `3 acknowledged`; what it says may depend on the arguments' values.
        apply: carries it out on one task, with the arguments' values by name.
        result: the sentence about a single task.
        confirmation: the question before it is done to a single task.
        replaced: the record of a task that it replaces, as in `the answer of 2026-11-30`; empty where there is none.
        notice_after: what the CLI says of a task once it is done.
        is_confirmed_by_count: whether the number of more than one task has to be typed.
        undo_part: the part of a task that undo puts back; None where it cannot be undone.
        disabled_reason: why it cannot be done; without one, only a purged task is closed to it.
        alternative: what takes the record back.
    """

    participle: str | Callable[[Values], str]
    undo_part: UndoablePart | None = None
    apply: Callable[..., object]
    result: Callable[[ChosenTasks, Values], str]
    confirmation: Callable[[Task, Values], str] = lambda *_: ""
    replaced: Callable[[Task], str] = lambda _: ""
    notice_after: Callable[[Task], str] = lambda _: ""
    is_confirmed_by_count: bool = True
    disabled_reason: Check = lambda task, _: cannot_change_purged(task)
    alternative: FlagAlternative[RecordOperation] | None = None

    def outcome(self, values: Values) -> str:
        """Return what was done to tasks, behind their number or name."""
        return self.participle if isinstance(self.participle, str) else self.participle(values)

    def notice_of_replaced(self, task: Task) -> str:
        """Return which record of a task it replaces, as a sentence; empty where there is none."""
        return f"This replaces {replaced}." if (replaced := self.replaced(task)) else ""

    def question(self, task: Task, values: Values) -> str:
        """Return the question before it is done to a single task; empty without one."""
        warning = self.values_warning(task, values)
        return self.confirmation(task, values) or (f"{warning} Record it?" if warning else "")

    def change_for(self, actor: str, today: date, **values: Any) -> TaskChange:
        """Return the change that carries it out on a task."""

        def run(transaction: Transaction, store: Store, number: int) -> int:
            self.apply(TaskEdit(transaction, store, number, actor, today), **values)
            return number

        return run


def withdrawal(
    what: str,
    apply: Callable[[TaskEdit], object],
    cannot_withdraw: Callable[[Task], str | None],
    question: Callable[[Task, Values], str],
    undo_part: UndoablePart | None = None,
    with_new_due_date: Callable[[Task, Values, date], Task] = lambda task, *_: task,
    notice_after: Callable[[Task], str] = lambda _: "",
    resulting_status: Callable[[Store, Task], str | None] = lambda *_: None,
) -> FlagAlternative[RecordOperation]:
    """Return the `--withdraw` variant of an operation that makes the record named `what`."""
    operation = RecordOperation(
        name=f"withdraw {what}",
        participle="withdrawn",
        apply=apply,
        result=lambda chosen, _: f"The {what} of {chosen.name} is withdrawn; its timeline keeps it.",
        disabled_reason=lambda task, _: cannot_withdraw(task),
        confirmation=question,
        undo_part=undo_part,
        with_new_due_date=with_new_due_date,
        resulting_status=resulting_status,
        notice_after=notice_after,
    )
    return FlagAlternative("--withdraw", f"withdraw the {what}; the timeline keeps it", operation)
