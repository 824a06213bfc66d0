"""`bwp-tui run --print-unit`: print a unit of systemd that runs the engine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.settings import Profile

WATCHDOG_S: Final = 120
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
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""
_SYSTEM: Final = """\
User=bwp-tui
Environment=BWP_DATA_DIR=/var/lib/bwp-tui BWP_CONFIG_FILE=/etc/bwp-tui/config.toml
# Instead of client_secret_command in the config file: the secret in a file of root, passed to this unit alone.
LoadCredential=client_secret:/etc/bwp-tui/client_secret
Environment=BWP_CLIENT_SECRET_FILE=%d/client_secret
StateDirectory=bwp-tui
StateDirectoryMode=0700
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

[Install]
WantedBy=multi-user.target
"""
_USER: Final = """\

[Install]
WantedBy=default.target
"""
_UNITS: Final = {"user": _USER, "system": _SYSTEM}

_INSTALL: Final = {
    "user": "Save as ~/.config/systemd/user/{name}.service, then: systemctl --user enable --now {name}",
    "system": "Save as /etc/systemd/system/{name}.service, then: systemctl enable --now {name}",
}


def unit(kind: str, profile: Profile) -> str:
    """Return the unit of a profile's engine; `kind` is `user` or `system`."""
    name = f"bwp-tui-{profile.name}"
    program = shutil.which("bwp-tui") or str(Path(sys.executable).with_name("bwp-tui"))
    common = _COMMON.format(
        install=_INSTALL[kind].format(name=name),
        profile=profile.name,
        program=program,
        usage=int(ExitCode.USAGE),
        watchdog=WATCHDOG_S,
    )
    text = common + _UNITS[kind]
    if profile.group is None:
        return text
    # A team's folder is not the unit's own, and new folders in it have the bit that passes their group on.
    shared = f"SupplementaryGroups={profile.group}\nReadWritePaths={profile.folder.parent}\n"
    own = "StateDirectory=bwp-tui\nStateDirectoryMode=0700\n"
    return text.replace("RestrictSUIDSGID=yes\n", "").replace("BWP_DATA_DIR=/var/lib/bwp-tui ", "").replace(own, shared)
