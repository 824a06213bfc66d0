"""`bwp-tui run --print-unit`: print a unit of systemd that runs the engine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final, NamedTuple

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.support.streams import print_message
from bwp_tui.settings import Profile, config_path, profile_folder, read_profile
from bwp_tui.settings.checks import with_home
from bwp_tui.settings.profile import EVENT_SETTINGS, PROFILE_SETTINGS, SECRET_SETTINGS, variable_of

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
_STATE_FOLDER: Final = """\
StateDirectory=bwp-tui
StateDirectoryMode=0700
"""
_HOMES: Final = ("/home", "/root", "/run/user")
"""What ProtectHome hides from an engine."""

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


def print_unit(kind: str, profile: Profile) -> None:
    """Print the unit of a profile's engine; `kind` is one of `UNIT_KINDS`. Say what the unit would hide from it."""
    name, manager = f"bwp-tui-{profile.name}", _MANAGERS[kind]
    program = Path(shutil.which("bwp-tui") or Path(sys.executable).with_name("bwp-tui"))
    # The engine has to have the settings and the history of the commands here, and no secret is in a unit.
    named = {variable_of(name): name for name in (*PROFILE_SETTINGS, *(f"events.{name}" for name in EVENT_SETTINGS))}
    settings = {
        variable: with_home(value)
        for variable, name in named.items()
        if (value := os.environ.get(variable, "").strip()) and not (kind == "system" and name in SECRET_SETTINGS)
    }
    others = {variable: value for variable, value in os.environ.items() if variable != "BWP_CLIENT_SECRET"}
    is_left_out = kind == "user" and bool(os.environ.get("BWP_CLIENT_SECRET"))
    if is_left_out and read_profile(profile.name, others, may_be_new=True).secret is None:
        print_message("The unit does not have BWP_CLIENT_SECRET: set client_secret_file or client_secret_command.")
    paths = {"BWP_CONFIG_FILE": config_path(os.environ), "BWP_DATA_DIR": profile.folder.parent}
    paths = {variable: path for variable, path in paths.items() if os.environ.get(variable)}
    lines = [] if profile.group else [_NO_SET_GROUP_ID]
    if kind == "system":
        writable = [] if profile.download_dir.is_relative_to(profile.folder) else [profile.download_dir]
        paths = {"BWP_CONFIG_FILE": Path("/etc/bwp-tui/config.toml")} | paths
        lines.append(_SYSTEM)
        if profile.folder == profile_folder(profile.name, {}):  # no setting says where
            paths["BWP_DATA_DIR"] = Path("/var/lib/bwp-tui")
            lines.append(_STATE_FOLDER)
        else:
            writable.insert(0, profile.folder.parent)
        lines += [f"SupplementaryGroups={profile.group}\n"] if profile.group else []
        lines += [f"ReadWritePaths={_quoted(str(path))}\n" for path in writable]
        for path in (program.resolve(), *paths.values(), *writable):
            if any(path.is_relative_to(home) for home in _HOMES):
                print_message(f"{path} is in a home, which the unit hides from its engine: it has to be elsewhere.")
    common = _COMMON.format(
        install=f"Save as {manager.units}/{name}.service, then: {manager.command} enable --now {name}",
        profile=profile.name,
        program=_quoted(str(program)),
        usage=int(ExitCode.USAGE),
        watchdog=_WATCHDOG_S,
    )
    environment = settings | {variable: str(path) for variable, path in paths.items()}
    variables = [f"Environment={_quoted(f'{variable}={value}')}\n" for variable, value in environment.items()]
    print("".join([common, *variables, *lines, f"\n[Install]\nWantedBy={manager.target}\n"]), end="")


def _quoted(text: str) -> str:
    """Return a text as systemd reads it, which expands each % otherwise."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
