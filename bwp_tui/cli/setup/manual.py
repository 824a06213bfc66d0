"""Make the manual page of `bwp-tui` from the grammar of its command line."""

from __future__ import annotations

from argparse_manpage.manpage import Manpage

from bwp_tui import VERSION
from bwp_tui.cli.parser import build_parser
from bwp_tui.domain.cli_commands import COMMAND_GROUPS


def manual() -> str:
    """Return the page in the format of `man`."""
    parser, commands = build_parser()
    page = Manpage(parser, {"project_name": parser.prog, "version": VERSION, "manual_title": "User commands"})
    page.description = parser.description
    groups = {group: [name for name, command in commands.items() if command.group == group] for group in COMMAND_GROUPS}
    page.add_section(
        "commands by purpose",
        "=",
        "\n".join(f".TP\n.B {group}\n{', '.join(groups[group])}" for group in COMMAND_GROUPS),
    )
    return str(page)
