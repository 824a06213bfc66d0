"""Define the grammar of the commands that import, export and report many requests, and of the views."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bwp_tui.cli.argparse_base import UNVERIFIED_HELP, CommandParsers, Parser, add_regulation, add_sort, add_subcommand
from bwp_tui.cli.argument_types import any_day, new_path
from bwp_tui.cli.exit_codes import Effect
from bwp_tui.domain.text import clean_line

_FORMATS: Final = ("csv", "jsonl", "json")


def add_tables(commands: CommandParsers) -> None:
    """Add `import`, `export`, `report`, `regulations` and `views`."""
    _add_import(commands)
    export = commands.add("export", "export", json=False, effect=Effect.READS)
    export.add_argument("words", metavar="FILTER… FILE", nargs="+", help="which tasks (all), then a new file, or -")
    export.add_argument("--format", choices=_FORMATS, default="csv", help="csv, JSON lines, or one JSON array (csv)")
    export.add_argument("--bom", action="store_true", help="begin CSV with a byte-order mark, which Excel wants")
    export.add_argument("--unmask", action="store_true", help="write emails in full")

    report = commands.add("report", "report", effect=Effect.READS)
    report.add_argument(
        "--from", dest="first", metavar="DATE", type=any_day, required=True, help="first day of receipt"
    )
    report.add_argument("--to", dest="last", metavar="DATE", type=any_day, required=True, help="last day of receipt")
    report.add_argument("--csv", action="store_true", help="print a CSV file")

    commands.add("regulations", "report", effect=Effect.READS)

    views = commands.add("views", "list", function="list_views", effect=Effect.READS)
    subcommands = views.add_subparsers(metavar="ACTION", parser_class=Parser)
    in_module = "commands.list"
    add_subcommand(subcommands, "list", "print them, the built-in ones first", (in_module, "list_views"))
    save = add_subcommand(subcommands, "save", "save a filter under a name", (in_module, "save_view"), Effect.CHANGES)
    save.add_argument("name", metavar="NAME", type=clean_line)
    save.add_argument("filter", metavar="FILTER", nargs="*", help="which tasks (all)")
    add_sort(save)
    save.add_argument("--columns", metavar="A,B", type=clean_line, default="", help="the columns the console shows")
    save.add_argument("--replace", action="store_true", help="replace the view of this name")
    delete = add_subcommand(subcommands, "delete", "remove a saved view", (in_module, "delete_view"), Effect.CHANGES)
    delete.add_argument("name", metavar="NAME", type=clean_line)


def _add_import(commands: CommandParsers) -> None:
    importing = commands.add(
        "import",
        "import_csv",
        function="import_file",
        json=False,
        note="The first line names the columns: kind and email, and any of received, regulation, holding_period, "
        "reason, note, tags. A kind is retrieval (retrieve, access, copy, dsar) or deletion (delete, erasure, erase). "
        "A regulation is an id or a state's name. Commas, semicolons or bars are between tags. The requests are "
        "sent while a bwp-tui runs.",
    )
    importing.add_argument("file", metavar="FILE.csv", type=Path, help="a file or a pipe; - is stdin")
    importing.add_argument("--dry-run", action="store_true", help="check the file and record nothing")
    importing.add_argument("--receipt", metavar="FILE", type=new_path, help="a new file for the result of each line")
    add_regulation(importing, "for lines that name none")
    importing.add_argument("--hold", dest="awaits_verification", action="store_true", help=UNVERIFIED_HELP)
    importing.add_argument("--again", action="store_true", help="import a file that was imported before")
    importing.add_argument(
        "--answers",
        action="store_true",
        help="the lines are answers to shoppers: task or number, or email and kind; how; on (today); in_part",
    )
    importing.add_argument("--yes", action="store_true", help="do not ask for the number of deletions or answers")
