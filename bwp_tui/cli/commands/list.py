"""`bwp-tui list`, `show`, `sent` and `views`: print tasks and requests, and manage saved views."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import datetime

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.filters import filter_of, sort_of
from bwp_tui.cli.support.session import open_session
from bwp_tui.cli.support.streams import AS_SENTENCES, most_rows, print_if_cut, print_message
from bwp_tui.cli.support.table import aligned, table
from bwp_tui.cli.support.task_output import (
    detail_lines,
    display_context,
    print_json_array,
    print_result,
    table_lines,
    task_sentence,
)
from bwp_tui.contract.inputs import mutation_name, variables_to_show
from bwp_tui.domain.filter import joined
from bwp_tui.domain.task import Task, with_actual_downloads
from bwp_tui.domain.text import clean_line, mask_in_text
from bwp_tui.domain.times import format_instant, iso_instant, stamp, stamp_or_now, utc_now
from bwp_tui.domain.views import BUILT_IN_VIEWS, View, columns_named, listed_tasks_clause
from bwp_tui.settings import Profile
from bwp_tui.store.commands import saved_views
from bwp_tui.store.database.connection import Store
from bwp_tui.store.errors import NoSuchTask
from bwp_tui.store.queries import intent_log, tasks, timeline
from bwp_tui.store.queries.intent_log import LoggedIntent
from bwp_tui.store.queries.task_json import next_try, task_json, task_json_with_next_try
from bwp_tui.store.worklog import engine_state

_INTENT_HEADINGS = ("CREATED", "#", "REQUEST", "EMAIL", "STATE", "TRIES", "TOKEN", "BY", "RESPONSE")
_EXPENDABLE = ("TOKEN", "BY", "TRIES", "EMAIL")


def list_tasks(arguments: Namespace) -> None:
    """Print the tasks that match a filter and a view, in the view's order."""
    text = " ".join(arguments.filter)
    task_filter, sort = filter_of(text), sort_of(arguments.sort)
    with open_session(arguments) as session:
        if arguments.view is not None:
            view = saved_views.get(session.store, arguments.view)
            task_filter, sort = filter_of(joined(view.filter, text)), sort if arguments.sort else view.sort
        found = tasks.matching(session.store, task_filter, today=today(), limit=most_rows(arguments), sort=sort)
        listed = with_actual_downloads(found, session.actual_download)
        total = tasks.count(session.store, task_filter, today=today())
    if arguments.json:
        print_json_array(task_json(task, mask=arguments.mask) for task in listed)
    elif arguments.sentences or AS_SENTENCES.get():
        for task in listed:
            print(task_sentence(task, utc_now(), today(), unmask=arguments.unmask, read_only=session.read_only))
    elif listed:
        print("\n".join(table_lines(listed, utc_now(), today(), unmask=arguments.unmask)))
    sys.stdout.flush()
    print_if_cut(len(listed), total, "tasks")
    if not total:
        first = "" if session.read_only else "; see: bwp-tui submit --help"
        none_yet = f"No tasks yet{first}.{_other_profiles(session.profile)}"
        by_number = f" By its number: bwp-tui show {text}." if text.isdecimal() and text.isascii() else ""
        print_message(f"No task matches.{by_number}" if task_filter.conditions else none_yet)


def _other_profiles(profile: Profile) -> str:
    """Return a sentence on the profiles that have a history beside this one, whose name may be a typing mistake."""
    names = sorted(path.parent.name for path in profile.folder.parent.glob(f"*/{profile.history_path.name}"))
    others = ", ".join(clean_line(name) for name in names if name != profile.name)
    return f" This is the profile {profile.name}; there is a history of: {others}." if others else ""


def _named_task(store: Store, name: str) -> Task:
    """Return the named task; where the name is a task id that a task had before, the error says so."""
    try:
        return tasks.find_by_name(store, name)
    except NoSuchTask:
        reason = timeline.earlier_task_id_reason(store, name) if len(name) >= tasks.SHORTEST_PREFIX else None
        if reason is None:
            raise
        raise NoSuchTask(reason) from None


def show(arguments: Namespace) -> None:
    """Print the details and the timeline of a task."""
    with open_session(arguments) as session:
        found = _named_task(session.store, arguments.task)
        (task,) = with_actual_downloads([found], session.actual_download)
        events = timeline.of_task(session.store, task.number)
        next_at = next_try(session.store, task)
        has_engine = session.has_sending_engine()
        if next_at is not None and has_engine and task.trouble is None:
            # The engine calls nothing for a while, so that this request was not even tried.
            task = task._replace(trouble=engine_state.read(session.store).message)
        earlier = tasks.get(session.store, task.earlier_number) if task.earlier_number else None
        later = tasks.later_for_same(session.store, task)
        json_object = task_json_with_next_try(session.store, task, has_engine=has_engine, mask=arguments.mask)
    next_at_text = _next_try(next_at, has_engine=has_engine) if task.trouble or not has_engine else None
    context = display_context(
        task,
        utc_now(),
        today(),
        unmask=arguments.unmask,
        read_only=session.read_only,
        service_day=session.profile.service_day,
    )
    lines = detail_lines(task, events, context, next_at_text, earlier, later)
    print_result(arguments, json_object, lines)


