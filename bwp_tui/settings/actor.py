"""Who is at the keyboard, for the timeline."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from bwp_tui.domain.text import clean_line


def actor(environ: Mapping[str, str], name: str | None = None) -> str:
    """Return who acts, and by which way they are this user: `op (sudo by alice, from 10.0.0.7)`.

    The user is the one the system knows: a variable such as LOGNAME may name anyone.

    Args:
        environ: tells of sudo and SSH.
        name: what the settings call who uses this profile; the user stands behind it.
    """
    user = user_name()
    ways = [user] if name and name != user else []
    if (before := environ.get("SUDO_USER")) and before != user:
        ways.append(f"sudo by {before}")
    if client := environ.get("SSH_CONNECTION", "").split(" ")[0]:
        ways.append(f"from {client}")
    return clean_line(f"{name or user} ({', '.join(ways)})" if ways else name or user)


def user_name() -> str:
    """Return what the system calls the user of this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id that no password file knows, as in containers
        return f"uid {os.getuid()}"
