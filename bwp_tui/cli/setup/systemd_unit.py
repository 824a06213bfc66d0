"""`bwp-tui run --print-unit`: print a unit of systemd that runs the engine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.settings import Profile

_WATCHDOG_S: Final = 120
"""Seconds after which systemd restarts an engine that gives no heartbeat."""

_COMMON: Final = """\
# {install}
[Unit]
Description=bwp-tui: engine of profile {profile}
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={program} --profile {profile} run
Restart=on-failure
RestartSec=30
# Wrong settings stay wrong.
RestartPreventExitStatus={usage}
WatchdogSec={watchdog}
TimeoutStopSec=60
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""
_SYSTEM: Final = """\
User=bwp-tui
Environment=BWP_CONFIG_FILE=/etc/bwp-tui/config.toml
# Instead of client_secret_command in the config file: the secret in a file of root, passed to this unit alone.
LoadCredential=client_secret:/etc/bwp-tui/client_secret
Environment=BWP_CLIENT_SECRET_FILE=%d/client_secret
CapabilityBoundingSet=
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictNamespaces=yes
"""
_OWN_FOLDER: Final = """\
Environment=BWP_DATA_DIR=/var/lib/bwp-tui
StateDirectory=bwp-tui
StateDirectoryMode=0700
"""
_TEAM_FOLDER: Final = """\
SupplementaryGroups={group}
ReadWritePaths={folder}
"""
_NO_SET_GROUP_ID: Final = "RestrictSUIDSGID=yes\n"
"""Left out for a team: new folders in its folder have the bit that passes their group on."""


class _Manager(NamedTuple):
    """A service manager: where its units are, how it is called, and the target that starts a unit."""

    units: str
    command: str
    target: str


_MANAGERS: Final = {
    "user": _Manager("~/.config/systemd/user", "systemctl --user", "default.target"),
    "system": _Manager("/etc/systemd/system", "systemctl", "multi-user.target"),
}


def unit(kind: str, profile: Profile) -> str:
    """Return the unit of a profile's engine; `kind` is one of `UNIT_KINDS`."""
    name, manager = f"bwp-tui-{profile.name}", _MANAGERS[kind]
    parts = [
        _COMMON.format(
            install=f"Save as {manager.units}/{name}.service, then: {manager.command} enable --now {name}",
            profile=profile.name,
            program=shutil.which("bwp-tui") or str(Path(sys.executable).with_name("bwp-tui")),
            usage=int(ExitCode.USAGE),
            watchdog=_WATCHDOG_S,
        )
    ]
    if profile.group is None:
        parts.append(_NO_SET_GROUP_ID)
    if kind == "system":
        team = _TEAM_FOLDER.format(group=profile.group, folder=profile.folder.parent)
        parts += [_SYSTEM, _OWN_FOLDER if profile.group is None else team]
    return "".join([*parts, f"\n[Install]\nWantedBy={manager.target}\n"])
