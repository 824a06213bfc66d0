"""Make the manual page of `bwp-tui` from the grammar of its command line."""

from __future__ import annotations

from argparse_manpage.manpage import Manpage

from bwp_tui import VERSION
from bwp_tui.cli.parser import build_parser


def manual() -> str:
    """Return the page in the format of `man`."""
    parser, _ = build_parser()
    page = Manpage(parser, {"project_name": parser.prog, "version": VERSION, "manual_title": "User commands"})
    page.description = parser.description
    return str(page)
