"""`bwp-tui sent`: print the API request log."""

from __future__ import annotations

from argparse import Namespace

from bwp_tui.cli.support.context import open_session, print_note
from bwp_tui.cli.support.task_output import aligned, print_result
from bwp_tui.contract.inputs import mutation_name, shown_variables
from bwp_tui.domain.text import clean_line, mask_email, mask_in_text
from bwp_tui.domain.times import format_instant, iso_instant, stamp
from bwp_tui.store.queries import request_log, tasks
from bwp_tui.store.queries.request_log import SentRequest

_HEADINGS = ("CREATED", "#", "REQUEST", "EMAIL", "STATE", "TRIES", "TOKEN", "BY", "RESPONSE")


def sent(arguments: Namespace) -> None:
    """Print the requests sent to the API, for one task or all."""
    with open_session(arguments) as session:
        if arguments.task is None:
            requests = request_log.newest(session.store, arguments.limit)
        else:
            number = tasks.find_by_name(session.store, arguments.task).number
            requests = request_log.of_task(session.store, number)[::-1][: arguments.limit]
    rows = [_HEADINGS, *(_cells(request, unmask=arguments.unmask) for request in requests)]
    print_result(
        arguments, [_record(request, mask=arguments.mask) for request in requests], aligned(rows) if requests else ()
    )
    if not requests and not arguments.json:
        print_note("No requests were sent.")


def _record(request: SentRequest, *, mask: bool) -> dict[str, object]:
    email = mask_email(request.email) if mask and request.email else request.email
    what, detail = request.outcome_event
    failure = request.last_failure
    variables: dict[str, object] = {"taskId": request.task_id}
    if request.client_token_start:
        reason = mask_in_text(request.reason, request.email) if request.reason and mask else request.reason
        variables = shown_variables(request.kind, email, request.client_token_start, request.holding_period, reason)
    return {
        "id": request.task_number,
        "task_id": request.task_id,
        "operation": mutation_name(request.action, request.kind),
        "variables": variables,
        "state": request.state,
        "attempts": request.attempts,
        "asked_at": format_instant(request.asked_at),
        "asked_by": request.actor,
        "first_sent_at": iso_instant(request.first_sent_at),
        "settled_at": iso_instant(request.settled_at),
        "next_at": iso_instant(request.next_at),
        "last_failure": mask_in_text(failure, request.email) if failure and mask else failure,
        "answer": what,
        "answer_detail": mask_in_text(detail, request.email) if detail and mask else detail,
    }


def _cells(request: SentRequest, *, unmask: bool) -> tuple[str, ...]:
    what, detail = request.outcome_event
    answer = f"{what or ''}{f': {detail}' if detail else ''}"
    if request.last_failure and request.next_at:
        answer = f"{request.last_failure} Next try: {stamp(request.next_at)}"
    cells = (
        stamp(request.asked_at),
        str(request.task_number),
        f"{request.action} {request.kind.lower()}",
        request.email if unmask else mask_email(request.email),
        request.state,
        "-" if request.last_failure and not request.attempts else str(request.attempts),
        f"{request.client_token_start}…" if request.client_token_start else "-",
        request.actor,
        answer if unmask else mask_in_text(answer, request.email),
    )
    return tuple(clean_line(cell) for cell in cells)
