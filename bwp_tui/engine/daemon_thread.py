"""Make a blocking call in a daemon thread, so that a silent connection does not keep the program from ending."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


def in_daemon_thread(work: Callable[[], _Result], name: str) -> asyncio.Future[_Result]:
    """Run `work` in a daemon thread and return a future of the running loop for its result."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Result] = loop.create_future()

    def succeed(result: _Result) -> None:
        if not done.cancelled():
            done.set_result(result)

    def fail(error: BaseException) -> None:
        if not done.cancelled():
            done.set_exception(error)
            done.exception()  # nobody awaits a stopped call, and its end needs no log entry

    def body() -> None:
        try:
            ended = functools.partial(succeed, work())
        except BaseException as raised:  # noqa: BLE001  # the future raises it
            ended = functools.partial(fail, raised)
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(ended)

    threading.Thread(target=body, name=name, daemon=True).start()
    return done
