"""Work that waits for the operator or the disk, beside the screen that asked for it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from textual.dom import DOMNode
from textual.worker import WorkType

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


def start_worker(node: DOMNode, work: Work, *, group: str = "default", exclusive: bool = False) -> None:
    """Carry out `work` beside `node`, and end it with the node; `exclusive` ends what runs in its group.

    The coroutine is made when it is first stepped: one made here would never be awaited where the node ends sooner.
    """

    async def carry_out() -> None:
        await work()

    carried_out: WorkType[None] = carry_out
    node.run_worker(carried_out, group=group, exclusive=exclusive)
