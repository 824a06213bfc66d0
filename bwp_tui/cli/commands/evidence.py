"""`bwp-tui evidence`: print the record of one request for an auditor or a court."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bwp_tui import VERSION
from bwp_tui.archive.fingerprint import OnDisk, compare
from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.support.context import open_session
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.domain.deadlines import REGULATIONS
from bwp_tui.domain.task import Download, DownloadState, Event, Task
from bwp_tui.domain.text import clean_line, mask_email, mask_in_text
from bwp_tui.domain.times import iso_day, to_text, utc_now
from bwp_tui.store.queries import request_log, tasks, timeline
from bwp_tui.store.queries.request_log import SentRequest
from bwp_tui.store.worklog import downloads

_LABEL = 20


def evidence(arguments: Namespace) -> ExitCode:
    """Print the request, its regulation, each step with its actor, and the hashes of the downloads."""
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.task)
        record = _record(
            task,
            timeline.of_task(session.store, task.number),
            request_log.of_task(session.store, task.number),
            downloads.of_task(session.store, task.number),
            session.profile.name,
        )
    if arguments.mask:
        record = _masked(record, task.email)
    if arguments.json:
        print_json(record)
    else:
        print("\n".join(_lines(record)))
    return ExitCode.DONE


Json = None | bool | int | float | str | Sequence["Json"] | dict[str, "Json"]


def _record(
    task: Task, events: Sequence[Event], asked: Sequence[SentRequest], fetched: Sequence[Download], profile: str
) -> dict[str, Json]:
    regulation = REGULATIONS.get(task.regulation)
    return {
        "made_at": to_text(utc_now()),
        "made_by": f"bwp-tui {VERSION}, profile {profile}",
        "task_id": task.task_id,
        "number": task.number,
        "kind": task.kind.value,
        "email": task.email,
        "received_on": task.received_on.isoformat(),
        "regulation": regulation.title if regulation else task.regulation,
        "due_on": iso_day(task.due_on),
        "recorded_at": to_text(task.recorded_at),
        "recorded_by": events[0].actor if events else None,
        "acknowledged_on": iso_day(task.acknowledged_on),
        "extended_on": iso_day(task.extended_on),
        "verified_on": iso_day(task.verified.on) if task.verified else None,
        "verified_by": task.verified.by if task.verified else None,
        "verified_how": task.verified.how if task.verified else None,
        "status": task.status,
        "submitted_at": _instant(task.submitted_at),
        "finished_at": _instant(task.finished_at),
        "holding_period": task.holding_period,
        "reason": task.reason,
        "note": task.note,
        "resubmit_of": task.resubmit_of,
        "resubmitted_as": task.resubmitted_as,
        "errors": [{"code": error.code, "message": error.message} for error in task.errors],
        "sent": [_sent(one) for one in asked],
        "downloads": [_download(one) for one in fetched],
        "timeline": [_step(event) for event in events],
    }


def _sent(one: SentRequest) -> dict[str, Json]:
    return {
        "action": one.action,
        "state": one.state,
        "attempts": one.attempts,
        "asked_at": to_text(one.asked_at),
        "asked_by": one.actor,
        "first_sent_at": _instant(one.first_sent_at),
        "settled_at": _instant(one.settled_at),
        "client_token_sha256": one.client_token_sha256,
    }


def _download(one: Download) -> dict[str, Json]:
    return {
        "state": one.state,
        "asked_at": to_text(one.asked_at),
        "asked_by": one.actor,
        "finished_at": _instant(one.finished_at),
        "attempts": one.tries,
        "path": one.path,
        "bytes": one.bytes,
        "sha256": one.sha256,
        "on_disk": _on_disk(one),
        "trouble": one.trouble,
        "remarks": list(one.remarks),
    }


def _on_disk(one: Download) -> OnDisk | None:
    if one.state != DownloadState.DONE or one.path is None or one.sha256 is None:
        return None
    return compare(Path(one.path), one.sha256)


def _step(event: Event) -> dict[str, Json]:
    return {
        "at": to_text(event.at),
        "actor": event.actor,
        "what": event.what,
        "from": event.before,
        "to": event.after,
        "detail": event.detail,
    }


def _masked(value: dict[str, Json], email: str) -> dict[str, Json]:
    """Return the record with the email masked everywhere."""
    return {key: _hidden(inner, email) for key, inner in value.items()}


def _hidden(value: Json, email: str) -> Json:
    if isinstance(value, str):
        return mask_email(value) if value == email else mask_in_text(value, email)
    if isinstance(value, dict):
        return _masked(value, email)
    if isinstance(value, list):
        return [_hidden(inner, email) for inner in value]
    return value


def _lines(record: dict[str, Json]) -> Iterator[str]:
    """Yield the record as lines: facts, then a section for each list."""
    for name, value in record.items():
        if not isinstance(value, list) and value not in (None, ""):
            yield _line(name, value)
    for name, value in record.items():
        if isinstance(value, list) and value:
            yield ""
            yield name.upper()
            for item in value:
                yield from _item(item)


def _item(item: Json) -> Iterator[str]:
    """Yield one entry of a list."""
    if isinstance(item, dict):
        facts = [(name, value) for name, value in item.items() if value not in (None, "")]
        for index, (name, value) in enumerate(facts):
            yield f"{'-' if index == 0 else ' '} {_line(name, value)}"


def _line(name: str, value: Json) -> str:
    return f"{name.replace('_', ' '):<{_LABEL}} {clean_line(str(value))}"


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else to_text(instant)
