"""Run in the background what waits for the operator or the disk, and report what came of it on the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar, runtime_checkable

from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.screen import Screen
from textual.worker import WorkType

from bwp_tui.store.commands.request_validation import BadRequest
from bwp_tui.store.errors import StoreError

if TYPE_CHECKING:
    from bwp_tui.console.session import Session

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
OutcomeReader: TypeAlias = Callable[[], Coroutine[Any, Any, tuple[str, bool]]]
"""Reads what came of an action, and whether that stays so: not while it waits to be sent, or for the service."""

_Result = TypeVar("_Result")

ACTION: Final = "action"
"""The group of the work that carries out an action of the operator."""

_LEAST_PAUSE_S: Final = 1.0
_PAUSE_FACTOR: Final = 10.0
"""How many times as long as the last read took the next one waits at least."""


@runtime_checkable
class _StatusLineOwner(Protocol):
    """A screen that may have a status line."""

    def show_status(self, sentence: str, role: str = "plain") -> None: ...


class StatusReporter(_StatusLineOwner, Protocol):
    """A screen with a status line that has the parts all screens share."""

    session: Session


def run_in_background(node: DOMNode, work: Work, *, group: str = "default", exclusive: bool = False) -> None:
    """Run `work` beside `node`, and end it with the node; `exclusive` ends what runs in its group.

    The coroutine is made when it is first stepped: one made here would never be awaited where the node ends sooner.
    Textual removes a screen's widgets before it cancels the screen's workers: work that goes on between the two and
    finds its widgets gone ends here. Where the history fails, the status line says so.
    """

    worker: WorkType[None] = partial(_run, node, work)
    node.run_worker(worker, group=group, exclusive=exclusive)


def read_after_changes(node: DOMNode, read: Work, changed: asyncio.Event) -> None:
    """Read beside `node` now and again after each change, though not at once after the last time.

    A second call begins anew, without a pause. A read goes on where something changes meanwhile: one that ended then
    might never be done in a large history that changes all the time.
    """

    async def read_repeatedly() -> None:
        while True:
            changed.clear()
            began = time.monotonic()
            await _run(node, read)
            await asyncio.sleep(max(_LEAST_PAUSE_S, _PAUSE_FACTOR * (time.monotonic() - began)))
            await changed.wait()

    run_in_background(node, read_repeatedly, group="reading", exclusive=True)


def repeat_in_front(screen: Screen[None], seconds: float, act: Callable[[], object]) -> None:
    """Call `act` every so many seconds while no other screen is in front of `screen`."""
    screen.set_interval(seconds, lambda: act() if screen.is_current else None)


async def _run(node: DOMNode, work: Work) -> None:
    try:
        await work()
    except NoMatches:
        if node.app.is_running and node.screen in node.app.screen_stack:
            raise
    except StoreError as error:
        for screen in node.app.screen_stack:
            if isinstance(screen, _StatusLineOwner) and screen.query("#status"):
                screen.show_status(str(error), "bad")


async def prepare_question(session: Session, read: Callable[[], _Result]) -> _Result:
    """Run in a thread what a question needs to know; keys typed meanwhile wait for the question."""
    with keys_held(session):
        return await asyncio.to_thread(read)


@contextmanager
def keys_held(session: Session) -> Iterator[None]:
    """Have the keys that are typed during the block wait for what it prepares."""
    session.questions_in_preparation += 1
    try:
        yield
    finally:
        session.questions_in_preparation -= 1


async def run_in_thread_and_report(screen: StatusReporter, act: Callable[[], _Result]) -> _Result | None:
    """Run `act` in a thread, show the sentence it returns or why it failed, and return its result, or None."""
    screen.session.running_writes += 1
    try:
        result = await asyncio.to_thread(act)
    except (StoreError, BadRequest) as error:
        screen.show_status(str(error), "bad")
        return None
    finally:
        screen.session.running_writes -= 1
    if isinstance(result, str):
        screen.show_status(result)
    screen.session.feed.refresh()
    return result
