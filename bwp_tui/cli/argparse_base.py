"""Share the parser class and common options among the parts of the grammar."""

from __future__ import annotations

import argparse
import re
from argparse import SUPPRESS
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NoReturn, TypeAlias

from bwp_tui.actions.operation import TaskOperation
from bwp_tui.cli.argument_types import regulation, seconds
from bwp_tui.cli.exit_codes import Effect, ExitCode
from bwp_tui.domain.cli_commands import CLI_COMMANDS_BY_NAME, COMMAND_GROUPS, CommandGroup
from bwp_tui.domain.text import capitalized, clean_line
from bwp_tui.settings.profile import THEMES

RESPONSE_TIMEOUT_S: Final = 30.0
"""Seconds a command waits for the service by default."""

_SENTENCES: Final[tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]] = (
    (
        r"^argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)$",
        lambda found: f"{found[1]} “{found[2]}” must be one of {found[3].replace(chr(39), '')}",
    ),
    (r"^argument (\S+): expected one argument$", r"\1 needs a value"),
    (r"^argument (\S+): expected at least one argument$", r"\1 needs one value or more"),
    (r"^argument (\S+): not allowed with argument (\S+)$", r"give either \1 or \2, not both"),
    (r"^argument (\S+): ignored explicit argument '(.*)'$", r"\1 takes no value such as “\2”"),
    (r"^one of the arguments (.*) is required$", lambda found: f"give {' or '.join(found[1].split())}"),
    (
        r"^the following arguments are required: (.*)$",
        lambda found: f"{found[1].replace(', ', ' and ')} {'are' if ', ' in found[1] else 'is'} missing",
    ),
    (r"^argument (\S+): ", r"\1: "),
)
"""What becomes of the sentences of argparse. Its patterns are compiled where there is a mistake alone."""

TASK_HELP: Final = "task number, task ID, or its first 4 or more characters"


class Help(argparse.HelpFormatter):
    """Writes the usage of `words` as its metavar has it: `TASK… TEXT` is not repeated as a whole."""

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        return str(action.metavar) if action.dest == "words" else super()._format_args(action, default_metavar)


class Parser(argparse.ArgumentParser):
    """Reports a usage error in one sentence instead of printing the usage; `purpose` is what its command does.

    Attributes:
        group: where the help lists its command.
    """

    purpose: str = ""
    group: CommandGroup | None = None

    def __init__(self, *, formatter_class: type[argparse.HelpFormatter] = Help, **more: Any) -> None:
        super().__init__(formatter_class=formatter_class, **more)

    def error(self, message: str) -> NoReturn:
        """End the program with `ExitCode.USAGE`."""
        text = clean_line(message)
        for pattern, sentence in _SENTENCES:
            text = re.sub(pattern, sentence, text)
        self.exit(ExitCode.USAGE, f"{self.prog}: {text} (see {self.prog} --help)\n")

    @property
    def arguments(self) -> str:
        """How the arguments are written that are no options."""
        return " ".join(str(action.metavar) for action in self._actions if not action.option_strings)

    def flag(self, name: str, purpose: str, **more: Any) -> None:
        """Add an option without a value."""
        self.add_argument(name, action="store_true", help=purpose, **more)

    def option(self, name: str, metavar: str, read: Callable[[str], Any], purpose: str, **more: Any) -> None:
        """Add an option with a value, which `read` converts."""
        self.add_argument(name, metavar=metavar, type=read, help=purpose, **more)


class GroupedHelp(Help):
    """Lists commands by their groups."""

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):
            return super()._format_action(action)
        parts = []
        for group in COMMAND_GROUPS:
            parts.append(f"{' ' * self._current_indent}{group}:\n")
            self._indent()
            for command in action._get_subactions():
                if action.choices[command.dest].group == group:
                    parts.append(super()._format_action(command))
            self._dedent()
        return "".join(parts)


SubcommandParsers: TypeAlias = "argparse._SubParsersAction[Parser]"


