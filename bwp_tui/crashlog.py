"""Write crash reports without secrets, and one sentence for the operator.

A traceback with local variables would show tokens, links and shoppers' data. So none are written, and what
messages may carry of them is taken out.
"""

from __future__ import annotations

import platform
import sys
import threading
import traceback
import zlib
from pathlib import Path
from typing import Final

from bwp_tui import VERSION
from bwp_tui.domain import masking
from bwp_tui.domain.text import clean
from bwp_tui.domain.times import file_stamp, format_instant, utc_now
from bwp_tui.file_access import access_to, make_folder, new_file

KEPT_REPORTS: Final = 20
"""Reports that stay in a folder."""

_FRAMES: Final = 8


def redact_lines(text: str) -> str:
    """Return `text` without secrets, its emails masked, its control characters shown."""
    return "\n".join(clean(line) for line in masking.redact(text, emails=True).split("\n"))


def write_report(log_dir: Path, error: BaseException) -> Path | None:
    """Write a report of `error` to a new file in `log_dir` and return its path, or None where none can be written.

    A fault that has a report there is not reported again, and the last few reports are kept: an engine tries again.
    """
    try:
        instant, fault = utc_now(), _fault(error)
        for known in log_dir.glob(f"crash-*-{fault}.log"):
            return known
        path = log_dir / f"crash-{file_stamp(instant)}-{fault}.log"
        make_folder(log_dir)
        access_to(log_dir).set_folder(log_dir)
        text = (
            f"bwp-tui {VERSION}, Python {platform.python_version()}, {platform.system()}, "
            f"{format_instant(instant)}\n\n{redact_lines(''.join(traceback.format_exception(error)))}"
        )
        with new_file(path) as file:
            file.write(text.encode(errors="backslashreplace"))
        for old in sorted(log_dir.glob("crash-*.log"))[:-KEPT_REPORTS]:
            old.unlink()
    except Exception:  # noqa: BLE001  a report that fails must not hide what it reports
        return None
    return path


def _fault(error: BaseException) -> str:
    """Return what two reports of one fault have in common: the program's version, what was raised and where."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    return f"{zlib.crc32(' '.join([VERSION, type(error).__name__, *places]).encode()):08x}"


def sentence(error: BaseException, path: Path | None) -> str:
    """Return what to tell the operator about a fault whose report lies at `path`."""
    fault = f"bwp-tui met a fault of its own ({type(error).__name__}) and stopped; what was recorded is safe."
    if path is None:
        return f"{fault} No report of it could be written."
    return f"{fault} Please send in the report {path}; secrets and emails were taken out of it."


def install(log_dir: Path) -> None:
    """Have every exception that nothing catches, in any thread, recorded in `log_dir` and reported in a sentence."""

    def report(error: BaseException) -> None:
        print(sentence(error, write_report(log_dir, error)), file=sys.stderr)

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            report(args.exc_value)

    sys.excepthook = lambda _kind, error, _trace: report(error)
    threading.excepthook = in_thread
