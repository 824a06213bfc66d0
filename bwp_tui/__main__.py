"""Entry point of `bwp-tui`."""

from __future__ import annotations

import gc
import os
import resource
import sys
from typing import Final

from bwp_tui.cli.main import run
from bwp_tui.cli.support import streams

_OBJECTS: Final = 50_000
"""New objects between two runs of the collector: at Python's 700, a start spends a quarter of its time in it."""


def main() -> int:
    """Run the command line of this process and return its exit code.

    Whatever the operator's umask, nothing made here is for others to read, and no core dump holds a secret.
    """
    streams.prepare()
    gc.set_threshold(_OBJECTS, 20, 20)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "_ARGCOMPLETE" in os.environ:
        from bwp_tui.cli.setup.completion import answer_shell

        answer_shell()
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
