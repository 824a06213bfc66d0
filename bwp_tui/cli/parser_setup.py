"""The grammar of the commands in `cli.setup`."""

from __future__ import annotations

from bwp_tui.cli.argparse_base import CommandParsers, add_subcommands
from bwp_tui.cli.argument_types import aws_account, aws_name, aws_region, new_path
from bwp_tui.cli.exit_codes import Effect
from bwp_tui.domain.cli_commands import CONFIG_SUBCOMMANDS, EVENT_SUBCOMMANDS, SHELLS
from bwp_tui.domain.letters import BUILT_IN_TEMPLATES


def add_setup_commands(commands: CommandParsers) -> None:
    """Add the commands that set the program up and check it."""
    login = commands.add("login", "login", json=False, effect=Effect.RUNS, package="setup")
    login.flag("--rotate", "replace the secret alone, where it is kept")
    logout = commands.add("logout", "login", json=False, effect=Effect.RUNS, package="setup")
    logout.flag("--yes", "do not ask")
    completion = commands.add(
        "completion", "completion", json=False, uses_profile=False, effect=Effect.READS, package="setup"
    )
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    doctor = commands.add("doctor", "doctor", names_shoppers=False, effect=Effect.READS, package="setup")
    doctor.option("--bundle", "FILE.zip", new_path, "a new file for a report of a fault, without emails and ids")
    _add_config(commands)
    _add_events(commands)


def _add_config(commands: CommandParsers) -> None:
    letters = add_subcommands(commands, "config", CONFIG_SUBCOMMANDS, changing=("adopt",))["letters"]
    letters.add_argument(
        "name", metavar="NAME", nargs="?", choices=tuple(BUILT_IN_TEMPLATES), help=", ".join(BUILT_IN_TEMPLATES)
    )
    letters.flag("--create", "write the built-in texts to the folder, to be changed; never over a file")


def _add_events(commands: CommandParsers) -> None:
    subcommands = add_subcommands(commands, "events", EVENT_SUBCOMMANDS, changing=("subscribe", "unsubscribe"))
    for parser in (subcommands["setup"], subcommands["subscribe"]):
        parser.option("--account", "ID", aws_account, "AWS account, 12 digits (the queue's)")
        parser.option("--region", "NAME", aws_region, "AWS region (the queue's)")
        parser.option("--source", "NAME", aws_name, "name of the event source, unique among all shops (the target id)")
    setup, unsubscribe = subcommands["setup"], subcommands["unsubscribe"]
    setup.option("--queue", "NAME", aws_name, "name of the queue (the profile's, or bwp-tui-events)")
    unsubscribe.add_argument("subscriptions", metavar="ID", nargs="*", help="subscription (all to privacy requests)")
    unsubscribe.flag("--yes", "do not ask")
