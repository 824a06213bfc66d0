"""`bwp-tui sandbox`: run the practice API on this machine, with sample data, and open a console on it."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from bwp_tui.cli.console import open_console, require_terminal
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.session import without_engine
from bwp_tui.cli.support.streams import print_message
from bwp_tui.settings import (
    AwsKey,
    EventQueue,
    KeySetting,
    LiteralSecret,
    Profile,
    SettingsError,
    actor,
    config_path,
    profile_folder,
)
from bwp_tui.settings.checks import SANDBOX_PROFILE
from bwp_tui.settings.configfile import read_config
from bwp_tui.settings.load import practice_environment
from bwp_tui.store.maintenance import backups

if TYPE_CHECKING:
    from bwp_tui.sandbox.server import Sandbox

_DOWNLOAD_RATE: Final = 750_000
"""Bytes a second of downloads in the practice console, so that progress is visible."""

_ARCHIVES: Final = (".zip", ".part")


def sandbox(arguments: Namespace) -> int:
    """Serve the practice API, and unless `--serve` is given open the console or plain mode on a new profile for it."""
    if arguments.serve:
        practice = _started_sandbox(arguments, rate=None)
        # Under a profile of its own.
        values = {"BWP_PROFILE": "practice"} | practice_environment(sandbox_profile(practice), {})
        lines = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
        practice.serve_forever(lambda: print(lines, flush=True))
        return ExitCode.DONE
    if not arguments.plain:
        require_terminal("bwp-tui sandbox --plain")
    practice = _started_sandbox(arguments, rate=_DOWNLOAD_RATE)
    try:
        profile = sandbox_profile(practice, arguments.speed)
        another = "Another practice console is open; close it first."
        with without_engine(profile, CommandError(another)):
            _remove_sandbox_files(profile)
            _seed_tasks(profile, practice)
        if not arguments.plain:
            return open_console(replace(profile, keys=_own_keys()), arguments.theme)
        from bwp_tui.cli.plain.repl import open_plain

        environ = practice_environment(profile, os.environ)
        os.environ.clear()
        os.environ.update(environ)
        return open_plain(profile)
    finally:
        practice.stop()


def sandbox_profile(practice: Sandbox, speed: float = 1.0) -> Profile:
    """Return the profile for the practice API in this process."""
    folder = profile_folder(SANDBOX_PROFILE, os.environ)
    return Profile(
        name=SANDBOX_PROFILE,
        shop_name="Practice Shop",
        folder=folder,
        api_url=practice.api_url,
        token_url=practice.token_url,
        client_id=practice.client_id,
        target_id=practice.target_id,
        secret=LiteralSecret(practice.client_secret),
        download_dir=folder / "downloads",
        speed=speed,
        is_sandbox=True,
        events=_event_queue(practice),
    )


def _event_queue(practice: Sandbox) -> EventQueue | None:
    """Return the queue of the practice API's events, or None where the extra that reads queues is not installed."""
    if find_spec("botocore") is None:
        return None
    return EventQueue(
        queue_url=practice.queue_url,
        region=practice.region,
        endpoint_url=practice.endpoint_url,
        access_key=AwsKey(*practice.aws_key),
    )


def _own_keys() -> tuple[KeySetting, ...]:
    """Return the operator's key bindings; a config file with mistakes is ignored."""
    try:
        return read_config(config_path(os.environ), required=False).keys
    except SettingsError as error:
        print_message(f"The config file is ignored: {error.mistakes[0]}")
        return ()


def _started_sandbox(arguments: Namespace, *, rate: int | None) -> Sandbox:
    try:
        from bwp_tui.sandbox.server import Sandbox
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("bwp_tui"):
            raise
        raise CommandError("The sandbox needs two more packages; run in the clone: pip install '.[sandbox]'") from None
    practice = Sandbox(
        tasks=arguments.tasks,
        seed=arguments.seed,
        speed=arguments.speed,
        faults=arguments.fault,
        port=arguments.port,
        rate=rate,
        new_ids=arguments.serve,  # its history goes on
    )
    try:
        practice.start()
    except OSError as error:
        raise CommandError(f"Port {arguments.port} cannot be used: {error.strerror}. Choose another --port.") from None
    return practice


def _remove_sandbox_files(profile: Profile) -> None:
    """Delete the practice history, its copies and archives; never the files of others or the target of a link."""
    if not profile.is_sandbox or profile.folder.name != SANDBOX_PROFILE:
        raise AssertionError("only a practice profile may be emptied")
    history, kept = profile.history_path, backups.folder(profile.history_path)
    # With any copy left, the missing history would be recovered from it.
    leftovers = [profile.state_path, *profile.folder.glob(f"{history.stem}.*")]
    leftovers += [kept] if kept.is_symlink() else backups.daily_backups(history)
    if profile.download_dir.is_dir() and not profile.download_dir.is_symlink():
        files = (path for path in profile.download_dir.iterdir() if not path.is_dir())
        leftovers += [path for path in files if path.suffix in _ARCHIVES]
    for path in leftovers:
        path.unlink(missing_ok=True)


def _seed_tasks(profile: Profile, practice: Sandbox) -> None:
    from bwp_tui.store.commands.seed_sandbox import seed_tasks
    from bwp_tui.store.open_store import open_store

    with closing(open_store(profile.history_path)) as store:
        seed_tasks(store, practice.past_tasks, actor(os.environ))
