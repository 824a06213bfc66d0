"""The grammar of the command line. What a command does is imported when it is the one that was typed."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from typing import Final

from bwp_tui import VERSION
from bwp_tui.cli.argparse_base import (
    ANSWER_TIMEOUT_S,
    TASK_HELP,
    Commands,
    Parser,
    add_common,
    add_masking,
    add_theme,
    add_timeout,
)
from bwp_tui.cli.argument_types import count, day, days, factor, hold, new_path, one_line, port, task_id
from bwp_tui.cli.exit_codes import Effect
from bwp_tui.cli.parser_records import add_choice, add_sort, add_tables, add_triage, join_filters, minus_signs
from bwp_tui.domain.deadlines import REGULATIONS
from bwp_tui.domain.holding_periods import same_hold
from bwp_tui.domain.task import DEFAULT_HOLDING_PERIOD, LONGEST_HOLDING_PERIOD
from bwp_tui.domain.text import nearest

SHOWN: Final = 100
"""Tasks that `list` prints unless it is told otherwise."""

QUEUE_ACTIONS: Final = ("pause", "resume", "cancel", "retry", "first")
"""What `downloads` does to the downloads of tasks."""

_EPILOG: Final = (
    "Without a command the console opens. Exit codes: 0 done, 1 failed, 2 usage or settings, 3 no answer: try again "
    "later, 4 not found, 130 interrupted."
)


def parse(words: Sequence[str]) -> Namespace:
    """Return the parsed command line; `command` is the module of this room and the function that carry it out.

    Raises:
        SystemExit: it is wrong (2), or asked for help or the version (0); the text has been printed.
    """
    parser, commands = _parser()
    words = join_filters(words)
    at = _command_at(parser, words, tuple(commands))
    if words[at:][:1] == ["tag"]:
        words = [*words[: at + 1], *minus_signs(words[at + 1 :])]
    arguments, rest = parser.parse_known_args(words)
    if "words" in arguments:
        # argparse takes such a list only from one place, and options may stand between its words.
        arguments.words += [word for word in rest if word == "-" or not word.startswith("-")]
        rest = [word for word in rest if word != "-" and word.startswith("-")]
    if rest:
        # Only the names: a value may be a secret that someone tried to give as an option.
        names = ", ".join(word.split("=")[0] for word in rest if word.startswith("-")) or "one argument too many"
        chosen = commands.get(getattr(arguments, "chosen", None) or "", parser)
        chosen.error(f"not understood: {names}")
    return arguments


def _command_at(parser: Parser, words: Sequence[str], known: tuple[str, ...]) -> int:
    """Return where the command stands, or the number of words; refuse one that there is not, with the nearest."""
    values_of = ("--profile", "--theme")
    previous = ""
    for at, word in enumerate(words):
        if not word.startswith("-") and previous not in values_of:
            if word not in known:
                guess = nearest(word, known)
                parser.error(f"there is no command “{word}”{f'; did you mean {guess}?' if guess else ''}")
            return at
        previous = word
    return len(words)


def _parser() -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(
        prog="bwp-tui",
        description="Privacy requests with Amazon's Buy with Prime API, from a terminal.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bwp-tui {VERSION}")
    parser.add_argument("--profile", metavar="NAME", help="the shop to work with (BWP_PROFILE)")
    add_theme(parser)
    parser.add_argument("--plain", action="store_true", help="line by line, for a screen reader; no drawing")
    parser.set_defaults(command=("console", "console"), chosen=None, effect=Effect.WORKS)
    commands = Commands(parser)
    _add_requests(commands)
    _add_reading(commands)
    _add_working(commands)
    add_triage(commands)
    add_tables(commands)
    _add_keeping(commands)
    _add_saved(commands)
    _add_config(commands)
    _add_practice(commands)
    return parser, commands.parsers


def _add_requests(commands: Commands) -> None:
    submit = commands.add("submit", "submit", "record a request, send it, and print its task", json=False)
    kinds = submit.add_subparsers(metavar="KIND", dest="kind", required=True, parser_class=Parser)
    retrieval = kinds.add_parser("retrieval", help="a copy of a shopper's data", allow_abbrev=False)
    _add_request(retrieval)
    deletion = kinds.add_parser("deletion", help="the erasure of a shopper's data", allow_abbrev=False)
    _add_request(deletion)
    deletion.add_argument(
        "--holding-period",
        metavar="DAYS",
        type=int,
        help=f"days in which it can be cancelled, 0 to {LONGEST_HOLDING_PERIOD} (default {DEFAULT_HOLDING_PERIOD})",
    )
    deletion.add_argument("--reason", metavar="TEXT", type=one_line, help="kept by the service for auditing")
    deletion.add_argument("--yes", action="store_true", help="do not ask for the address once more")

    track = commands.add("track", "submit", "adopt a task that was submitted elsewhere")
    track.add_argument("kind", metavar="KIND", choices=("retrieval", "deletion"), help="retrieval or deletion")
    track.add_argument("task_id", metavar="TASK_ID", type=task_id, help="the whole task id")
    _add_receipt(track)
    add_timeout(track, ANSWER_TIMEOUT_S)

    resubmit = commands.add("resubmit", "submit", "submit failed tasks again, as new ones")
    add_choice(resubmit)
    resubmit.add_argument(
        "--holding-period",
        metavar="DAYS",
        type=hold,
        default=same_hold,
        help="days for deletions, or fit: as long as still ends by the due date (default: as they were)",
    )
    resubmit.add_argument("--note", metavar="TEXT", type=one_line, default="", help="a note on the new tasks")
    add_timeout(resubmit, ANSWER_TIMEOUT_S)

    settle = commands.add("settle", "settle", "decide about a request that was sent and never answered")
    settle.add_argument("task", metavar="TASK", help=TASK_HELP)
    decision = settle.add_mutually_exclusive_group(required=True)
    decision.add_argument("--task-id", metavar="ID", type=task_id, help="its task id at the service: it is tracked on")
    decision.add_argument("--give-up", metavar="REASON", type=one_line, help="close it, for a reason that is kept")
    add_timeout(settle, ANSWER_TIMEOUT_S)

    cancel = commands.add("cancel", "submit", "cancel deletions while they are on hold")
    add_choice(cancel)
    add_timeout(cancel, ANSWER_TIMEOUT_S)


def _add_request(parser: Parser) -> None:
    add_common(parser, json=True)
    parser.add_argument("email", metavar="EMAIL", help="the shopper's address")
    _add_receipt(parser)
    parser.add_argument("--note", metavar="TEXT", type=one_line, default="", help="kept here, never sent")
    parser.add_argument(
        "--tag", metavar="TEXT", type=one_line, action="append", default=[], help="a word to find it by; repeatable"
    )
    add_timeout(parser, ANSWER_TIMEOUT_S)


def _add_receipt(parser: Parser) -> None:
    parser.add_argument("--received", metavar="DATE", type=day, help="when the shopper asked, YYYY-MM-DD (today)")
    parser.add_argument(
        "--regulation", choices=tuple(REGULATIONS), default="gdpr", help="which law sets the due date (gdpr)"
    )


def _add_reading(commands: Commands) -> None:
    listing = commands.add(
        "list",
        "list_show",
        "print the tasks that fit a filter, the newest first",
        function="list_tasks",
        note='A filter: status:failed,on_hold kind:deletion age>2d due<7d tag:vip note:"left message" jane. '
        "Quote it; one that begins with - goes behind --. JSON holds addresses in full unless --mask is given.",
        effect=Effect.READS,
    )
    listing.add_argument("filter", metavar="FILTER", nargs="*", help="which tasks (all)")
    listing.add_argument("--view", metavar="NAME", type=one_line, help="a view, built in or saved; see: bwp-tui views")
    add_sort(listing)
    listing.add_argument("--limit", metavar="N", type=count, default=SHOWN, help=f"at most so many ({SHOWN})")
    listing.add_argument("--sentences", action="store_true", help="a sentence a task, instead of a table")
    add_masking(listing)

    show = commands.add("show", "list_show", "print all that is known of a task", effect=Effect.READS)
    show.add_argument("task", metavar="TASK", help=TASK_HELP)
    add_masking(show)

    commands.add(
        "dashboard",
        "dashboard",
        "count tasks, due dates, times, failures and downloads of the whole register",
        effect=Effect.READS,
    )

    sent = commands.add("sent", "sent", "print what was asked of the service, the newest first", effect=Effect.READS)
    sent.add_argument("task", metavar="TASK", nargs="?", help=f"{TASK_HELP}; without one, all")
    sent.add_argument("--limit", metavar="N", type=count, default=SHOWN, help=f"at most so many ({SHOWN})")
    add_masking(sent)


def _add_working(commands: Commands) -> None:
    refresh = commands.add("refresh", "service", "ask the service about tasks now", effect=Effect.WORKS)
    add_choice(refresh, without="all active ones")
    add_timeout(refresh, ANSWER_TIMEOUT_S)

    wait = commands.add("wait", "service", "wait until tasks have ended; 0 when all are COMPLETED", effect=Effect.WORKS)
    wait.add_argument("tasks", metavar="TASK", nargs="+", help=TASK_HELP)
    add_timeout(wait, None)

    download = commands.add("download", "service", "download the results of retrievals and print where they lie")
    add_choice(download)
    download.add_argument("--output", metavar="DIR", type=new_path, help="the folder to put them in (BWP_DOWNLOAD_DIR)")
    download.add_argument("--mask", action="store_true", help="mask addresses in what is printed, paths and JSON too")
    download.add_argument("--again", action="store_true", help="fetch anew what is saved already")
    add_timeout(download, None)

    queue = commands.add(
        "downloads",
        "downloads",
        "list the downloads, or pause, resume, cancel, retry or bring forward those of tasks",
        note="Pausing keeps what has come, cancelling does not. JSON holds addresses in full unless --mask is given.",
    )
    queue.add_argument(
        "deed", metavar="ACTION", nargs="?", choices=QUEUE_ACTIONS, help=f"{', '.join(QUEUE_ACTIONS)} (list them)"
    )
    queue.add_argument("tasks", metavar="TASK", nargs="*", help=TASK_HELP)
    queue.add_argument("--limit", metavar="N", type=count, default=SHOWN, help=f"list at most so many ({SHOWN})")
    add_masking(queue)

    run = commands.add("run", "service", "be the engine, without a screen", json=False, effect=Effect.WORKS)
    run.add_argument("--once", action="store_true", help="do all that is due, then end")

    commands.add(
        "doctor", "doctor", "check settings, credentials, service, clock, files and terminal", effect=Effect.READS
    )


def _add_keeping(commands: Commands) -> None:
    backup = commands.add(
        "backup", "maintenance", "copy the history to a new file, while it is in use", json=False, effect=Effect.WORKS
    )
    backup.add_argument("file", metavar="FILE", type=new_path, help="a file that is not there yet")

    restore = commands.add(
        "restore",
        "maintenance",
        "put a backup in the place of the history",
        json=False,
        note="The present history is set aside. Tasks that the backup does not know are taken over from it; of a task "
        "that both know, the later state is kept, and what was sent is not sent again.",
    )
    restore.add_argument(
        "file", metavar="FILE", type=new_path, help="a backup made by bwp-tui, of this version or an older one"
    )
    restore.add_argument("--yes", action="store_true", help="do not ask")

    purge = commands.add(
        "purge",
        "maintenance",
        "remove the personal data of finished tasks, and keep the evidence",
        json=False,
        note="Kind, dates, outcome, error codes, who acted when and the hashes of downloads stay: the CCPA "
        "regulations ask for 24 months (§7101). --all removes them too. Backups made by bwp-tui are replaced, "
        "results in the profile's folder removed.",
    )
    purge.add_argument("filter", metavar="FILTER", nargs="*", help="which tasks (all that are finished)")
    purge.add_argument(
        "--older-than", metavar="D", type=days, required=True, help="days since they ended, such as 90 or 90d"
    )
    purge.add_argument("--unanswered", action="store_true", help="also those whose shoppers are still to be answered")
    purge.add_argument("--keep-archives", action="store_true", help="leave downloaded results on disk")
    purge.add_argument("--all", action="store_true", help="remove the evidence too")
    purge.add_argument("--yes", action="store_true", help="do not ask for the number of tasks")


def _add_saved(commands: Commands) -> None:
    inspect = commands.add(
        "inspect", "inspect_archive", "list what a saved result holds, without unpacking it", effect=Effect.READS
    )
    inspect.add_argument("task", metavar="TASK|FILE", help=f"{TASK_HELP}; or a .zip file")

    pack = commands.add(
        "pack",
        "pack",
        "write an encrypted copy of a saved result, and a receipt beside it",
        note="The copy is encrypted with age; it needs the extra: pip install '.[pack]' in the clone.",
    )
    pack.add_argument("task", metavar="TASK", help=TASK_HELP)
    pack.add_argument("--recipient", metavar="KEY", required=True, help="the age public key of who may open it, age1…")
    pack.add_argument(
        "--output", metavar="FILE", type=new_path, help="a new file (the result's name with .age, beside it)"
    )

    evidence = commands.add(
        "evidence", "evidence", "print the record of one request: each step, by whom, and hashes", effect=Effect.READS
    )
    evidence.add_argument("task", metavar="TASK", help=TASK_HELP)
    evidence.add_argument("--mask", action="store_true", help="mask the address wherever it stands")


def _add_config(commands: Commands) -> None:
    config = commands.add(
        "config", "config", "tell where the settings are, what they come to, what is wrong", effect=Effect.READS
    )
    deeds = config.add_subparsers(metavar="DEED", required=True, parser_class=Parser)
    for name, purpose in (
        ("path", "where the config file is, or would be"),
        ("show", "what file, environment and defaults come to; never the secret"),
        ("validate", "each mistake of file and environment"),
        ("adopt", "have the history belong to the shop of these settings from now on"),
    ):
        deed = deeds.add_parser(name, help=purpose, allow_abbrev=False)
        effect = Effect.CHANGES if name == "adopt" else Effect.READS
        deed.set_defaults(command=("config", name), effect=effect)
        deed.add_argument("--profile", metavar="NAME", default=SUPPRESS, help="the shop to work with (BWP_PROFILE)")
        deed.add_argument("--json", action="store_true", default=SUPPRESS, help="print JSON")


def _add_practice(commands: Commands) -> None:
    sandbox = commands.add(
        "sandbox", "sandbox", "practise on an API of our own, with made-up shoppers", json=False, effect=Effect.WORKS
    )
    add_theme(sandbox, default=SUPPRESS)
    sandbox.add_argument("--serve", action="store_true", help="the API alone; prints the BWP_* variables")
    sandbox.add_argument("--port", metavar="N", type=port, default=0, help="where it listens (any free one)")
    sandbox.add_argument("--tasks", metavar="N", type=count, default=60, help="tasks of the past (60)")
    sandbox.add_argument(
        "--speed",
        metavar="X",
        type=factor,
        default=1.0,
        help="days of hold go X times faster; 86400 makes a day a second",
    )
    sandbox.add_argument("--seed", metavar="N", type=int, default=1, help="another one makes other shoppers (1)")
    sandbox.add_argument(
        "--fault", metavar="NAME[=RATE]", action="append", default=[], help="something that goes wrong; repeatable"
    )
