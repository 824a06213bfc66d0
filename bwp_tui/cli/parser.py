"""Define the grammar of the command line; a command's module is imported only when the command runs."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from functools import cache
from typing import Final

from bwp_tui import VERSION
from bwp_tui.cli.argparse_base import (
    RESPONSE_TIMEOUT_S,
    RESULT_FOLDER_HELP,
    TASK_HELP,
    UNVERIFIED_HELP,
    CommandParsers,
    GroupedHelp,
    Parser,
    add_common,
    add_masking,
    add_regulation,
    add_sort,
    add_theme,
    add_timeout,
)
from bwp_tui.cli.argument_types import (
    count,
    day,
    days,
    factor,
    fault,
    holding_period,
    new_path,
    port,
    result_folder,
    seconds,
    task_id,
)
from bwp_tui.cli.exit_codes import CONSOLE_DEFAULTS, Effect
from bwp_tui.cli.parser_operations import add_record_commands, add_service_commands, join_filters, minus_signs
from bwp_tui.cli.parser_setup import add_setup_commands
from bwp_tui.cli.parser_tables import add_tables
from bwp_tui.cli.support.streams import ROWS_ON_TERMINAL
from bwp_tui.domain.filter_fields import FIELDS, STATES
from bwp_tui.domain.letters import LetterKind
from bwp_tui.domain.task import LONGEST_HOLDING_PERIOD
from bwp_tui.domain.text import clean_line, did_you_mean
from bwp_tui.domain.times import DAY_FORMS
from bwp_tui.sandbox.faults import FAULTS

UNIT_KINDS: Final = ("user", "system")
"""The units of systemd that `run --print-unit` prints."""

QUEUE_ACTIONS: Final = ("pause", "resume", "cancel", "retry", "first")
"""Actions of `downloads`."""

_PLAIN_HELP: Final = "line by line, for screen readers; sentences instead of tables"

_EPILOG: Final = (
    "Without a command, the console opens. Exit codes: 0 done, 1 failed, 2 usage or settings, 3 no response, try again "
    "later, 4 not found, 130 interrupted."
)


def parse(words: Sequence[str]) -> Namespace:
    """Parse a command line; `command` is the module in `cli` and its function.

    Raises:
        SystemExit: usage is wrong (2), or help or the version was printed (0).
    """
    parser, commands = build_parser()
    words = join_filters(words)
    at = _command_at(parser, words, tuple(commands))
    words = [*words[: at + 1], *minus_signs("".join(words[at : at + 1]), words[at + 1 :])]
    arguments, rest = parser.parse_known_args(words)
    if "words" in arguments:
        # argparse takes such a list only from one place, and options may be between its words.
        arguments.words += [word for word in rest if word == "-" or not word.startswith("-")]
        rest = [word for word in rest if word != "-" and word.startswith("-")]
    if rest:
        # Only the names: a value may be a secret that someone tried to give as an option.
        names = ", ".join(word.split("=")[0] for word in rest if word.startswith("-"))
        of_command = commands.get(getattr(arguments, "command_name", None) or "", parser)
        may_be_filter = not names.startswith("--") and isinstance(getattr(arguments, "filter", None), list)
        hint = "; a filter that begins with - goes after --" if may_be_filter else ""
        of_command.error(f"unknown option: {names}{hint}" if names else "too many arguments")
    return arguments


def _command_at(parser: Parser, words: Sequence[str], known: tuple[str, ...]) -> int:
    """Return the index of the command among the words, or their number without one; reject an unknown command."""
    values_of = ("--profile", "--theme")
    previous = ""
    for at, word in enumerate(words):
        if not word.startswith("-") and previous not in values_of:
            if word not in known:
                parser.error(f"unknown command “{word}”{did_you_mean(word, known)}")
            return at
        previous = word
    return len(words)


@cache
def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """Return the grammar, and that of each command by its name."""
    parser = Parser(
        prog="bwp-tui",
        description="Privacy requests with Amazon's Buy with Prime API, from a terminal.",
        epilog=_EPILOG,
        formatter_class=GroupedHelp,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bwp-tui {VERSION}")
    add_common(parser, json=False)
    add_theme(parser)
    parser.flag("--plain", _PLAIN_HELP)
    parser.set_defaults(**CONSOLE_DEFAULTS)
    commands = CommandParsers(parser)
    _add_requests(commands)
    add_service_commands(commands)
    _add_reading(commands)
    _add_working(commands)
    add_record_commands(commands)
    add_tables(commands)
    _add_maintenance(commands)
    _add_archive(commands)
    add_setup_commands(commands)
    _add_practice(commands)
    return parser, commands.parsers


def _add_requests(commands: CommandParsers) -> None:
    submit = commands.add("submit", "submit", json=False)
    kinds = submit.add_subparsers(metavar="KIND", dest="kind", required=True, parser_class=Parser)
    retrieval = kinds.add_parser("retrieval", help="a copy of a shopper's data", allow_abbrev=False)
    _add_request(retrieval)
    retrieval.flag("--download", "download the result too; implies --wait")
    retrieval.option("--output", "DIR", result_folder, RESULT_FOLDER_HELP)
    retrieval.set_defaults(mask=False, alternative=False)
    deletion = kinds.add_parser("deletion", help="the erasure of a shopper's data", allow_abbrev=False)
    _add_request(deletion)
    deletion.set_defaults(download=False, output=None)
    deletion.option(
        "--holding-period",
        "DAYS",
        holding_period,
        f"days in which it can be cancelled, 0 to {LONGEST_HOLDING_PERIOD} (the profile's)",
    )
    deletion.option("--reason", "TEXT", clean_line, "stored by Amazon for audit")
    deletion.flag("--yes", "do not ask to type the email")

    track = commands.add("track", "submit")
    track.add_argument("kind", metavar="KIND", choices=("retrieval", "deletion"), help="retrieval or deletion")
    track.add_argument("task_id", metavar="TASK_ID", type=task_id, help="the whole task id")
    _add_receipt(track)
    add_timeout(track, RESPONSE_TIMEOUT_S)


def _add_request(parser: Parser) -> None:
    add_common(parser, json=True)
    parser.add_argument("email", metavar="EMAIL", help="the shopper's email")
    _add_receipt(parser)
    parser.option("--note", "TEXT", clean_line, "local note, not sent", default="")
    parser.option("--tag", "TEXT", clean_line, "tag; repeatable", action="append", default=[])
    parser.flag("--hold", UNVERIFIED_HELP, dest="awaits_verification")
    parser.flag("--wait", "wait until the task has ended, once the service has accepted it")
    add_timeout(parser, None, f"{RESPONSE_TIMEOUT_S:g}; with --wait no limit")


def _add_receipt(parser: Parser) -> None:
    parser.option("--received", "DATE", day, f"when the shopper asked, {DAY_FORMS} (today)")
    add_regulation(parser, "regulation that sets the due date")


def _add_reading(commands: CommandParsers) -> None:
    listing = commands.add(
        "list",
        "list",
        function="list_tasks",
        note='A filter: status:failed,on_hold kind:deletion age>2d -(due<7d or tag:vip) note:"left message" jane. '
        f"Quote it; put one that begins with - after --. Its fields: {', '.join(FIELDS)}. "
        f"Of is: {'; '.join(f'{state} ({meaning})' for state, meaning in STATES.items())}. "
        "JSON has emails in full unless --mask is given.",
        effect=Effect.READS,
    )
    listing.add_argument("filter", metavar="FILTER", nargs="*", help="which tasks (default: all)")
    listing.option("--view", "NAME", clean_line, "start from a view; see: bwp-tui views")
    add_sort(listing)
    _add_limit(listing)
    listing.flag("--sentences", "print a sentence for each task")
    add_masking(listing)

    show = commands.add(
        "show", "list", note="JSON has no timeline; see: bwp-tui evidence TASK --json.", effect=Effect.READS
    )
    show.add_argument("task", metavar="TASK", help=TASK_HELP)
    add_masking(show)

    commands.add("dashboard", "report", names_shoppers=False, effect=Effect.READS)

    sent = commands.add(
        "sent",
        "list",
        note="Tries are counted from the first that the service may have carried out; - is one that it did not.",
        effect=Effect.READS,
    )
    sent.add_argument("task", metavar="TASK", nargs="?", help=f"{TASK_HELP}; without one, all")
    _add_limit(sent)
    add_masking(sent)


def _add_limit(parser: Parser) -> None:
    purpose = f"print at most N ({ROWS_ON_TERMINAL} on a terminal, all with --json and in a pipe)"
    parser.option("--limit", "N", count, purpose)


def _add_working(commands: CommandParsers) -> None:
    wait = commands.add("wait", "service_operations", effect=Effect.RUNS)
    wait.add_argument("tasks", metavar="TASK", nargs="+", help=TASK_HELP)
    add_timeout(wait, None)

    queue = commands.add(
        "downloads",
        "downloads",
        note="Pause keeps the partial file; cancel deletes it. JSON has emails in full unless --mask is given.",
    )
    queue.add_argument(
        "action", metavar="ACTION", nargs="?", choices=QUEUE_ACTIONS, help=f"{', '.join(QUEUE_ACTIONS)} (default: list)"
    )
    queue.add_argument("tasks", metavar="TASK", nargs="*", help=TASK_HELP)
    _add_limit(queue)
    add_masking(queue)

    run = commands.add("run", "run", json=False, effect=Effect.RUNS)
    run.flag("--once", "do all work that is ready, then exit")
    run.flag("--verbose", "log each call of the service too")
    often = "how often to log a sign of life (3600)"
    run.option("--heartbeat", "SECONDS", seconds, often, default=3600.0)
    of_systemd = f"print a systemd unit of the engine: {' or '.join(UNIT_KINDS)}"
    run.add_argument("--print-unit", metavar="KIND", choices=UNIT_KINDS, help=of_systemd)


def _add_maintenance(commands: CommandParsers) -> None:
    backup = commands.add("backup", "backup", json=False, effect=Effect.RUNS)
    backup.add_argument("file", metavar="FILE", type=new_path, help="new file to create")

    restore = commands.add(
        "restore",
        "backup",
        json=False,
        note="The current history is kept aside and merged: of a task in both, all events are kept; where people "
        "contradict each other, it is to be checked. Nothing is sent twice.",
    )
    restore.add_argument("file", metavar="FILE", type=new_path, help="backup of this version or an older one")
    restore.flag("--yes", "do not ask")

    purge = commands.add(
        "purge",
        "purge",
        json=False,
        note="Kind, dates, outcome, error codes, who acted when and the hashes of downloads stay: the CCPA "
        "regulations ask for 24 months (§7101). --all removes them too. The daily backups are replaced, "
        "results in the profile's folder removed.",
    )
    purge.add_argument("filter", metavar="FILTER", nargs="*", help="which tasks, or numbers (default: all finished)")
    purge.option("--older-than", "D", days, "days since they finished, such as 90", required=True)
    purge.flag("--unanswered", "also tasks whose shopper still needs an answer")
    purge.flag("--keep-archives", "keep downloaded results on disk")
    purge.flag("--all", "remove the evidence too")
    purge.flag("--yes", "do not ask to type the number of tasks")


def _add_archive(commands: CommandParsers) -> None:
    inspect = commands.add("inspect", "archive", note="Of a FILE no email is known to be masked.", effect=Effect.READS)
    inspect.add_argument("task", metavar="TASK|FILE", help=f"{TASK_HELP}; or a .zip file")
    add_masking(inspect)

    pack = commands.add(
        "pack",
        "archive",
        note="The copy is encrypted with age; it needs the extra: pip install '.[pack]' in the clone.",
    )
    pack.add_argument("task", metavar="TASK", help=TASK_HELP)
    pack.add_argument("--recipient", metavar="KEY", required=True, help="age public key of the recipient, age1…")
    pack.option("--output", "FILE", new_path, "new file (default: beside the archive, with .age)")

    pack.option("--answered", "TEXT", clean_line, "record that the shopper got an answer today, and how")

    letter = commands.add(
        "letter",
        "letter",
        note="Without --to or --copy the text is printed. The timeline keeps the kind of letter and its SHA-256. "
        "Texts of your own: see bwp-tui config letters.",
    )
    letter.add_argument("kind", metavar="KIND", choices=[*map(str, LetterKind)], help=", ".join(LetterKind))
    letter.add_argument("task", metavar="TASK", help=TASK_HELP)
    target = letter.add_mutually_exclusive_group()
    target.add_argument("--to", metavar="FILE", type=new_path, help="a new file for the text")
    target.add_argument("--copy", action="store_true", help="copy the text to the clipboard")

    evidence = commands.add(
        "evidence",
        "evidence",
        effect=Effect.READS,
        note="--verify finds what another program changed in timelines and rows of tasks; without a task it checks all."
        " A signature also proves who made the document, and that it was not changed since.",
    )
    evidence.add_argument("tasks", metavar="TASK", nargs="*", help=TASK_HELP)
    evidence.flag("--mask", "mask the email everywhere")
    purpose = evidence.add_mutually_exclusive_group()
    purpose.add_argument("--verify", action="store_true", help="compare timelines and rows with their digests")
    purpose.add_argument(
        "--sign", metavar="KEY", type=new_path, help="sign with this SSH key; a public key is taken from the ssh-agent"
    )
    evidence.option("--to", "FILE", new_path, "with --sign: a new file for the document; the signature is FILE.sig")


def _add_practice(commands: CommandParsers) -> None:
    sandbox = commands.add(
        "sandbox",
        "sandbox",
        json=False,
        uses_profile=False,
        effect=Effect.RUNS,
        note="Without --serve each start begins with a new sample history: what an earlier sandbox recorded and "
        "downloaded is deleted.",
    )
    add_theme(sandbox, default=SUPPRESS)
    sandbox.flag("--plain", _PLAIN_HELP, default=SUPPRESS)
    sandbox.flag("--serve", "serve the API only; print the variables to export")
    sandbox.option("--port", "N", port, "port to listen on (default: any free port)", default=0)
    sandbox.option("--tasks", "N", count, "number of sample tasks (60)", default=60)
    sandbox.option("--speed", "X", factor, "how much faster days on hold pass; 86400 makes a day a second", default=1.0)
    sandbox.option("--seed", "N", count, "random seed (1)", default=1)
    sandbox.option(
        "--fault",
        "NAME[=RATE]",
        fault,
        f"fault to inject, at a rate above 0 and up to 1 (1); repeatable: {', '.join(FAULTS)}",
        action="append",
        default=[],
    )
