"""`bwp-tui sent`: print the API request log."""

from __future__ import annotations

from argparse import Namespace

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.support.context import open_session, print_note
from bwp_tui.cli.support.task_output import aligned, print_json
from bwp_tui.contract.inputs import operation, submit_variables
from bwp_tui.domain.text import clean_line, mask_email, mask_in_text
from bwp_tui.domain.times import stamp, to_text
from bwp_tui.store.queries import request_log, tasks
from bwp_tui.store.queries.request_log import SentRequest

_HEADINGS = ("CREATED", "#", "REQUEST", "EMAIL", "STATE", "TRIES", "TOKEN", "BY", "RESPONSE")


def sent(arguments: Namespace) -> ExitCode:
    """Print the requests sent to the API, for one task or all."""
    with open_session(arguments) as session:
        if arguments.task is None:
            found = request_log.newest(session.store, arguments.limit)
        else:
            number = tasks.find_by_name(session.store, arguments.task).number
            found = request_log.of_task(session.store, number)[::-1][: arguments.limit]
    if arguments.json:
        print_json([_record(one, mask=arguments.mask) for one in found])
    elif found:
        print("\n".join(aligned([_HEADINGS, *(_cells(one, unmask=arguments.unmask) for one in found)])))
    else:
        print_note("No requests were sent.")
    return ExitCode.DONE


def _record(one: SentRequest, *, mask: bool) -> dict[str, object]:
    email = mask_email(one.email) if mask and one.email else one.email
    what, detail = one.answer
    variables: dict[str, object] = {"taskId": one.task_id}
    if one.client_token_start:
        reason = mask_in_text(one.reason, one.email) if one.reason and mask else one.reason
        variables = submit_variables(one.kind, email, one.client_token_start, one.holding_period, reason)
    return {
        "id": one.number,
        "task_id": one.task_id,
        "operation": operation(one.action, one.kind),
        "variables": variables,
        "state": one.state,
        "attempts": one.attempts,
        "asked_at": to_text(one.asked_at),
        "asked_by": one.actor,
        "first_sent_at": to_text(one.first_sent_at) if one.first_sent_at else None,
        "settled_at": to_text(one.settled_at) if one.settled_at else None,
        "next_at": to_text(one.next_at) if one.next_at else None,
        "answer": what,
        "answer_detail": mask_in_text(detail, one.email) if detail and mask else detail,
    }


def _cells(one: SentRequest, *, unmask: bool) -> tuple[str, ...]:
    what, detail = one.answer
    answer = f"{what or ''}{f': {detail}' if detail else ''}"
    cells = (
        stamp(one.asked_at),
        str(one.number),
        f"{one.action} {one.kind.lower()}",
        one.email if unmask else mask_email(one.email),
        one.state,
        str(one.attempts),
        f"{one.client_token_start}…" if one.client_token_start else "-",
        one.actor,
        answer if unmask else mask_in_text(answer, one.email),
    )
    return tuple(clean_line(cell) for cell in cells)
