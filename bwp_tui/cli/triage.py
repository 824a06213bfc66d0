"""Commands that record the office's own work on tasks: note, tag, verify, assign, extend, acknowledge."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence

from bwp_tui.cli.common import Session, named, opened, read, today
from bwp_tui.cli.exits import Exit, Stop
from bwp_tui.cli.many import agreed_plan, carry_out, chosen
from bwp_tui.cli.output import print_tasks
from bwp_tui.cli.triage_grammar import MINUS
from bwp_tui.domain.filter import NOBODY
from bwp_tui.domain.tags import why_no_tag
from bwp_tui.domain.task import Verification
from bwp_tui.history import bulk, tasks, work
from bwp_tui.history.bulk import Deed

_REMOVE = ("-", MINUS)


def note(arguments: Namespace) -> Exit:
    """Add a note to a task."""
    with opened(arguments) as session:
        number = tasks.named(session.history, arguments.task).number
        work.add_note(session.history, number, arguments.text, session.actor)
        print_tasks([tasks.get(session.history, number)], as_json=arguments.json)
    return Exit.DONE


def verify(arguments: Namespace) -> Exit:
    """Record how it was made sure who asks."""

    def deed(session: Session) -> Deed:
        verification = Verification(arguments.on or today(), arguments.by or session.actor, arguments.how)
        return bulk.verify(verification, session.actor)

    return _on_many(arguments, "verify", arguments.tasks, deed)


def extend(arguments: Namespace) -> Exit:
    """Record an extension, which moves the due date."""
    return _on_many(
        arguments, "extend", arguments.tasks, lambda session: bulk.extend(arguments.reason, today(), session.actor)
    )


def acknowledge(arguments: Namespace) -> Exit:
    """Record that receipt was confirmed to the shopper."""
    return _on_many(
        arguments,
        "acknowledge",
        arguments.tasks,
        lambda session: bulk.acknowledge(arguments.on or today(), session.actor),
    )


def tag(arguments: Namespace) -> Exit:
    """Add tags to tasks and remove tags from them."""
    words: Sequence[str] = arguments.words
    add = [word[1:] for word in words if word.startswith("+")]
    remove = [word[1:] for word in words if word.startswith(_REMOVE)]
    names = [word for word in words if not word.startswith(("+", *_REMOVE))]
    if not all((*add, *remove)) or not (add or remove):
        raise Stop(Exit.USAGE, "Give tags to add (+vip) or to remove (-vip). Nothing was done.")
    for word in add:
        if why_not := why_no_tag(word):
            raise Stop(Exit.USAGE, f"{why_not} Nothing was done.")
    return _on_many(arguments, "tag", names, lambda session: bulk.tag(add, remove, session.actor))


def assign(arguments: Namespace) -> Exit:
    """Say who has tasks in hand."""
    *names, who = arguments.words
    nobody = not who.strip() or who.casefold() == NOBODY
    return _on_many(arguments, "assign", names, lambda session: bulk.assign(None if nobody else who, session.actor))


def _on_many(arguments: Namespace, action: str, names: Sequence[str], deed: Callable[[Session], Deed]) -> Exit:
    with opened(arguments) as session:
        if arguments.filter is None and names:
            numbers: Sequence[int] = named(session.history, names)
        else:
            numbers = agreed_plan(session, action, chosen(session, names, arguments.filter), arguments).possible
        now, all_done = carry_out(session, deed(session), numbers)
        print_tasks(read(session.history, now), as_json=arguments.json)
    return Exit.DONE if all_done else Exit.FAILED
