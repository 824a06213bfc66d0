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
    export.add_argument(
        "words", metavar="FILTER… FILE", nargs="+", help="which tasks (default: all), then a new file, or -"
    )
    export.add_argument("--format", choices=_FORMATS, default="csv", help="csv, JSON lines, or one JSON array (csv)")
    export.flag("--bom", "begin CSV with a byte-order mark, which Excel wants")
    export.flag("--unmask", "write emails in full")

    report = commands.add("report", "report", names_shoppers=False, effect=Effect.READS)
    report.option("--from", "DATE", any_day, "first day of receipt", dest="first", required=True)
    report.option("--to", "DATE", any_day, "last day of receipt", dest="last", required=True)
    report.flag("--csv", "print a CSV file")

    commands.add("regulations", "report", names_shoppers=False, uses_profile=False, effect=Effect.READS)

    views = commands.add("views", "list", function="list_views", names_shoppers=False, effect=Effect.READS)
    subcommands = views.add_subparsers(metavar="ACTION", parser_class=Parser)
    in_module = "commands.list"
    add_subcommand(subcommands, "list", "print them, the built-in ones first", (in_module, "list_views"))
    save = add_subcommand(subcommands, "save", "save a filter under a name", (in_module, "save_view"), Effect.CHANGES)
    save.add_argument("name", metavar="NAME", type=clean_line)
    save.add_argument("filter", metavar="FILTER", nargs="*", default=[], help="which tasks (default: all)")
    add_sort(save)
    save.option("--columns", "A,B", clean_line, "the columns the console shows", default="")
    save.flag("--replace", "replace the view of this name")
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
    importing.flag("--dry-run", "check the file and record nothing")
    importing.option("--receipt", "FILE", new_path, "a new file for the result of each line")
    add_regulation(importing, "for lines that name none")
    importing.flag("--hold", UNVERIFIED_HELP, dest="awaits_verification")
    importing.flag("--again", "import a file that was imported before")
    importing.flag(
        "--answers", "the lines are answers to shoppers: task or number, or email and kind; how; on (today); in_part"
    )
    importing.flag("--yes", "do not ask for the number of deletions or answers")
