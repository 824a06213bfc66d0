"""`bwp-tui pack`: an encrypted copy of a result, for the data subject or a colleague, and a receipt beside it."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from bwp_tui.archive.encrypt import AgeNotInstalled, BadRecipient, EncryptedFile, SourceChanged, encrypt, new_file
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import Session, open_session
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.domain.task import Task
from bwp_tui.domain.times import to_text, utc_now
from bwp_tui.store.commands import result_files
from bwp_tui.store.queries import tasks


def pack(arguments: Namespace) -> ExitCode:
    """Encrypt the saved result of a task and print where the copy lies."""
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.task)
        source, sha256 = _saved(task)
        target = arguments.output or source.with_name(f"{source.name}.age")
        sealed = _encrypt_and_record(session, task, source, target, arguments.recipient, sha256)
    if arguments.json:
        print_json({"path": str(target), "receipt": str(_receipt_of(target)), "sha256": sealed.sha256})
    else:
        print(target)
    return ExitCode.DONE


def _saved(task: Task) -> tuple[Path, str]:
    why_not = result_files.cannot_open_result(task)
    if why_not or task.download is None or task.download.path is None or task.download.sha256 is None:
        raise CommandError(
            ExitCode.FAILED, why_not or f"The result of {task.name} is not saved yet; download it first."
        )
    return Path(task.download.path), task.download.sha256


def _encrypt_and_record(
    session: Session, task: Task, source: Path, target: Path, recipient: str, sha256: str
) -> EncryptedFile:
    receipt = _receipt_of(target)
    try:
        with new_file(receipt) as file:
            sealed = encrypt(source, target, recipient, sha256)
            try:
                file.write(_receipt(task, recipient, target, sealed, session.actor).encode())
                file.flush()
                os.fsync(file.fileno())
                result_files.record_packed(session.store, task.number, target, recipient, sealed.sha256, session.actor)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        there = os.fsdecode(error.filename)
        raise CommandError(
            ExitCode.FAILED, f"{there} is there already and was not touched; name another with --output."
        ) from None
    except (AgeNotInstalled, BadRecipient) as error:
        raise CommandError(ExitCode.USAGE, str(error)) from None
    except SourceChanged as error:
        raise CommandError(ExitCode.FAILED, str(error)) from None
    return sealed


def _receipt_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.txt")


def _receipt(task: Task, recipient: str, target: Path, sealed: EncryptedFile, actor: str) -> str:
    """Return the receipt: what was packed for whom, without the data subject's address."""
    download = task.download
    saved = download.finished_at if download else None
    facts = (
        ("task", task.task_id or f"#{task.number}"),
        ("received", task.received_on.isoformat()),
        ("completed", to_text(task.finished_at) if task.finished_at else "-"),
        ("downloaded", to_text(saved) if saved else "-"),
        ("packed", f"{to_text(utc_now())} by {actor}"),
        ("recipient", recipient),
        ("file", target.name.replace(task.email, "…") if task.email else target.name),
        ("size", f"{sealed.bytes} bytes encrypted, {sealed.plain_bytes} bytes plain"),
        ("sha256", f"{sealed.sha256}  (encrypted)"),
        ("sha256", f"{sealed.plain_sha256}  (plain)"),
        ("to open", "age --decrypt --identity KEY_FILE --output result.zip FILE"),
    )
    return "".join(f"{name:<12}{value}\n" for name, value in facts)
