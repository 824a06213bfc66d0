"""`bwp-tui inspect` and `pack`: list the entries of a downloaded archive, and make an encrypted copy of it."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from bwp_tui.archive.archive_file import Archive
from bwp_tui.archive.encrypt import AgeNotInstalled, BadRecipient, EncryptedFile, SourceChanged, encrypt
from bwp_tui.archive.entry import Entry
from bwp_tui.archive.limits import BadArchive
from bwp_tui.archive.verify import verify_archive
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.questions import ask_yes_no, can_ask
from bwp_tui.cli.support.session import CommandSession, open_session
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.table import table
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.masking import mask_task_json, mask_task_text
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import format_instant, utc_now
from bwp_tui.file_access import new_file
from bwp_tui.store.commands import answers, work_records
from bwp_tui.store.commands.requests import cannot_download
from bwp_tui.store.commands.work_records import TaskEdit
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries.saved_results import saved_path

_HEADINGS = ("SIZE", "PACKED", "MODIFIED", "NAME")


def inspect(arguments: Namespace) -> None:
    """Check an archive and print its entries, with the email of its task masked in their names."""
    path, task = _archive_and_task(arguments)

    def masked(text: str) -> str:
        return text if task is None or arguments.unmask else mask_task_text(text, task)

    try:
        with Archive(path) as archive:
            entries = archive.entries
        lines = table(_HEADINGS, [tuple(map(masked, _cells(entry))) for entry in entries], right=(0, 1))
        json_objects = [_json(entry) for entry in entries]
        if arguments.mask and task is not None:
            json_objects = [mask_task_json(json_object, task) for json_object in json_objects]
        print_result(arguments, json_objects, lines)
        for remark in verify_archive(path):
            print_message(masked(remark))
    except BadArchive as error:
        code = ExitCode.FAILED if os.path.lexists(path) else ExitCode.NOT_FOUND
        raise CommandError(masked(str(error)), code) from None


def pack(arguments: Namespace) -> None:
    """Encrypt the archive of a task and print the path of the copy."""
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.task)
        source, sha256 = _downloaded_archive(session, task)
        target = (arguments.output or source.with_name(f"{source.name}.age")).absolute()
        encrypted = _encrypt_and_record(session, task, source, target, arguments.recipient, sha256)
        json_object = {"path": str(target), "receipt": str(_receipt_path(target)), "sha256": encrypted.sha256}
        print_result(arguments, json_object, [str(target)])
        _offer_answer(session, task, arguments.answered)


def _archive_and_task(arguments: Namespace) -> tuple[Path, Task | None]:
    """Return the file named on the command line, or the downloaded archive of the task named there, and the task."""
    word: str = arguments.task
    if os.sep in word or word.lower().endswith(".zip"):
        return Path(word), None
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, word)
        return _downloaded_archive(session, task)[0], task


def _downloaded_archive(session: CommandSession, task: Task) -> tuple[Path, str]:
    """Return the path and the SHA-256 of a task's archive, which must be downloaded and still be there."""
    reason = work_records.cannot_open_result(task)
    match task.download:
        case Download(path=str(path), sha256=str(sha256)) if reason is None:
            if saved_path(task.download) is not None:
                return Path(path), sha256
            can_repeat = not session.read_only and cannot_download(task) is None
            again = f"; bwp-tui download {task.number} fetches it again" if can_repeat else ""
            reason = f"{mask_task_text(path, task)} is gone, or is not the file that was downloaded{again}."
    raise CommandError(reason or f"The result of {task.name} is not downloaded yet.", ExitCode.FAILED)


def _json(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "folder": entry.is_folder,
        "size": entry.size,
        "packed": entry.packed,
        "modified": entry.modified.isoformat() if entry.modified else None,
        "flaws": list(entry.flaws),
    }


def _cells(entry: Entry) -> tuple[str, str, str, str]:
    modified = f"{entry.modified:%Y-%m-%d %H:%M}" if entry.modified else "-"
    flaws = f"  ({', '.join(entry.flaws)})" if entry.flaws else ""
    return str(entry.size), str(entry.packed), modified, f"{entry.name}{flaws}"


def _encrypt_and_record(
    session: CommandSession, task: Task, source: Path, target: Path, recipient: str, sha256: str
) -> EncryptedFile:
    receipt = _receipt_path(target)
    try:
        with new_file(receipt) as file:
            encrypted = encrypt(source, target, recipient, sha256)
            try:
                file.write(_receipt(task, recipient, target, encrypted, session.actor).encode())
                file.flush()
                os.fsync(file.fileno())
                work_records.record_packed(
                    session.store, task.number, target, recipient, encrypted.sha256, session.actor
                )
            except BaseException:
                target.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        there = mask_task_text(os.fsdecode(error.filename), task)
        raise CommandError(f"{there} exists already; name another file with --output.", ExitCode.FAILED) from None
    except (AgeNotInstalled, BadRecipient) as error:
        raise CommandError(str(error)) from None
    except SourceChanged as error:
        again = f"bwp-tui download {task.number} --again fetches it again."
        raise CommandError(f"{mask_task_text(str(error), task)} {again}", ExitCode.FAILED) from None
    return encrypted


def _offer_answer(session: CommandSession, task: Task, how: str | None) -> None:
    """Record that the shopper was answered today: as `how` says, or else with the encrypted copy, once confirmed."""
    reason = answers.cannot_answer_in_bulk(task)
    if reason and how is not None:
        print_message(reason)
    question = f"Record that the shopper of {task.name} was answered with this copy today?"
    if reason or (how is None and not (can_ask() and ask_yes_no(question))):
        return
    how = how or "encrypted copy of the result"
    with session.store.write() as transaction:
        answers.answer(TaskEdit(transaction, session.store, task.number, session.actor, today()), how)
    print_message(f"{task.name}: answered on {today()}, recorded.")


def _receipt_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.txt")


def _receipt(task: Task, recipient: str, target: Path, encrypted: EncryptedFile, actor: str) -> str:
    """Return the receipt: which task was packed for whom, without the shopper's email."""
    download = task.download
    saved = download.finished_at if download else None
    facts = (
        ("task", task.task_id or f"#{task.number}"),
        ("received", task.received_on.isoformat()),
        ("completed", format_instant(task.finished_at) if task.finished_at else "-"),
        ("downloaded", format_instant(saved) if saved else "-"),
        ("packed", f"{format_instant(utc_now())} by {actor}"),
        ("recipient", recipient),
        ("file", target.name.replace(task.email, "…") if task.email else target.name),
        ("size", f"{encrypted.bytes} bytes encrypted, {encrypted.plain_bytes} bytes plain"),
        ("sha256", f"{encrypted.sha256}  (encrypted)"),
        ("sha256", f"{encrypted.plain_sha256}  (plain)"),
        ("to open", "age --decrypt --identity KEY_FILE --output result.zip FILE"),
    )
    return "".join(f"{name:<12}{value}\n" for name, value in facts)
