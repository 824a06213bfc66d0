"""Name the actor on the timeline."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from bwp_tui.domain.text import clean_line


def actor(environ: Mapping[str, str], name: str | None = None) -> str:
    """Return the actor, with sudo and SSH: `op (sudo by alice, from 10.0.0.7)`.

    The user comes from the system, since a variable such as LOGNAME may name anyone.

    Args:
        environ: has the variables of sudo and SSH.
        name: the name from the settings; the user follows in parentheses.
    """
    user = user_name()
    details = [user] if name and name != user else []
    if (invoking_user := environ.get("SUDO_USER")) and invoking_user != user:
        details.append(f"sudo by {invoking_user}")
    if client := environ.get("SSH_CONNECTION", "").split(" ")[0]:
        details.append(f"from {client}")
    return clean_line(f"{name or user} ({', '.join(details)})" if details else name or user)


def user_name() -> str:
    """Return the login name of the user of this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id without an account, as in containers
        return f"uid {os.getuid()}"
