"""`bwp-tui inspect`: what an archive holds, without unpacking it."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from bwp_tui.archive.entry import Entry
from bwp_tui.archive.limits import BadArchive
from bwp_tui.archive.reading import Archive
from bwp_tui.archive.verify import check
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import open_session, print_note
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.domain.text import clean_line
from bwp_tui.store.commands import result_files
from bwp_tui.store.queries import tasks

_HEADINGS = ("SIZE", "PACKED", "MODIFIED", "NAME")


def inspect(arguments: Namespace) -> ExitCode:
    """Check an archive and print its entries."""
    path = _path(arguments)
    try:
        with Archive(path) as archive:
            entries = archive.entries
        if arguments.json:
            print_json([_record(entry) for entry in entries])
        else:
            print("\n".join(_table(entries)))
        for remark in check(path):
            print_note(remark)
    except BadArchive as error:
        raise CommandError(ExitCode.FAILED, str(error)) from None
    return ExitCode.DONE


def _path(arguments: Namespace) -> Path:
    """Return the file that is meant: what looks like one, or else the saved result of a task."""
    word: str = arguments.task
    if os.sep in word or word.lower().endswith(".zip"):
        return Path(word)
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, word)
    why_not = result_files.cannot_open_result(task)
    if why_not or task.download is None or task.download.path is None:
        raise CommandError(
            ExitCode.FAILED, why_not or f"The result of {task.name} is not saved yet; download it first."
        )
    path = Path(task.download.path)
    if not path.exists():
        raise CommandError(
            ExitCode.FAILED, f"{path} is no longer there; bwp-tui download {task.number} fetches it again."
        )
    return path


def _record(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "folder": entry.is_folder,
        "size": entry.size,
        "packed": entry.packed,
        "modified": entry.modified.isoformat() if entry.modified else None,
        "flaws": list(entry.flaws),
    }


def _table(entries: tuple[Entry, ...]) -> list[str]:
    rows = [_HEADINGS, *(_cells(entry) for entry in entries)]
    sizes, packed = (max(len(row[column]) for row in rows) for column in (0, 1))
    return [f"{row[0]:>{sizes}}  {row[1]:>{packed}}  {row[2]:<16}  {row[3]}" for row in rows]


def _cells(entry: Entry) -> tuple[str, str, str, str]:
    modified = f"{entry.modified:%Y-%m-%d %H:%M}" if entry.modified else "-"
    flaws = f"  ({', '.join(entry.flaws)})" if entry.flaws else ""
    return str(entry.size), str(entry.packed), modified, clean_line(f"{entry.name}{flaws}")
