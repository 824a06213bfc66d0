"""`bwp-tui import`: record the requests of a CSV file, or the answers to shoppers."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.days import require_same_day, today
from bwp_tui.cli.support.new_text_file import check_is_new, new_text_file
from bwp_tui.cli.support.progress_line import ProgressLine
from bwp_tui.cli.support.questions import can_ask, require_typed, require_yes
from bwp_tui.cli.support.session import CommandSession, chosen_profile, open_session, require_credentials
from bwp_tui.cli.support.streams import print_message
from bwp_tui.domain.csv_table import CsvError, format_row
from bwp_tui.domain.deadlines import (
    day_warning,
    late_end,
    longest_fitting_hold,
    longest_hold_if_extended,
    statutory_due_date,
)
from bwp_tui.domain.regulations import not_in_force_warning
from bwp_tui.domain.task import Kind, Request
from bwp_tui.domain.text import clean_line, counted, format_size
from bwp_tui.domain.times import file_stamp, utc_now
from bwp_tui.store.commands import answer_import, csv_import
from bwp_tui.store.commands.csv_import import CheckedFile, CheckedLine, ImportDefaults, ImportPlan
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import EngineState

_MAX_BYTES: Final = 64_000_000
"""Largest size of a file, in bytes."""

_Plan = TypeVar("_Plan", bound=CheckedFile[Any])


def import_file(arguments: Namespace) -> None:
    """Record the requests of a CSV file, all of them or none."""
    if arguments.answers:
        _import_answers(arguments)
        return
    file: Path = arguments.file
    receipt: Path | None = arguments.receipt
    if receipt is not None:
        check_is_new(receipt)
    data, is_file = _read(file)
    if not arguments.dry_run:
        require_credentials(chosen_profile(arguments))
    with open_session(arguments, changes=not arguments.dry_run) as session:
        regulation, hold = arguments.regulation or session.profile.regulation, session.profile.holding_period
        day = today()
        defaults = ImportDefaults(day, regulation, hold, awaits_verification=arguments.awaits_verification)
        progress = ProgressLine("checking", data.count(b"\n"))
        planned = _checked(lambda: csv_import.plan(session.store, data, defaults, progress), "requests")
        _check_first_import(planned, again=arguments.again)
        _print_summary(planned, file)
        if planned.wrong_lines or arguments.dry_run:
            if receipt is not None:
                _write_receipt(receipt, planned, ())
            _end_without_recording(len(planned.wrong_lines))
            return
        if not arguments.yes:
            _confirm(planned, is_sent=not arguments.awaits_verification)
            require_same_day(day)
        progress = ProgressLine("recording", len(planned.lines))
        numbers = csv_import.import_requests(session.store, planned, session.actor, progress)
        engine = engine_state.read(session.store)
    if receipt is not None or is_file:
        beside = file.with_name(f"{file.stem}.receipt-{file_stamp(utc_now())}.csv")
        _save_receipt(receipt or beside, planned, numbers)
    numbered = f"#{numbers[0]}" if len(numbers) == 1 else f"#{numbers[0]} to #{numbers[-1]}"
    print(f"{counted(len(numbers), 'request')} recorded, {numbered}.")
    if arguments.awaits_verification:
        print_message("RECEIVED and not sent. For each: bwp-tui verify TASK --how TEXT, then bwp-tui send TASK.")
        return
    kinds = {line.content.kind for line in planned.lines if line.content}
    if not session.profile.deletions_need_approval or Kind.DELETION not in kinds:
        _print_when_sent(session, engine, "Requests")
        return
    print_message("Deletions are UNAPPROVED and not sent before another person runs: bwp-tui approve TASK.")
    if Kind.RETRIEVAL in kinds:
        _print_when_sent(session, engine, "Retrievals")


def _import_answers(arguments: Namespace) -> None:
    """Record the answers of a CSV file, all of them or none."""
    if arguments.receipt is not None or arguments.again or arguments.awaits_verification:
        raise CommandError("--receipt, --again and --hold are for requests, not for answers.")
    data, _ = _read(arguments.file)
    with open_session(arguments, changes=not arguments.dry_run) as session:
        day = today()
        planned = _checked(lambda: answer_import.plan(session.store, data, day), "answers")
        _print_wrong_lines(planned)
        wrong = len(planned.wrong_lines)
        count = len(planned.lines) - wrong
        print_message(f"{_source_name(arguments.file)}: {counted(count, 'answer')}, {counted(wrong, 'invalid line')}.")
        _print_ignored_headings(planned.ignored)
        if wrong or arguments.dry_run:
            _end_without_recording(wrong)
            return
        if not arguments.yes:
            require_typed(f"This records {counted(count, 'answer')} to shoppers.", str(count))
            require_same_day(day)
        numbers = answer_import.record_answers(session.store, planned, session.actor, day)
    print(f"{counted(len(numbers), 'answer')} recorded.")


def _print_when_sent(session: CommandSession, engine: EngineState, what: str) -> None:
    from bwp_tui.engine.runtime.lease import NOT_RESPONDING, misses_heartbeats

    if not session.has_engine():
        print_message(f"{what} are sent while bwp-tui runs with this profile, such as: bwp-tui run --once.")
        return
    is_stalled = misses_heartbeats(session.profile.lease_path)
    if limitation := NOT_RESPONDING if is_stalled else engine.limitation:
        print_message(f"The engine {limitation}. {what} are not sent yet; see: bwp-tui doctor.")
    else:
        print_message(f"{what} are sent by the engine that runs for this profile.")


def _source_name(file: Path) -> str:
    return "stdin" if str(file) == "-" else str(file)


def _read(file: Path) -> tuple[bytes, bool]:
    """Read a file, a pipe or (`-`) stdin; return the content and whether a receipt can be written beside it."""
    path = Path("/dev/stdin") if str(file) == "-" else file
    if path.is_dir() or not path.exists():
        raise CommandError(f"There is no file {file}.", ExitCode.NOT_FOUND)
    is_file = path.is_file() and path.parent != Path("/dev") and path.parts[:2] != ("/", "proc")
    with path.open("rb") as source:
        data = source.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise CommandError(
            f"{_source_name(file)} is larger than {format_size(_MAX_BYTES)}; split it. Nothing was imported."
        )
    return data, is_file


def _checked(plan: Callable[[], _Plan], what: str) -> _Plan:
    """Return what `plan` makes of a file of requests or answers, as `what` says; it must have some."""
    try:
        planned = plan()
    except CsvError as error:
        raise CommandError(f"Line {error.line}: {clean_line(str(error))} Nothing was imported.") from None
    if not planned.lines:
        raise CommandError(f"The file has no {what} below its column names. Nothing was imported.")
    return planned


def _print_summary(planned: ImportPlan, file: Path) -> None:
    """Print each invalid line, each possible duplicate, and the totals."""
    _print_wrong_lines(planned)
    for line in planned.lines:
        if line.duplicate is not None:
            print_message(f"Line {line.number} may be a duplicate: {clean_line(line.duplicate)}.")
    warned = [
        (line.number, warning) for line in planned.lines if line.content and (warning := _day_warning(line.content))
    ]
    if warned:
        first, warning = warned[0]
        print_message(
            f"{counted(len(warned), 'line')} with a doubtful date of receipt, first in line {first}: {warning}"
        )
    _print_late(planned, today())
    _print_ignored_headings(planned.ignored)
    print_message(
        f"{_source_name(file)}: {counted(planned.count(Kind.RETRIEVAL), 'retrieval')}, "
        f"{counted(planned.count(Kind.DELETION), 'deletion')}, "
        f"{counted(planned.duplicates, 'possible duplicate')}, {counted(len(planned.wrong_lines), 'invalid line')}."
    )


def _print_late(planned: ImportPlan, day: date) -> None:
    """Print how many requests are overdue, how many may become so, and what can help those."""
    overdue: list[int] = []
    late: list[int] = []
    helps: Counter[str] = Counter()
    for line in planned.lines:
        request = line.content
        if request is None or late_end(request, day) is None:
            continue
        due = statutory_due_date(request.regulation, request.received_on)
        if due is None or due < day:
            overdue.append(line.number)
            continue
        late.append(line.number)
        if request.kind is Kind.DELETION and longest_fitting_hold(day, due) is not None:
            helps["a shorter holding_period"] += 1
        elif (longest := longest_hold_if_extended(request.regulation, request.received_on, day)) is not None:
            is_short = (request.holding_period or 0) <= longest
            helps["an extension" if is_short else "an extension with a shorter holding_period"] += 1
    if overdue:
        are = "is" if len(overdue) == 1 else "are"
        print_message(f"{counted(len(overdue), 'request')} {are} overdue already, first in line {overdue[0]}.")
    if late:
        help_ = ", ".join(f"{what} can help {count}" for what, count in helps.items())
        ending = f": {help_}." if help_ else "."
        print_message(f"{counted(len(late), 'request')} may end after the due date, first in line {late[0]}{ending}")


def _print_wrong_lines(planned: CheckedFile[Any]) -> None:
    for line in planned.wrong_lines:
        print_message(f"Line {line.number} is invalid: {' '.join(line.mistakes)}")


def _day_warning(request: Request) -> str | None:
    """Return what is unlikely of the day of receipt, or None."""
    return day_warning(request.received_on, today()) or not_in_force_warning(request.regulation, request.received_on)


def _print_ignored_headings(headings: Sequence[str]) -> None:
    if headings:
        print_message(f"Ignored columns: {clean_line(', '.join(headings))}.")


def _end_without_recording(wrong_lines: int) -> None:
    if wrong_lines:
        raise CommandError(f"Nothing was imported: fix {counted(wrong_lines, 'invalid line')} and retry.")
    print_message("Dry run: nothing was imported.")


def _check_first_import(planned: ImportPlan, *, again: bool) -> None:
    if planned.imported_before and not again:
        raise CommandError(
            f"This file was imported before, and the history has {counted(planned.imported_before, 'request')} of it. "
            "Nothing was imported; use --again to import it anyway.",
            ExitCode.FAILED,
        )


def _confirm(planned: ImportPlan, *, is_sent: bool) -> None:
    """Have the number of deletions that are sent typed; at a terminal, have possible duplicates confirmed."""
    count = planned.count(Kind.DELETION)
    if not (count and is_sent):
        if planned.duplicates and can_ask():
            require_yes(f"Import with {counted(planned.duplicates, 'possible duplicate')}?")
        return
    require_typed(f"This records {counted(count, 'deletion')} of shoppers' data.", str(count))


def _save_receipt(path: Path, planned: ImportPlan, numbers: Sequence[int]) -> None:
    try:
        _write_receipt(path, planned, numbers)
    except (OSError, CommandError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        print_message(f"The receipt {path} could not be written ({why}); the requests are imported.")
    else:
        print_message(f"Receipt: {path}")


def _write_receipt(path: Path, planned: ImportPlan, numbers: Sequence[int]) -> None:
    recorded = iter(numbers)
    with new_text_file(path) as file:
        file.write(format_row(("line", "result", "reason", "number")))
        for line in planned.lines:
            number = next(recorded, None) if line.content is not None else None
            file.write(format_row((str(line.number), *_result(line, number), "" if number is None else str(number))))


def _result(line: CheckedLine[Request], number: int | None) -> tuple[str, str]:
    """Return what became of a line, and what speaks against it."""
    if line.mistakes:
        return "wrong", " ".join(line.mistakes)
    reasons = [f"possible duplicate: {clean_line(line.duplicate)}"] if line.duplicate else []
    if number is None:
        reasons.append("not recorded")
    return "right" if number is None else "recorded", "; ".join(reasons)
