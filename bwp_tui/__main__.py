"""Entry point of `bwp-tui`."""

from __future__ import annotations

import gc

gc.set_threshold(50_000, 20, 20)  # before the imports, which take up to a tenth longer at Python's 700 objects

import os
import resource
import sys

from bwp_tui.cli.main import run
from bwp_tui.cli.support import streams


def main() -> int:
    """Run the command line of this process and return its exit code.

    Whatever the operator's umask, nothing made here is for others to read, and no core dump holds a secret.
    """
    streams.prepare()
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "_ARGCOMPLETE" in os.environ:
        from bwp_tui.cli.setup.completion import answer_shell

        answer_shell()
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
