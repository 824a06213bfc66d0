"""The console over a planted history, with a copy of all that Textual writes. Run it as a module, in a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.terminal.diff_driver import DiffDriver
from tests.console.past_tasks import clock
from tests.console.support import make_profile


class CopyingDriver(DiffDriver):
    """Writes to a file what Textual wants written, before it is thinned out."""

    def write(self, data: str) -> None:
        os.write(_COPY, data.encode())
        super().write(data)


if __name__ == "__main__":
    _COPY = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    app = ConsoleApp(make_profile(Path(sys.argv[1])), clock=clock, with_engine=False, driver_class=CopyingDriver)
    app.run(mouse=False)
    app.close()
