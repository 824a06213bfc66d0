"""`bwp-tui list`, `show` and `views`: print tasks, and manage saved views."""

from __future__ import annotations

import sys
from argparse import Namespace

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import open_session, print_note, today
from bwp_tui.cli.support.filters import filter_of, sort_of
from bwp_tui.cli.support.task_output import details, print_json, print_result, table, task_record, task_sentence
from bwp_tui.console.presentation.task_columns import columns_named
from bwp_tui.domain.filter import VIEWS, View
from bwp_tui.domain.text import clean_line
from bwp_tui.domain.times import utc_now
from bwp_tui.settings import Profile
from bwp_tui.store.queries import request_log, saved_views, tasks, timeline


def list_tasks(arguments: Namespace) -> None:
    """Print the tasks that match a filter and a view, in the view's order."""
    text = " ".join(arguments.filter)
    task_filter, sort = filter_of(text), sort_of(arguments.sort)
    with open_session(arguments) as session:
        if arguments.view is not None:
            view = saved_views.named(session.store, arguments.view)
            task_filter, sort = filter_of(f"{view.filter} {text}"), sort if arguments.sort else view.sort
        shown = tasks.matching(session.store, task_filter, today=today(), limit=arguments.limit, sort=sort)
        fitting = tasks.count(session.store, task_filter, today=today())
    if arguments.json:
        print_json([task_record(task, mask=arguments.mask) for task in shown])
    elif arguments.sentences:
        for task in shown:
            print(task_sentence(task, utc_now(), today(), unmask=arguments.unmask))
    elif shown:
        print("\n".join(table(shown, utc_now(), today(), unmask=arguments.unmask)))
    sys.stdout.flush()
    if fitting > len(shown):
        print_note(f"{len(shown)} of {fitting} tasks shown; --limit {fitting} shows all.")
    elif not shown:
        none_yet = f"No tasks yet; see: bwp-tui submit --help.{_other_profiles(session.profile)}"
        print_note("No task matches." if task_filter.clauses else none_yet)


def _other_profiles(profile: Profile) -> str:
    """Return a sentence on the profiles that have a history beside this one, whose name may be a typing mistake."""
    names = sorted(path.parent.name for path in profile.folder.parent.glob(f"*/{profile.history_path.name}"))
    others = ", ".join(clean_line(name) for name in names if name != profile.name)
    return f" This is the profile {profile.name}; there is a history of: {others}." if others else ""


def show(arguments: Namespace) -> None:
    """Print the details and the timeline of a task."""
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.task)
        events = timeline.of_task(session.store, task.number)
        next_try = max(
            (sent.next_at for sent in request_log.of_task(session.store, task.number) if sent.next_at), default=None
        )
    lines = details(task, events, utc_now(), today(), next_try=next_try, unmask=arguments.unmask)
    print_result(arguments, task_record(task, mask=arguments.mask), lines)


def list_views(arguments: Namespace) -> None:
    """Print the views, the built-in ones first."""
    with open_session(arguments) as session:
        known = saved_views.all_views(session.store)
    width = max(len(view.name) for view in known)
    lines = (f"{view.name:<{width}}  {view.sort:<9}  {view.filter or '(all)'}" for view in known)
    print_result(arguments, [_view_record(view) for view in known], lines)


def save_view(arguments: Namespace) -> None:
    """Save a filter under a name, for the console too."""
    text = " ".join(arguments.filter)
    filter_of(text)
    try:
        columns = columns_named(arguments.columns)
    except ValueError as error:
        raise CommandError(ExitCode.USAGE, str(error)) from None
    with open_session(arguments) as session:
        names = {view.name.casefold() for view in saved_views.saved(session.store)}
        if arguments.name.strip().casefold() in names and not arguments.replace:
            raise CommandError(
                ExitCode.FAILED, f"There is a view “{arguments.name}” already. Use --replace to replace it."
            )
        saved_views.save(session.store, View(arguments.name, text, sort_of(arguments.sort), columns))


def delete_view(arguments: Namespace) -> None:
    with open_session(arguments) as session:
        saved_views.delete(session.store, arguments.name)


def _view_record(view: View) -> dict[str, object]:
    return {
        "name": view.name,
        "filter": view.filter,
        "sort": view.sort,
        "columns": list(view.columns),
        "built_in": view in VIEWS,
    }
