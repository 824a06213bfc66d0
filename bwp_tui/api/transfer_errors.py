"""Errors of downloads over a pre-signed link (contract: Link and archive).

    TransferError
    ├── LinkExpired      a new link is needed
    ├── ArchiveChanged   what is here is a part of another archive: again from zero
    ├── NothingLeft      the part that is here is already as long as the archive
    ├── ArchiveGone      there is no archive behind the link
    ├── ServerBusy       later, with a new link
    ├── ConnectionLost   the connection broke, stalled or was closed: go on from here with a new link
    └── WrongResponse    what came is no archive

The text is one sentence for an operator and holds no query of a URL.
"""

from __future__ import annotations

from typing import ClassVar

from bwp_tui.domain.masking import redact
from bwp_tui.domain.text import clean_line


class TransferError(Exception):
    """A transfer failed. `transient` says whether another try, always on a new link, can help."""

    usually_transient: ClassVar[bool] = True

    def __init__(self, sentence: str, *, transient: bool | None = None) -> None:
        super().__init__(clean_line(redact(sentence)))
        self.transient = self.usually_transient if transient is None else transient


class LinkExpired(TransferError):
    """The link is too old or its signature is not accepted."""


class ArchiveChanged(TransferError):
    """The archive is not the one the part was taken from."""


class NothingLeft(TransferError):
    """The archive ends before the asked start, or there. `total` is its size in bytes where the server told it."""

    usually_transient = False

    def __init__(self, sentence: str, *, total: int | None = None) -> None:
        super().__init__(sentence)
        self.total = total


class ArchiveGone(TransferError):
    """There is nothing behind the link; a store that is slow to copy says so for a while."""


class ServerBusy(TransferError):
    """The server cannot serve it now. `retry_after`, in seconds, is the wait it asked for, where it asked."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class ConnectionLost(TransferError):
    """The bytes stopped before the archive's end."""


class WrongResponse(TransferError):
    """The answer is not an archive: a page on the way, a redirection, an error of the store. Nothing of it is kept."""
