"""`bwp-tui evidence`: all that is known of one request, for an auditor or a court, and what other programs changed."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from bwp_tui import VERSION
from bwp_tui.archive.saved_file import compare
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.new_text_file import check_is_new
from bwp_tui.cli.support.session import find_tasks, open_session
from bwp_tui.cli.support.ssh_signature import integrity_command, sign, verify_command
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.masking import mask_task_json
from bwp_tui.domain.regulations import REGULATIONS
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import Task, TimelineEvent
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.domain.times import format_instant, iso_day, iso_instant, utc_now
from bwp_tui.file_access import new_file
from bwp_tui.store.database.digest_chain import Chain
from bwp_tui.store.maintenance import chain_check
from bwp_tui.store.queries import intent_log, tasks, timeline
from bwp_tui.store.queries.intent_log import LoggedIntent
from bwp_tui.store.worklog import downloads

_LABEL_WIDTH = 20


def evidence(arguments: Namespace) -> ExitCode:
    """Print or sign the request, its regulation, each step with actor and digest, and the downloads' hashes."""
    if arguments.verify:
        return _verify(arguments)
    if len(arguments.tasks) != 1:
        raise CommandError("Name one task; only --verify takes several, or none for all.")
    if arguments.sign is None and arguments.to is not None:
        raise CommandError("--to needs --sign KEY; without it the document is printed.")
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.tasks[0])
        chain, findings = chain_check.check_task(session.store.path, task.number)
        document = _task_json(
            task,
            timeline.as_recorded(session.store, task.number),
            intent_log.of_task(session.store, task.number),
            downloads.of_task(session.store, task.number),
            session.profile.name,
            chain or Chain(task.number),
        )
    document["digests_agree"] = not findings
    document["digest_findings"] = [finding.sentence for finding in findings]
    if arguments.mask:
        document = {**mask_task_json(document, task), "chain_salt": None}
    if arguments.sign is None:
        print_result(arguments, document, _lines(document))
    else:
        _sign(
            arguments, document, arguments.to or Path(f"evidence-{task.number}.{'json' if arguments.json else 'txt'}")
        )
    for finding in findings:
        print_message(f"Warning: {finding.sentence}.")
    return ExitCode.DONE


def _verify(arguments: Namespace) -> ExitCode:
    """Compare timelines and rows with their digests; print what another program changed."""
    if arguments.to is not None:
        raise CommandError("--to needs --sign KEY; --verify prints what it finds.")
    with open_session(arguments) as session:
        numbers = find_tasks(session.store, arguments.tasks)
        events, findings = chain_check.check_file(session.store.path, numbers)
    lines = [f"{finding.sentence}." for finding in findings]
    if not findings:
        lines = [f"{counted(events, 'event')} and the rows of their tasks agree with their digests."]
    document = {
        "verified": not findings,
        "events": events,
        "findings": [
            {"task": finding.task, "event": finding.event, "last_event": finding.last, "what": finding.what}
            for finding in findings
        ],
    }
    print_result(arguments, document, lines)
    return ExitCode.FAILED if findings else ExitCode.DONE


def _sign(arguments: Namespace, document: dict[str, object], target: Path) -> None:
    """Write the document and its signature to new files, and print both and the command that verifies them."""
    signature_path = target.with_name(f"{target.name}.sig")
    for path in (target, signature_path):
        check_is_new(path)
    document["verify_with"] = integrity_command(target.name)
    text = json.dumps(document, indent=2) if arguments.json else "\n".join(_lines(document))
    content = f"{text}\n".encode()
    signature = sign(content, arguments.sign)
    with new_file(target) as file, new_file(signature_path) as signature_file:
        file.write(content)
        signature_file.write(signature)
    command = verify_command(target, signature)
    lines = [str(target), str(signature_path), "It is verified, with the key that signed it, by:", command]
    print_result(arguments, {"path": str(target), "signature": str(signature_path), "verify_with": command}, lines)


