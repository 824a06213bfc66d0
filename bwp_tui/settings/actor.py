"""Who is at the keyboard, for the timeline."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping

from bwp_tui.domain.text import clean_line


def actor(environ: Mapping[str, str]) -> str:
    """Return the user's name, with the host of the SSH client where there is one: `op (from 10.0.0.7)`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id that no password file knows, as in containers
        user = f"uid {os.getuid()}"
    client = environ.get("SSH_CONNECTION", "").split(" ")[0]
    return clean_line(f"{user} (from {client})" if client else user)
