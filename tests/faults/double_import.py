"""One file imported by two processes at once, as two operators or an overlapping cron do: it is recorded once.

The long form: `python -m tests.faults.double_import --trials 20`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.store.database.connection import as_int
from bwp_tui.store.open_store import open_store
from tests.cli.conftest import CREDENTIALS

LINES: Final = 400
RIVALS: Final = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the history holds after one trial, and how the imports ended."""

    tasks: int
    addresses: int
    codes: tuple[int, ...]

    @property
    def doubled(self) -> int:
        """Requests more than the file has."""
        return self.tasks - self.addresses

    @property
    def is_right(self) -> bool:
        """Whether all of the file was recorded, once, and one import alone says it did that."""
        return (self.tasks, self.addresses) == (LINES, LINES) and sorted(self.codes) == [ExitCode.DONE, ExitCode.FAILED]


def trial(folder: Path) -> Outcome:
    """Import one file by two processes at once."""
    folder.mkdir()
    file = folder / "requests.csv"
    file.write_text("kind,email\n" + "".join(f"retrieval,i{number}@example.com\n" for number in range(LINES)))
    env = {**os.environ, "BWP_DATA_DIR": str(folder), "HOME": str(folder), **CREDENTIALS}
    command = [sys.executable, "-m", "bwp_tui", "import", str(file)]
    imports = [
        subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(RIVALS)
    ]
    codes = tuple(process.wait(60) for process in imports)
    store = open_store(folder / "default" / "history.db")
    try:
        row = store.row("SELECT count(*), count(DISTINCT email) FROM tasks") or (0, 0)
        return Outcome(as_int(row[0]), as_int(row[1]), codes)
    finally:
        store.close()


def main() -> int:
    """Run the long form and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.double_import", description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory(prefix="bwp-imports-") as folder:
        outcomes = [trial(Path(folder) / str(number)) for number in range(trials)]
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    doubled = sum(outcome.doubled for outcome in outcomes)
    print(f"{trials} x {RIVALS} imports of {LINES} requests at once: {doubled} doubled, {len(wrong)} trials wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
