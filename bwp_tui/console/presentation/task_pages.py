"""Format the pages of the task screen: overview, errors, timeline, requests, notes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bwp_tui.console.presentation import download_detail, task_detail
from bwp_tui.console.presentation.format import DisplayContext, email_text, fact, mask, offer
from bwp_tui.console.presentation.intent_log import STATE_ROLES
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.store_access.history_reader import TaskDetails
from bwp_tui.contract.documents import POLL_FIELDS, RETRIEVAL_LINK
from bwp_tui.contract.inputs import mutation_name, variables_to_show
from bwp_tui.domain.advice import KNOWN_CODES
from bwp_tui.domain.statuses import FINAL_STATUSES, SERVICE_STATUSES
from bwp_tui.domain.task import Task, TimelineEvent
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import stamp, stamp_or_now
from bwp_tui.store.queries.intent_log import LoggedIntent
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog.engine_state import Ability

Line = list[StyledText]


def overview_page(details: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield errors with advice, the state of the download, the email, which a heading may lack, and the facts."""
    if outcome := task_detail.outcome_paragraphs(details.task, context):
        yield from outcome
        yield []
    yield fact("Email", email_text(details.task, context))
    yield from task_detail.fact_lines(details.task, context, details.earlier_task, details.later_task, complete=True)


def errors_page(details: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield trouble, errors with advice, and the advice on all other error codes."""
    task = details.task
    if task.trouble:
        yield [(mask(task.trouble, task, context), "warn")]
        yield []
    if task.errors or not task.trouble:
        yield [("Errors of this task" if task.errors else "No errors", "accent")]
    yield from task_detail.error_paragraphs(task, context)
    codes = {error.code for error in task.errors}
    yield from ([], [("Other error codes" if codes else "Error codes", "accent")])
    for code in KNOWN_CODES:
        if code not in codes:
            yield [(code, "plain")]
            yield from task_detail.code_advice_lines(code, context)


def timeline_page(details: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield the timeline, the newest event first."""
    return task_detail.timeline_lines(details.task, details.events, context, with_dates=True)


def requests_page(details: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield submissions and cancellations with their responses, downloads, each the newest first, and the polling."""
    task, without_keys = details.task, context._replace(key=lambda _: "")  # those of downloads mean other things here
    if not details.intents:
        yield [("No submission is recorded.", "muted")]
        yield []
    for intent in reversed(details.intents):
        yield from _intent_lines(intent, task, context)
        yield []
    for event in reversed(details.events):
        if event.what == EventKind.EVENT_RECEIVED:
            yield [(event.detail or "", "strong"), ("   event", "muted")]
            yield fact("Received", stamp(event.at))
            yield []
    for download in reversed(details.downloads):
        role = download_detail.END_ROLES.get(download.state, "busy")
        yield [(f"{RETRIEVAL_LINK.field}, for a link", "strong"), (f"   {download.state_name}", role)]
        yield from download_detail.fact_lines(download, task, without_keys)
        yield []
    if task.task_id:
        yield from _polling_lines(task)


def _intent_lines(intent: LoggedIntent, task: Task, context: DisplayContext) -> Iterator[Line]:
    state = (f"   {intent.state}", STATE_ROLES.get(intent.state, "plain"))
    yield [(mutation_name(intent.action, intent.kind), "strong"), state]
    yield fact("Requested", f"{stamp(intent.asked_at)} by {intent.actor}")
    attempts = f", {counted(intent.attempts, 'attempt')}" if intent.attempts else ""
    if intent.first_sent_at is not None:
        first = f"{'first ' if intent.attempts > 1 else ''}{stamp(intent.first_sent_at)}"
    elif intent.is_assumed_sent:
        first = "not known: perhaps before the history was recovered"
    else:
        before_end = "tried, not carried out yet" if intent.last_failure else "not yet"
        first = "never carried out" if intent.settled_at else before_end
    yield fact("Sent", f"{first}{attempts}")
    if intent.next_at:
        engine = context.engine
        is_sent = engine is None or (engine.pid is not None and engine.max_ability is Ability.ALL)
        yield fact("Next", stamp_or_now(intent.next_at, context.now) if is_sent else "once an engine sends it")
    if intent.settled_at:
        event, detail = intent.outcome_event
        response = f"{stamp(intent.settled_at)}  {event or intent.state}{f': {detail}' if detail else ''}"
        yield fact("Response", mask(response, task, context))
    if intent.client_token_start:
        token, email = intent.client_token_start, email_text(task, context)
        yield fact("Token", f"{token}…  (the rest is not shown)")
        variables = variables_to_show(intent.kind, email, token, intent.holding_period, intent.reason)
        yield fact("Variables", mask(json.dumps(variables, ensure_ascii=False), task, context))
    else:
        yield fact("Variables", json.dumps({"taskId": intent.task_id}))


def _polling_lines(task: Task) -> Iterator[Line]:
    yield [(f"{POLL_FIELDS[task.kind]}, for the status", "strong")]
    yield fact("Variables", json.dumps({"taskId": task.task_id}))
    yield fact("Last poll", stamp(task.polled_at) if task.polled_at else "not yet")
    ended = "none (task finished)" if task.status in FINAL_STATUSES else "when the engine runs"
    yield fact("Next poll", stamp(task.next_poll_at) if task.next_poll_at else ended)
    service_changed_at = None if task.status in FINAL_STATUSES - SERVICE_STATUSES else task.updated_at
    yield fact("Status", f"{task.status}{f', last changed {stamp(service_changed_at)}' if service_changed_at else ''}")


def note_events(details: TaskDetails) -> list[TimelineEvent]:
    """Return notes, removals and undone changes of notes."""
    return [
        event
        for event in details.events
        if event.what in (EventKind.NOTE, EventKind.NOTE_REMOVED) or _is_undone_note(event)
    ]


def notes_page(details: TaskDetails, context: DisplayContext) -> Iterator[Line]:
    """Yield what `note_events` returns, the newest first."""
    notes = note_events(details)
    for event in reversed(notes):
        yield [(f"{stamp(event.at)}  by {event.actor}", "muted")]
        text = mask(event.detail or event.what, details.task, context)
        yield [(text, "plain" if event.what == EventKind.NOTE else "muted")]
        yield []
    if not notes:
        yield [*offer(("No notes yet", "muted"), "; ", "note", " adds one", context), (".", "muted")]


def _is_undone_note(event: TimelineEvent) -> bool:
    return event.what == EventKind.UNDONE and (event.detail or "").startswith("note")
