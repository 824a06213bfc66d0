"""Commands that read the register: list, show."""

from __future__ import annotations

import sys
from argparse import Namespace

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.context import open_session, print_note, today
from bwp_tui.cli.support.task_output import details, print_json, table, task_record, task_sentence
from bwp_tui.domain.filter import Filter, FilterError, parse
from bwp_tui.domain.text import clean, nearest
from bwp_tui.domain.times import utc_now
from bwp_tui.store.queries import saved_views, tasks, timeline
from bwp_tui.store.queries.filter_sql import SORTS


def list_tasks(arguments: Namespace) -> ExitCode:
    """Print the tasks that fit a filter and a view, in the view's order."""
    text = " ".join(arguments.filter)
    wanted, sort = filter_of(text), sort_of(arguments.sort)
    with open_session(arguments) as session:
        if arguments.view is not None:
            view = saved_views.named(session.store, arguments.view)
            wanted, sort = filter_of(f"{view.filter} {text}"), sort if arguments.sort else view.sort
        shown = tasks.matching(session.store, wanted, today=today(), limit=arguments.limit, sort=sort)
        fitting = tasks.count(session.store, wanted, today=today())
    if arguments.json:
        print_json([task_record(task, mask=arguments.mask) for task in shown])
    elif shown and arguments.sentences:
        for task in shown:
            print(task_sentence(task, utc_now(), today(), unmask=arguments.unmask))
    elif shown:
        print("\n".join(table(shown, utc_now(), today(), unmask=arguments.unmask)))
    sys.stdout.flush()
    if fitting > len(shown):
        print_note(f"{len(shown)} of {fitting} tasks shown; --limit {fitting} shows all.")
    elif not shown:
        print_note("No task fits." if wanted.clauses else "The history holds no task yet; see: bwp-tui submit --help.")
    return ExitCode.DONE


def show(arguments: Namespace) -> ExitCode:
    """Print all that is known of a task."""
    with open_session(arguments) as session:
        task = tasks.find_by_name(session.store, arguments.task)
        events = timeline.of_task(session.store, task.number)
    if arguments.json:
        print_json(task_record(task, mask=arguments.mask))
    else:
        print("\n".join(details(task, events, utc_now(), today(), unmask=arguments.unmask)))
    return ExitCode.DONE


def sort_of(name: str | None) -> str:
    """Return the name of an order; without one, the newest first.

    Raises:
        Stop: there is no such order.
    """
    sort = "newest" if name is None else name.casefold()
    if sort not in SORTS:
        guess = nearest(sort, tuple(SORTS))
        hint = f"did you mean {guess}?" if guess else f"there are {', '.join(SORTS)}."
        raise CommandError(ExitCode.USAGE, f"There is no order “{name}”; {hint}")
    return sort


def filter_of(text: str) -> Filter:
    """Read a filter.

    Raises:
        Stop: something in it has no meaning; the sentence shows where.
    """
    try:
        return parse(text)
    except FilterError as error:
        # Cleaning makes escapes of some characters, which would push the marks to the right.
        start, end = len(clean(text[: error.start])), len(clean(text[: error.end]))
        marks = " " * start + "^" * max(1, end - start)
        raise CommandError(ExitCode.USAGE, f"{error}\n  {clean(text)}\n  {marks}") from None