def _next_try(at: datetime | None, *, has_engine: bool) -> str | None:
    """Return when a waiting request is sent, which only an engine does; None where none waits."""
    return None if at is None else stamp_or_now(at, utc_now()) if has_engine else "once an engine sends it"


def list_views(arguments: Namespace) -> None:
    """Print the views, the built-in ones first."""
    with open_session(arguments) as session:
        known = saved_views.all_views(session.store)
    rows = [(view.name, view.sort, view.filter or "(all)", listed_tasks_clause(view)) for view in known]
    print_result(arguments, [view._asdict() | {"built_in": view in BUILT_IN_VIEWS} for view in known], aligned(rows))


def save_view(arguments: Namespace) -> None:
    """Save a filter under a name, for the console too."""
    text = " ".join(arguments.filter)
    filter_of(text)
    try:
        columns = columns_named(arguments.columns)
    except ValueError as error:
        raise CommandError(str(error)) from None
    with open_session(arguments) as session:
        names = {view.name.casefold() for view in saved_views.saved(session.store)}
        if arguments.name.strip().casefold() in names and not arguments.replace:
            raise CommandError(
                f"There is a view “{arguments.name}” already. Use --replace to replace it.", ExitCode.FAILED
            )
        saved_views.save(session.store, View(arguments.name, text, sort_of(arguments.sort), columns))


def delete_view(arguments: Namespace) -> None:
    with open_session(arguments) as session:
        saved_views.delete(session.store, arguments.name)


def sent(arguments: Namespace) -> None:
    """Print the submissions and cancellations, for one task or all."""
    with open_session(arguments) as session:
        if arguments.task is None:
            intents, total = intent_log.newest(session.store, most_rows(arguments)), intent_log.count(session.store)
        else:
            number = tasks.find_by_name(session.store, arguments.task).number
            found = intent_log.of_task(session.store, number)[::-1]
            intents, total = found[: most_rows(arguments)], len(found)
        has_engine = session.has_sending_engine()
    json_objects = [_intent_json(intent, has_engine=has_engine, mask=arguments.mask) for intent in intents]
    rows = [_intent_cells(intent, has_engine=has_engine, unmask=arguments.unmask) for intent in intents]
    print_result(arguments, json_objects, table(_INTENT_HEADINGS, rows, expendable=_EXPENDABLE))
    sys.stdout.flush()
    print_if_cut(len(intents), total, "requests")
    if not total and not arguments.json:
        print_message("No requests were sent.")


def _intent_json(intent: LoggedIntent, *, has_engine: bool, mask: bool) -> dict[str, object]:
    email = intent.email_text(masked=mask)
    what, detail = intent.outcome_event
    failure = intent.last_failure
    variables: dict[str, object] = {"taskId": intent.task_id}
    if intent.client_token_start:
        reason = mask_in_text(intent.reason, intent.email) if intent.reason and mask else intent.reason
        variables = variables_to_show(intent.kind, email, intent.client_token_start, intent.holding_period, reason)
    return {
        "id": intent.task_number,
        "task_id": intent.task_id,
        "operation": mutation_name(intent.action, intent.kind),
        "variables": variables,
        "state": intent.state,
        "attempts": intent.attempts,
        "is_assumed_sent": intent.is_assumed_sent,
        "asked_at": format_instant(intent.asked_at),
        "asked_by": intent.actor,
        "first_sent_at": iso_instant(intent.first_sent_at),
        "settled_at": iso_instant(intent.settled_at),
        "next_at": iso_instant(intent.next_at) if has_engine else None,
        "last_failure": mask_in_text(failure, intent.email) if failure and mask else failure,
        "response": what,
        "response_detail": mask_in_text(detail, intent.email) if detail and mask else detail,
    }


def _tries(intent: LoggedIntent) -> str:
    """Return how often a request was sent, from the first time on that the service may have carried it out.

    A question mark says that it may have been sent before too, `-` that the service has not carried it out.
    """
    if intent.is_assumed_sent:
        return f"{intent.attempts or ''}?"
    return "-" if intent.last_failure and not intent.attempts else str(intent.attempts)


def _intent_cells(intent: LoggedIntent, *, has_engine: bool, unmask: bool) -> tuple[str, ...]:
    what, detail = intent.outcome_event
    response = f"{what or ''}{f': {detail}' if detail else ''}"
    if intent.last_failure and (next_try := _next_try(intent.next_at, has_engine=has_engine)):
        response = f"{intent.last_failure} Next try: {next_try}"
    return (
        stamp(intent.asked_at),
        str(intent.task_number),
        f"{intent.action} {intent.kind.lower()}",
        intent.email_text(masked=not unmask),
        intent.state,
        _tries(intent),
        f"{intent.client_token_start}…" if intent.client_token_start else "-",
        intent.actor,
        response if unmask else mask_in_text(response, intent.email),
    )