class CommandParsers:
    """Adds commands to the grammar, with the options common to all."""

    def __init__(self, parser: Parser) -> None:
        self.parsers: dict[str, Parser] = {}
        self._sub = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=Parser)

    def add(
        self,
        name: str,
        module: str,
        *,
        operation: TaskOperation | None = None,
        function: str | None = None,
        json: bool = True,
        names_shoppers: bool = True,
        uses_profile: bool = True,
        note: str | None = None,
        effect: Effect = Effect.CHANGES,
        package: str = "commands",
    ) -> Parser:
        """Add a command; help and group are those of the operation, else those of `CLI_COMMANDS`."""
        if operation is None:
            declared = CLI_COMMANDS_BY_NAME[name]
            purpose, group = declared.help, declared.group
        else:
            purpose, group = operation.purpose, operation.group
        parser = self._sub.add_parser(
            name, help=purpose, description=f"{capitalized(purpose)}.", epilog=note, allow_abbrev=False
        )
        parser.purpose, parser.group = purpose, group
        parser.set_defaults(command=(f"{package}.{module}", function or name), command_name=name, effect=effect)
        add_common(parser, json=json, names_shoppers=names_shoppers, uses_profile=uses_profile)
        self.parsers[name] = parser
        return parser


def add_subcommands(
    commands: CommandParsers, name: str, purposes: Mapping[str, str], *, changing: Collection[str]
) -> dict[str, Parser]:
    """Add a command that has subcommands alone, and return their parsers; `changing` change something."""
    command = commands.add(name, name, names_shoppers=False, effect=Effect.READS, package="setup")
    subcommands = command.add_subparsers(metavar="ACTION", required=True, parser_class=Parser)
    effects = {subcommand: Effect.CHANGES if subcommand in changing else Effect.READS for subcommand in purposes}
    return {
        subcommand: add_subcommand(subcommands, subcommand, purpose, (f"setup.{name}", subcommand), effects[subcommand])
        for subcommand, purpose in purposes.items()
    }


def add_subcommand(
    subcommands: SubcommandParsers, name: str, purpose: str, command: tuple[str, str], effect: Effect = Effect.READS
) -> Parser:
    """Add a subcommand, which has the options of the command too; `command` is its module and function."""
    parser = subcommands.add_parser(name, help=purpose, allow_abbrev=False)
    parser.set_defaults(command=command, action=name, effect=effect)
    add_common(parser, json=False)
    parser.flag("--json", "print JSON", default=SUPPRESS)
    return parser


def add_common(parser: Parser, *, json: bool, names_shoppers: bool = True, uses_profile: bool = True) -> None:
    """Add the options common to all commands; the help of one that is the same for all profiles leaves theirs out."""
    purpose = "profile to use (BWP_PROFILE)" if uses_profile else SUPPRESS
    parser.add_argument("--profile", metavar="NAME", default=SUPPRESS, help=purpose)
    if json:
        parser.flag("--json", f"print JSON{', with emails in full' if names_shoppers else ''}")


def add_masking(parser: Parser) -> None:
    masking = parser.add_mutually_exclusive_group()
    masking.add_argument("--unmask", action="store_true", help="show emails in full")
    masking.add_argument("--mask", action="store_true", help="mask emails in JSON too")


def add_theme(parser: Parser, default: str | None = None) -> None:
    parser.add_argument(
        "--theme", metavar="NAME", choices=THEMES, default=default, help=f"theme of the console: {', '.join(THEMES)}"
    )


UNVERIFIED_HELP: Final = "identity not verified yet: record it as RECEIVED and send nothing"


RESULT_FOLDER_HELP: Final = "folder for the files (BWP_DOWNLOAD_DIR)"


def add_timeout(parser: Parser, default: float | None, default_text: str = "") -> None:
    default_text = default_text or ("no limit" if default is None else f"{default:g}")
    parser.option("--timeout", "S", seconds, f"wait at most S seconds ({default_text})", default=default)


def add_regulation(parser: Parser, purpose: str) -> None:
    """Add which regulation sets due dates."""
    parser.option(
        "--regulation", "LAW", regulation, f"{purpose}: an id or a state; see: bwp-tui regulations (the profile's)"
    )


def add_sort(parser: Parser) -> None:
    """Add the option for the order of tasks; the command checks its names, which the parser does not import."""
    parser.option("--sort", "ORDER", clean_line, "newest, oldest, due, subject, status, …; --sort=-due reverses")
