"""Translate errors of SQLite and of the system into errors of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from bwp_tui.store.errors import DiskFull, StoreDamaged, StoreError, StoreUnavailable


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Translate what is raised while the history at `path` is used.

    Raises:
        StoreDamaged: it is no sound database.
        StoreUnavailable: it cannot be opened, read or written now.
    """
    try:
        yield
    except StoreError:
        raise
    except (apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError) as error:
        reason = "text that is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise damage_error(path, reason) from error
    except apsw.FullError as error:
        raise DiskFull(
            f"The disk that holds {path.parent} is full: nothing was recorded. Free some space and try again."
        ) from error
    except apsw.BusyError as error:
        raise StoreUnavailable(
            f"Another program keeps the history {path} locked: nothing was recorded. Try again."
        ) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, PermissionError) as error:
        raise StoreUnavailable(
            f"The history {path} cannot be written by this user. "
            "Set BWP_DATA_DIR to a folder of your own, or fix its permissions."
        ) from error
    except apsw.ProtocolError as error:
        raise StoreUnavailable(
            f"The folder {path.parent} gives no locks, as some network folders do not: nothing was recorded. "
            "Set BWP_DATA_DIR to a folder on a disk of this machine."
        ) from error
    except (apsw.IOError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreUnavailable(
            f"The history {path} cannot be used: {why}. Set BWP_DATA_DIR to another folder, or fix this one."
        ) from error


def damage_error(path: Path, reason: str) -> StoreDamaged:
    """Return the error for damage that was found while others may be using the history."""
    return StoreDamaged(
        f"The history {path} is damaged ({reason}). Close every bwp-tui of this profile and start one again: "
        "the file is kept, and what can be read of it is recovered."
    )
