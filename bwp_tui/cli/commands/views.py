"""Commands on views: list, save, delete."""

from __future__ import annotations

from argparse import Namespace

from bwp_tui.cli.commands.list_show import filter_of, sort_of
from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.support.context import open_session
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.domain.filter import VIEWS, View
from bwp_tui.store.queries import saved_views


def list_views(arguments: Namespace) -> ExitCode:
    """Print the views, the built-in ones first."""
    with open_session(arguments) as session:
        known = saved_views.all_views(session.store)
    if arguments.json:
        print_json([_record(view) for view in known])
        return ExitCode.DONE
    width = max(len(view.name) for view in known)
    for view in known:
        print(f"{view.name:<{width}}  {view.sort:<9}  {view.filter or '(all)'}")
    return ExitCode.DONE


def save_view(arguments: Namespace) -> ExitCode:
    """Save a filter under a name, for console and command line alike."""
    text = " ".join(arguments.filter)
    filter_of(text)
    columns = tuple(name for name in arguments.columns.replace(" ", "").split(",") if name)
    with open_session(arguments) as session:
        saved_views.save(session.store, View(arguments.name, "", text, sort_of(arguments.sort), columns))
    return ExitCode.DONE


def delete_view(arguments: Namespace) -> ExitCode:
    """Remove a saved view."""
    with open_session(arguments) as session:
        saved_views.delete(session.store, arguments.name)
    return ExitCode.DONE


def _record(view: View) -> dict[str, object]:
    return {
        "name": view.name,
        "filter": view.filter,
        "sort": view.sort,
        "columns": list(view.columns),
        "built_in": view in VIEWS,
    }
