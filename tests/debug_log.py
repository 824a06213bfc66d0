"""All that is logged while libraries log at their most detailed level."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class LineRecorder(logging.Handler):
    """Keeps each formatted record in `lines`."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def recorded_at_debug_level(*names: str) -> Iterator[LineRecorder]:
    """Record what the root logger receives while the loggers of these names log everything."""
    recorder, root = LineRecorder(), logging.getLogger()
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, names))}
    root.addHandler(recorder)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    try:
        yield recorder
    finally:
        root.removeHandler(recorder)
        for logger, level in levels.items():
            logger.setLevel(level)
