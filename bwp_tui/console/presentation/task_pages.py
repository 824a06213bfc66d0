"""The pages of the task screen: overview, errors, timeline, requests, notes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bwp_tui.console.presentation import task_detail
from bwp_tui.console.presentation.download_detail import partial_file_text
from bwp_tui.console.presentation.request_log import STATE_ROLES
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_detail import DisplayContext, mask, subject
from bwp_tui.console.services.screen_queries import TaskDetails
from bwp_tui.contract.documents import LINK_FIELD, POLL_FIELDS
from bwp_tui.contract.inputs import operation, submit_variables
from bwp_tui.domain.advice import KNOWN_CODES, advice_for
from bwp_tui.domain.task import TERMINAL, Download, Event, Status, Task
from bwp_tui.domain.times import stamp
from bwp_tui.store.queries import timeline
from bwp_tui.store.queries.request_log import SentRequest

Line = list[StyledText]

_LABEL = 14


def overview_page(known: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield what came of the task, and its facts."""
    matters = task_detail.outcome_paragraphs(known.task, context)
    if matters:
        yield from matters
        yield []
    yield from task_detail.fact_lines(known.task, context, known.earlier)


def errors_page(known: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield each error with what to do about it, and what to do about the codes there are."""
    task = known.task
    if task.trouble:
        yield [
            ("The last attempt to reach the service failed: ", "warn"),
            (mask(task.trouble, task, context), "plain"),
        ]
        yield []
    for error in task.errors:
        yield [(error.code or "no code", "bad")]
        yield [(mask(error.message, task, context), "plain")]
        yield from _to_do(advice_for(task.status, error.code))
        yield []
    if not task.errors:
        yield [("The service has named no error.", "muted")]
        yield from _to_do(advice_for(task.status, None))
        yield []
    others = [code for code in KNOWN_CODES if code not in {error.code for error in task.errors}]
    if others:
        yield [("Other codes of the service", "accent")]
    for code in others:
        yield [(code, "plain")]
        yield from _to_do(advice_for(Status.FAILED, code))


def _to_do(advice: str | None) -> Iterator[Line]:
    if advice:
        yield [("→ ", "accent"), (advice, "strong")]


def timeline_page(known: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield the timeline, the newest line first."""
    return task_detail.timeline(known.task, known.events, context, full=True)


def requests_page(known: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield what was sent for the task and what the service answered, the newest first, and how it is asked about."""
    task = known.task
    if not known.sent:
        yield [("This history has sent nothing to start this task: it was adopted, or practice made it up.", "muted")]
        yield []
    for one in reversed(known.sent):
        yield from _request_lines(one, task, context)
        yield []
    for download in reversed(known.downloads):
        yield from _download_lines(download, task, context)
        yield []
    if task.task_id:
        yield from _polled(task)


def _request_lines(one: SentRequest, task: Task, context: DisplayContext) -> Iterator[Line]:
    yield [(operation(one.action, one.kind), "strong"), (f"   {one.state}", STATE_ROLES.get(one.state, "plain"))]
    yield _fact("Asked", f"{stamp(one.asked_at)} by {one.actor}")
    times = f", {one.attempts} attempt{'' if one.attempts == 1 else 's'}" if one.attempts else ""
    yield _fact("First sent", f"{stamp(one.first_sent_at) if one.first_sent_at else 'not yet'}{times}")
    if one.next_at:
        yield _fact("Next try", stamp(one.next_at))
    if one.settled_at:
        what, detail = one.answer
        words = f"{stamp(one.settled_at)}  {what or one.state}{f': {detail}' if detail else ''}"
        yield _fact("Answer", mask(words, task, context))
    if one.client_token_start:
        yield _fact("Client token", f"{one.client_token_start}…  (the rest is not shown)")
        variables = submit_variables(
            one.kind, subject(task, context), one.client_token_start, one.holding_period, one.reason
        )
        words = json.dumps(variables, ensure_ascii=False)
        yield _fact("Variables", mask(words, task, context))
    else:
        yield _fact("Variables", json.dumps({"taskId": one.task_id}))


def _download_lines(download: Download, task: Task, context: DisplayContext) -> Iterator[Line]:
    role = {"done": "good", "failed": "bad"}.get(download.state, "busy")
    yield [(f"{LINK_FIELD}, for a link", "strong"), (f"   {download.state}", role)]
    yield _fact("Asked", f"{stamp(download.asked_at)} by {download.actor}")
    if download.started_at:
        links = f", {download.tries} link{'' if download.tries == 1 else 's'}" if download.tries else ""
        yield _fact("Begun", f"{stamp(download.started_at)}{links}; links are used at once and never kept")
    if download.finished_at:
        yield _fact("Ended", f"{stamp(download.finished_at)}, {partial_file_text(download)}")
    if download.sha256:
        yield _fact("sha256", download.sha256)
    if download.trouble:
        yield _fact("Trouble", mask(download.trouble, task, context))
    for remark in download.remarks:
        yield _fact("Remark", mask(remark, task, context))


def _polled(task: Task) -> Iterator[Line]:
    yield [(f"{POLL_FIELDS[task.kind]}, for the status", "strong")]
    yield _fact("Variables", json.dumps({"taskId": task.task_id}))
    yield _fact("Last asked", stamp(task.polled_at) if task.polled_at else "not yet")
    ended = "not again: the task has ended" if task.status in TERMINAL else "when the engine runs"
    yield _fact("Next", stamp(task.next_poll_at) if task.next_poll_at else ended)
    yield _fact("Answer", f"{task.status}{f', last changed {stamp(task.updated_at)}' if task.updated_at else ''}")


def notes_page(known: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield every note, the newest first, and what was taken back of them."""
    found = [event for event in known.events if event.what in (timeline.NOTE, "note removed") or _is_hidden(event)]
    for event in reversed(found):
        yield [(f"{stamp(event.at)}  by {event.actor}", "muted")]
        words = event.detail or event.what
        yield [(mask(words, known.task, context), "plain" if event.what == timeline.NOTE else "muted")]
        yield []
    if not found:
        yield [("No note yet; ", "muted"), ("e", "key"), (" writes one.", "muted")]


def _is_hidden(event: Event) -> bool:
    return event.what == "undone" and (event.detail or "").startswith("note")


def _fact(label: str, words: str) -> Line:
    return [(f"  {label:<{_LABEL}}", "muted"), (words, "plain")]
