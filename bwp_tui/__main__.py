"""The program's door: `bwp-tui` and `python -m bwp_tui`."""

from __future__ import annotations

import os
import resource
import sys

from bwp_tui.cli.main import run


def main() -> int:
    """Run the command line of this process and return its exit code.

    Whatever the operator's umask, nothing made here is for others to read, and no core dump holds a secret.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
