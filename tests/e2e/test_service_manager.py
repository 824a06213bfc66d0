"""The engine under a service manager: its unit is valid, and it says when it is ready, alive and stopping."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.operator import Operator


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("kind", ["user", "system"])
def test_the_printed_unit_is_valid(shop: Operator, tmp_path: Path, kind: str) -> None:
    unit = tmp_path / "bwp-tui-default.service"
    printed = shop("run", "--print-unit", kind)
    assert printed.code == 0
    unit.write_text(printed.out)
    argv = ["systemd-analyze", "verify", *(["--user"] if kind == "user" else []), "--man=no", str(unit)]
    checked = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, env={**shop.env, "XDG_RUNTIME_DIR": "/run"}
    )
    assert [line for line in checked.stderr.splitlines() if unit.name in line] == []


def test_the_printed_unit_has_the_folders_of_the_profile_and_names_those_in_homes(shop: Operator) -> None:
    config = shop.data.parent / "config.toml"
    config.write_text('[profiles.own]\ndata_dir = "/srv/own %"\ndownload_dir = "/home/ann/results"\n')
    del shop.env["BWP_DATA_DIR"]
    shop.env |= {"BWP_CONFIG_FILE": str(config), "BWP_PROFILE": "own"}
    file, folder = f'Environment="BWP_CONFIG_FILE={config}"', 'ReadWritePaths="/srv/own %%"'
    printed = shop("run", "--print-unit", "system")
    assert {file, folder, 'ReadWritePaths="/home/ann/results"'} <= set(printed.out.splitlines())
    assert ("BWP_DATA_DIR" in printed.out, "/home/ann/results" in printed.err) == (False, True)
    printed = shop("run", "--print-unit", "user", env={"BWP_DATA_DIR": "/srv/other"})
    assert {file, 'Environment="BWP_DATA_DIR=/srv/other"'} <= set(printed.out.splitlines())


def test_the_printed_unit_has_the_settings_of_the_environment_but_no_secret(shop: Operator) -> None:
    shop.env |= {"BWP_CLIENT_SECRET": "hush-secret", "BWP_READ_ONLY": "true", "BWP_EVENTS_REGION": "eu-west-1"}
    shop.env |= {"BWP_CLIENT_SECRET_FILE": "~/secret"}
    for kind in ("user", "system"):
        printed = shop("run", "--print-unit", kind)
        names = ("BWP_READ_ONLY", "BWP_EVENTS_REGION", "BWP_API_URL", "BWP_TARGET_ID")
        assert {f'Environment="{name}={shop.env[name]}"' for name in names} <= set(printed.out.splitlines())
        assert ("client_secret_file" in printed.err, "hush-secret" in printed.out) == (False, False)
        secret_file = f'"BWP_CLIENT_SECRET_FILE={shop.env["HOME"]}/secret"' if kind == "user" else "%d/client_secret"
        assert [line for line in printed.out.splitlines() if "BWP_CLIENT_SECRET_FILE" in line] == [
            f"Environment={secret_file}" if kind == "user" else f"Environment=BWP_CLIENT_SECRET_FILE={secret_file}"
        ]
    del shop.env["BWP_CLIENT_SECRET_FILE"]
    assert "client_secret_file" in shop("run", "--print-unit", "user").err


def test_the_engine_says_that_it_is_ready_alive_and_stopping(shop: Operator, tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(60)
        watched = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "200000"}
        with subprocess.Popen(shop.argv("run"), env={**shop.env, **watched}, stdout=subprocess.DEVNULL) as engine:
            assert [manager.recv(99), manager.recv(99)] == [b"READY=1", b"WATCHDOG=1"]
            engine.send_signal(signal.SIGTERM)
            sent = b"WATCHDOG=1"
            while sent == b"WATCHDOG=1":
                sent = manager.recv(99)
            assert sent == b"STOPPING=1"
            assert engine.wait(60) == 0


def test_a_service_manager_that_reads_nothing_does_not_keep_the_engine_from_ending(
    shop: Operator, tmp_path: Path
) -> None:
    address = tmp_path / "notify"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling,
    ):
        manager.bind(str(address))
        manager.settimeout(60)
        with subprocess.Popen(
            shop.argv("run"), env={**shop.env, "NOTIFY_SOCKET": str(address)}, stdout=subprocess.DEVNULL
        ) as engine:
            assert manager.recv(99) == b"READY=1"
            filling.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    filling.sendto(b"x", str(address))
            engine.send_signal(signal.SIGTERM)
            assert engine.wait(60) == 0
