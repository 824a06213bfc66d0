"""The commands of the prompt: those of the CLI, with TASK left out for the marked tasks or the current one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bwp_tui.actions.decision_operations import SETTLEMENTS
from bwp_tui.actions.record_operations import RECORD_OPERATIONS, WATCH
from bwp_tui.actions.service_operations import SERVICE_OPERATIONS
from bwp_tui.console.bindings.actions import ACTIONS, ACTIONS_BY_NAME, LETTER_KINDS, Action, Scope
from bwp_tui.domain.cli_commands import CLI_COMMANDS, CLI_COMMANDS_BY_NAME, CliCommand
from bwp_tui.domain.text import capitalized
from bwp_tui.domain.views import MAX_VIEWS, View
from bwp_tui.settings.profile import THEMES

_CLI_COMMANDS_AND_OPERATIONS: Final = {
    **CLI_COMMANDS_BY_NAME,
    **{
        operation.name: CliCommand(operation.name, operation.group, operation.purpose, operation.keywords)
        for operation in (*SERVICE_OPERATIONS, *RECORD_OPERATIONS)
    },
}


@dataclass(frozen=True, slots=True)
class PromptCommand:
    """One command of the prompt.

    Attributes:
        arguments: as they are written after its name, optional ones in brackets.
        action: the action that does the same, or nearly; empty for none.
        options: names of options, each with a value behind it.
        help: a sentence about it; empty for that of the CLI or of the action.
        is_cli_line: whether the command line carries it out, in a process of its own.
    """

    name: str
    arguments: str = ""
    action: str = ""
    options: tuple[str, ...] = ()
    help: str = ""
    is_cli_line: bool = False

    @property
    def usage(self) -> str:
        """Its name and arguments, as they are written."""
        return f"{self.name} {self.arguments}".rstrip()

    @property
    def description(self) -> str:
        """A sentence on what it does."""
        sentence = self.help or self._cli_command.help or ACTIONS_BY_NAME[self.action].help
        return capitalized(sentence)

    @property
    def disabled_here_reason(self) -> str:
        """Why only a shell carries it out; empty where the console does."""
        return self._cli_command.disabled_in_console_reason if self.is_cli_line else ""

    @property
    def _cli_command(self) -> CliCommand:
        return _CLI_COMMANDS_AND_OPERATIONS.get(self.name, CliCommand(self.name, None, ""))

    def rank(self, word: str) -> int | None:
        """Return how well a typed word fits, 0 for best; None where it does not."""
        name = self.name.replace("-", " ").casefold()
        names, sentences = f" {name} {self._cli_command.keywords}", f" {self.description}".casefold()
        if action := ACTIONS_BY_NAME.get(self.action):
            names = f"{names} {action.name.replace('_', ' ')} {action.label} {action.keywords}"
            sentences = f"{sentences} {action.help} {action.cli_usage or ''}".casefold()
        fits = (
            name == word,
            f" {word} " in f"{names} " and not name.endswith(f" {word}"),
            name.startswith(word),
            f" {word}" in names,
            f" {word}" in sentences,
            word in names or word in sentences,
            _is_abbreviation(word, name),
        )
        return fits.index(True) if True in fits else None


_DECLARED: Final = (
    PromptCommand("filter", "FILTER", "filter"),
    PromptCommand("list", "[FILTER] [--view NAME] [--sort ORDER]", "filter", ("--view", "--sort")),
    PromptCommand("show", "[TASK]", "detail"),
    PromptCommand("inspect", "[TASK]", "archive"),
    PromptCommand("letter", f"[{'|'.join(LETTER_KINDS)}] [TASK]", "letter"),
    PromptCommand("submit", "retrieval|deletion [EMAIL]", "new"),
    *(
        PromptCommand(operation.name, operation.usage.partition(" ")[2], operation.name, operation.option_names)
        for operation in (*SERVICE_OPERATIONS, *RECORD_OPERATIONS, WATCH)
    ),
    PromptCommand(
        "settle",
        "[TASK] --task-id ID | --give-up REASON",
        "enter_task_id",
        tuple(settlement.text.option for settlement in SETTLEMENTS),
    ),
    PromptCommand("mark", "TASK…", "mark"),
    PromptCommand("view", "NAME", "", help="Open a view by its name"),
    PromptCommand("views", "save NAME [FILTER] | delete NAME | list", "save_view", ("--sort", "--columns")),
    PromptCommand("columns", "[NAME,…]", "columns"),
    PromptCommand("profile", "[NAME]", "profiles", help="Switch to another shop, or list all with what is due"),
    PromptCommand("sort", "ORDER", "sort"),
    PromptCommand("theme", f"[{'|'.join(THEMES)}]", "theme"),
)
_DECLARED_NAMES: Final = {command.name for command in _DECLARED}
_OTHERS: Final = tuple(
    PromptCommand(name, action=action.name)
    for action in ACTIONS
    if (name := action.name.replace("_", "-")) not in _DECLARED_NAMES
    and action.name not in {command.action for command in _DECLARED}
    and not action.name.startswith("view_")
)
CLI_LINES: Final = {
    command.name: PromptCommand(command.name, command.arguments, is_cli_line=True)
    for command in CLI_COMMANDS
    if command.name not in {command.name for command in (*_DECLARED, *_OTHERS)}
}
"""The CLI's commands that the console does not carry out itself, by name."""

COMMANDS: Final = (*_DECLARED, *_OTHERS)
"""All that the console carries out, in the order in which they are listed."""

COMMANDS_BY_NAME: Final = {command.name: command for command in COMMANDS}

ALIASES: Final = {"q": "quit"}
"""Commands by what vim calls them."""


def view_commands(views: Sequence[View]) -> tuple[PromptCommand, ...]:
    """Return a command for each view that has a key."""
    return tuple(
        PromptCommand(f"view {view.name}", action=f"view_{key}", help=f"List the view “{view.name}”")
        for key, view in enumerate(views[:MAX_VIEWS], start=1)
    )


def custom_commands(actions: Sequence[Action]) -> tuple[PromptCommand, ...]:
    """Return a command for each of the operator's own, whose actions these are."""
    return tuple(
        PromptCommand(action.name.removeprefix("command_"), action=action.name, help=action.help)
        for action in actions
        if action.scope is Scope.MAIN
    )


def matching(text: str, views: Sequence[View] = (), custom: Sequence[Action] = ()) -> list[PromptCommand]:
    """Return the commands that fit every word of a text, best first; the one that the text begins with stays first."""
    words = text.casefold().split()
    commands = (*COMMANDS, *custom_commands(custom), *view_commands(views), *CLI_LINES.values())
    ranked = [(ranks, command) for command in commands if None not in (ranks := [command.rank(word) for word in words])]
    fitting = [command for _, command in sorted(ranked, key=lambda entry: sum(filter(None, entry[0])))]
    if len(words) < 2 and not text.endswith(" "):
        return fitting
    begun = [command for command in commands if words and command.name == ALIASES.get(words[0], words[0])]
    if not begun or begun[0].name == "view":  # the views have commands of their own
        return fitting or begun
    return begun if len(words) == 1 else [*begun, *(command for command in fitting if command not in begun)]


def _is_abbreviation(word: str, name: str) -> bool:
    """Return whether a name has the letters of a word in their order, the first one first."""
    letters = iter(name)
    return len(word) > 1 and name.startswith(word[0]) and all(letter in letters for letter in word)
