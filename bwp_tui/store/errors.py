"""What can go wrong with the register, each in one sentence for the operator.

HistoryError
├── HistoryUnavailable   the file cannot be opened, read or written now
│   ├── DiskFull         since its disk has no room left
│   ├── HistoryMoved     it was moved, removed or replaced while it is open
│   └── OtherShop        it holds another shop's requests
├── HistoryDamaged       the file is not a sound database
├── HistoryTooNew        a newer program wrote it
├── HistoryForeign       another program's database
├── NoSuchTask           a name that fits no task, or more than one
└── NotPossible          the task's state does not allow the action
"""

from __future__ import annotations


class EngineSuperseded(Exception):
    """Another process has become the engine since, so this one must not write as the engine any more.

    No `HistoryError`: what is tried again after one of those must end after this.
    """


class HistoryError(Exception):
    """Base of this room's errors; `str()` is a sentence for the operator."""


class HistoryUnavailable(HistoryError):
    """The file cannot be opened, read or written now."""


class DiskFull(HistoryUnavailable):
    """Its disk has no room left."""


class HistoryMoved(HistoryUnavailable):
    """The file was moved, removed or replaced while this process has it open."""


class OtherShop(HistoryUnavailable):
    """The file holds the requests of another shop than the settings are for."""


class HistoryDamaged(HistoryError):
    """The file is not a sound database."""


class HistoryTooNew(HistoryError):
    """A newer program wrote the file."""


class HistoryForeign(HistoryError):
    """The file is a database of another program."""


class NoSuchTask(HistoryError):
    """A name that fits no task, or more than one."""


class NotPossible(HistoryError):
    """The task's state does not allow the action."""
