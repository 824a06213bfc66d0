"""`bwp-tui doctor --bundle`: collect what the engineers of bwp-tui need to find a fault, without personal data."""

from __future__ import annotations

import json
import os
import platform
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from bwp_tui import VERSION
from bwp_tui.cli.setup.config import settings_json
from bwp_tui.cli.setup.finding import Finding
from bwp_tui.crashlog import redact_lines
from bwp_tui.file_access import new_file
from bwp_tui.settings import Profile
from bwp_tui.store.database.migrate import newest_version
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks, timeline

_EMAIL: Final = re.compile(r"[\w.%+•-]+@[\w-]+(?:\.[\w-]+)+")
_ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8}\b")
_ACCOUNT: Final = re.compile(r"\b\d{12}\b")
"""The number of an AWS account, as in the address of a queue."""
_VARIABLES: Final = ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "TMUX", "STY", "SSH_TTY", "COLUMNS", "LINES")

_CONTENTS: Final = """\
What is in this file:
  doctor.json    the findings of bwp-tui doctor
  settings.json  the settings in effect; of the secret only whether it is set
  history.json   number of tasks by kind and status, size and schema of the history
  system.json    versions, the terminal, variables of the terminal
  crash-*.log    the last crash reports
Emails, ids and account numbers are left out of all of them. Read them before you send the file to somebody.
"""


def write_bundle(path: Path, profile: Profile | None, findings: Sequence[Finding]) -> None:
    """Write a new zip file (0600) for a report of a fault; without a profile where the settings are wrong."""
    own_ids = [id for id in (profile.client_id, profile.target_id) if id] if profile is not None else []
    with new_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in _texts(profile, findings):
            redacted = _EMAIL.sub("<email>", redact_lines(text))
            for id in own_ids:
                redacted = redacted.replace(id, "<id>")
            bundle.writestr(name, _ACCOUNT.sub("<account>", _ID.sub("<id>", redacted)))


def _texts(profile: Profile | None, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    yield "CONTENTS.txt", _CONTENTS
    yield "doctor.json", _json([asdict(finding) for finding in findings])
    yield "system.json", _json(_system())
    if profile is None:
        return
    yield "settings.json", _json(settings_json(profile))
    yield "history.json", _json(_history(profile))
    for report in sorted(profile.log_dir.glob("crash-*.log")):
        with suppress(OSError):
            yield report.name, report.read_text(errors="replace")


def _json(json_object: object) -> str:
    return json.dumps(json_object, indent=2, ensure_ascii=False) + "\n"


def _system() -> Mapping[str, object]:
    packages = {}
    for requirement in requires("bwp-tui") or ():
        name = re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    return {
        "bwp-tui": VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": packages,
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def _history(profile: Profile) -> Mapping[str, object]:
    path = profile.history_path
    if not path.exists():
        return {"exists": False}
    try:
        with closing(open_store(path)) as store:
            counts = {f"{kind} {status}": count for (kind, status), count in tasks.status_counts(store).items()}
            span = timeline.first_and_last_instant(store)
    except StoreError as error:
        return {"exists": True, "error": str(error)}
    return {
        "exists": True,
        "bytes": path.stat().st_size,
        "schema": newest_version(),
        "tasks": counts,
        "first and last event": span,
    }
