"""Errors of the store; `str()` of each is a sentence for the operator."""

from __future__ import annotations


class EngineSuperseded(Exception):
    """Another process has become the engine, so this one must not write as the engine any more.

    It is no `StoreError`, which callers retry.
    """


class ReadCancelled(Exception):
    """The caller cancelled a long read; nothing is wrong."""


class StoreError(Exception):
    """Base of the store's errors."""


class StoreUnavailable(StoreError):
    """The file cannot be opened, read or written now."""


class DiskFull(StoreUnavailable):
    """The disk that holds the file is full."""


class StoreMoved(StoreUnavailable):
    """The file was moved, removed or replaced while this process has it open."""


class StoreChanged(StoreUnavailable):
    """The file was changed while this process has it open without seeing changes: it could not be written then."""


class OtherShop(StoreUnavailable):
    """The file holds the requests of another shop than that of the settings."""


class StoreDamaged(StoreError):
    """The file is not a sound database."""


class StoreTooNew(StoreError):
    """A newer program wrote the file."""


class NotAHistory(StoreError):
    """The file is a database of another program, not a history."""


class NoSuchTask(StoreError):
    """A name that fits no task, or more than one."""


class NotPossible(StoreError):
    """The state of a task, of its download or of the history does not allow the action."""


class NoSuchView(NotPossible):
    """There is no view of that name."""