def _task_json(
    task: Task,
    events: Sequence[TimelineEvent],
    intents: Sequence[LoggedIntent],
    fetched: Sequence[Download],
    profile: str,
    chain: Chain,
) -> dict[str, object]:
    regulation = REGULATIONS.get(task.regulation)
    is_declined = task.status == Status.DECLINED  # a decline may wait for its cancellation, and be dropped
    return {
        "made_at": format_instant(utc_now()),
        "made_by": f"bwp-tui {VERSION}, profile {profile}",
        "task_id": task.task_id,
        "number": task.number,
        "kind": task.kind.value,
        "email": task.email,
        "received_on": task.received_on.isoformat(),
        "regulation": regulation.title if regulation else task.regulation,
        "citation": regulation.citation if regulation else None,
        "due_on": iso_day(task.due_on),
        "recorded_at": format_instant(task.recorded_at),
        "recorded_by": events[0].actor if events else None,
        "acknowledged_on": iso_day(task.acknowledged_on),
        "inquired_on": iso_day(task.inquired_on),
        "replied_on": iso_day(task.replied_on),
        "extended_on": iso_day(task.extended_on),
        "answered_on": iso_day(task.answered_on),
        "answered_how": task.answered_how,
        "answered_in_part": task.answered_in_part,
        "declined_on": iso_day(task.declined_on) if is_declined else None,
        "decline_reason": task.decline_reason if is_declined else None,
        "decline_text": task.decline_text if is_declined else None,
        "appealed_on": iso_day(task.appealed_on),
        "appeal_answered_on": iso_day(task.appeal_answered_on),
        "appeal_upheld": task.is_appeal_upheld,
        "verified_on": iso_day(task.verification.on) if task.verification else None,
        "verified_by": task.verification.by if task.verification else None,
        "verified_how": task.verification.how if task.verification else None,
        "status": task.status,
        "submitted_at": iso_instant(task.submitted_at),
        "finished_at": iso_instant(task.finished_at),
        "holding_period": task.holding_period,
        "reason": task.reason,
        "note": task.note,
        "resubmit_of": task.resubmit_of,
        "resubmitted_as": task.resubmitted_as,
        "errors": [{"code": error.code, "message": error.message} for error in task.errors],
        "sent": [_intent_json(intent) for intent in intents],
        "downloads": [_download_json(download) for download in fetched],
        "timeline": [_event_json(event, chain.link(at)) for at, event in enumerate(events, start=1)],
        "chain_begun_at": chain.begun_at,
        "chain_begun_with_events": chain.begun_with,
        "chain_salt": chain.salt and chain.salt.hex(),
    }


def _intent_json(intent: LoggedIntent) -> dict[str, object]:
    return {
        "action": intent.action,
        "state": intent.state,
        "attempts": intent.attempts,
        "asked_at": format_instant(intent.asked_at),
        "asked_by": intent.actor,
        "first_sent_at": iso_instant(intent.first_sent_at),
        "settled_at": iso_instant(intent.settled_at),
        "client_token_sha256": intent.client_token_sha256,
    }


def _download_json(download: Download) -> dict[str, object]:
    path, sha256 = download.path, download.sha256
    return {
        "state": download.state,
        "asked_at": format_instant(download.asked_at),
        "asked_by": download.actor,
        "finished_at": iso_instant(download.finished_at),
        "attempts": download.attempts_with_running,
        "path": path,
        "bytes": download.bytes,
        "sha256": sha256,
        "on_disk": compare(Path(path), sha256) if download.state == DownloadState.DONE and path and sha256 else None,
        "trouble": download.trouble,
        "remarks": list(download.remarks),
    }


def _event_json(event: TimelineEvent, digest: bytes) -> dict[str, object]:
    return {
        "at": format_instant(event.at),
        "actor": event.actor,
        "what": event.what,
        "from": event.before,
        "to": event.after,
        "detail": event.detail,
        "digest": digest.hex(),
    }


def _lines(document: dict[str, object]) -> Iterator[str]:
    """Yield the document as lines: facts, then a section for each list."""
    for name, value in document.items():
        if not isinstance(value, list) and value not in (None, ""):
            yield _line(name, value)
    for name, value in document.items():
        if isinstance(value, list) and value:
            yield ""
            yield name.upper()
            for item in value:
                yield from _item(item)


def _item(item: object) -> Iterator[str]:
    """Yield one entry of a list."""
    if isinstance(item, dict):
        facts = [(name, value) for name, value in item.items() if value not in (None, "")]
        for index, (name, value) in enumerate(facts):
            yield f"{'-' if index == 0 else ' '} {_line(name, value)}"


def _line(name: str, value: object) -> str:
    return f"{name.replace('_', ' '):<{_LABEL_WIDTH}} {clean_line(str(value))}"
