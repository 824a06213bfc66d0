"""`bwp-tui doctor`: check what answering requests needs."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import stat
import tempfile
import textwrap
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from bwp_tui.cli.exit_codes import ExitCode
from bwp_tui.cli.setup.event_checks import check_queue, check_subscriptions
from bwp_tui.cli.setup.finding import Finding, Level
from bwp_tui.cli.setup.terminal_check import check_terminal
from bwp_tui.cli.support.days import today
from bwp_tui.cli.support.engine_wait import SENDS_NOTHING
from bwp_tui.cli.support.new_text_file import check_is_new
from bwp_tui.cli.support.streams import in_profile, print_message, terminal_width
from bwp_tui.cli.support.task_output import print_json
from bwp_tui.console.bindings.keymap import keymap
from bwp_tui.domain.filter import parse
from bwp_tui.domain.task import TO_CHECK
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.domain.times import local_day, parse_instant, to_local, utc_now, zone_name
from bwp_tui.file_access import Access, access_to
from bwp_tui.settings import Profile, SettingsError, letters_folder, load_profile, source_of_settings
from bwp_tui.settings.letter_templates import mistakes_in
from bwp_tui.settings.profile import CONSOLE_SIZE_VARIABLE
from bwp_tui.settings.secret import CommandSecret
from bwp_tui.settings.team import members, network_file_system
from bwp_tui.store.database.connection import Store
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.database.error_translation import damage_error, translated_errors
from bwp_tui.store.errors import StoreError
from bwp_tui.store.maintenance import atomic_swap, backups, chain_check, integrity
from bwp_tui.store.maintenance.chain_check import ChainFinding
from bwp_tui.store.open_store import older_copy_notes, open_store
from bwp_tui.store.queries import tasks, timeline
from bwp_tui.store.queries.saved_results import tasks_of_gone_results
from bwp_tui.store.queries.tasks import count
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability, EngineState
from bwp_tui.store.worklog.intents import UnfinishedWork, unfinished_work

_OLDEST_BACKUP_DAYS = 2
_CHECKED_RESULTS = 1_000
_NAMED_CHANGES = 3
_SMALL_FILE_BYTES = 65_536  # less than SQLite needs to record anything


def doctor(arguments: Namespace) -> ExitCode:
    """Check settings, credentials, service, files, history, engine, clock and terminal; print a line for each."""
    if arguments.bundle is not None:
        check_is_new(arguments.bundle)
    findings = []
    try:
        profile = load_profile(arguments.profile, os.environ)
        found = _findings(profile)
    except SettingsError as error:
        profile = None
        mistakes = [Finding("settings", Level.FAIL, mistake) for mistake in error.mistakes]
        found = iter([*mistakes, check_terminal(None)])
    for finding in found:
        findings.append(finding)
        if not arguments.json:
            print(_line(finding), flush=True)
    if arguments.json:
        print_json([asdict(finding) for finding in findings])
    if arguments.bundle is not None:
        from bwp_tui.cli.setup.bundle import write_bundle

        write_bundle(arguments.bundle, profile, findings)
        print_message(f"{arguments.bundle} has this and more, without emails and ids; read it before you send it.")
    return ExitCode.FAILED if any(finding.level is Level.FAIL for finding in findings) else ExitCode.DONE


def _line(finding: Finding) -> str:
    """Return a finding as a line; in the pane of the console as several, under each other."""
    beginning, sentence = f"{finding.level:<5} {finding.check:<12} ", clean_line(in_profile(finding.sentence))
    if CONSOLE_SIZE_VARIABLE not in os.environ or (width := terminal_width()) is None:
        return f"{beginning}{sentence}"
    lines = textwrap.wrap(sentence, max(width - len(beginning), 1), break_on_hyphens=False)
    return beginning + f"\n{' ' * len(beginning)}".join(lines)


def _findings(profile: Profile) -> Iterator[Finding]:
    yield Finding("settings", Level.OK, f"Profile {profile.name}, from {source_of_settings(os.environ)}.")
    mistakes = keymap(profile.keys, profile.commands).mistakes
    yield from (Finding("keys", Level.WARN, mistake) for mistake in mistakes)
    yield from (Finding("letters", Level.WARN, mistake) for mistake in mistakes_in(letters_folder(os.environ)))
    for program in (*profile.hooks.values(), *(command.program for command in profile.commands)):
        if shutil.which(program.argv[0]) is None:
            sentence = f"The program {program.argv[0]} of the config file is not there, or cannot be run."
            yield Finding("programs", Level.WARN, sentence)
    yield from check_credentials(profile)
    yield from check_events(profile)
    yield from check_files(profile)  # before opening the history, which fixes some of them
    yield from check_history(profile)
    yield check_terminal(profile)


def check_credentials(profile: Profile) -> Iterator[Finding]:
    """Check the credentials and whether the service accepts them."""
    from bwp_tui.engine.runtime.engine_config import engine_config

    try:
        config = engine_config(profile)
    except SettingsError as error:
        yield Finding("credentials", Level.FAIL, str(error))
        return
    secret = f"a secret from {profile.secret.command[0]}" if isinstance(profile.secret, CommandSecret) else "a secret"
    yield Finding("credentials", Level.OK, f"Client {config.client_id}, target {config.target_id}, and {secret}.")
    from bwp_tui.engine.runtime.service_calls import check_service

    result = check_service(config)
    yield Finding("service", Level.OK if result.reachable else Level.FAIL, result.sentence)


def check_events(profile: Profile) -> Iterator[Finding]:
    """Check the subscriptions to the service's events and their queue, where one is configured."""
    if profile.events is None:
        return
    from bwp_tui.engine.runtime.engine_config import engine_config
    from bwp_tui.engine.runtime.service_calls import ServiceCallError, subscriptions

    try:
        yield from check_subscriptions(subscriptions(engine_config(profile)), profile.events.region)
    except SettingsError:
        pass  # `check_credentials` has found it
    except ServiceCallError as error:
        yield Finding("events", Level.FAIL, str(error))
    yield from check_queue(profile.events)


def check_files(profile: Profile) -> Iterator[Finding]:
    """Check that this user can write the profile's files, and that only this user or the team can read them."""
    place = _nearest(profile.folder)
    if error := _write_error(place):
        needed = "" if place == profile.folder else f", and {profile.folder} is needed there"
        yield Finding("files", Level.FAIL, f"{place} cannot be written ({error}){needed}.")
        return
    if not profile.folder.exists():
        yield Finding("files", Level.OK, f"{profile.folder} does not exist yet; it is created when needed.")
        return
    found = [*_files_of_others(profile), *_open_to_others(profile)]
    if error := _write_error(_nearest(profile.download_dir)):
        found.append(Finding("files", Level.FAIL, f"{profile.download_dir} cannot be written ({error})."))
    yield from found or [Finding("files", Level.OK, _sharing(profile))]


def _sharing(profile: Profile) -> str:
    if profile.group is None:
        return f"{profile.folder} is private (0700)."
    return f"{profile.folder} is shared in the group {profile.group} (2770): {', '.join(members(profile))}."


def _nearest(folder: Path) -> Path:
    """Return the folder or its nearest existing parent."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))


def _write_error(folder: Path) -> str | None:
    """Try to write a small file: permissions alone do not tell of a full or a read-only disk. Return what fails."""
    try:
        with tempfile.TemporaryFile(prefix=".doctor-", dir=folder) as file:
            file.write(bytes(_SMALL_FILE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return os.strerror(error.errno or 0).lower()
    return None


def _files_of_others(profile: Profile) -> Iterator[Finding]:
    """Find files of another user, such as those created under sudo, which the engine cannot replace.

    A team's own must all belong to its group.
    """
    access, folder = access_to(profile.folder), profile.folder
    inside = (folder, *folder.glob("*"), *folder.glob("*/*"))
    found = {path: path.lstat() for path in inside if os.path.lexists(path)}
    if access.group is None:
        others = [path for path, status in found.items() if status.st_uid != os.geteuid()]
        whose, owner = "another user", f"-R {getpass.getuser()}"
    else:
        others = [path for path, status in found.items() if not _is_shared(status, access)]
        whose, owner = f"one member of {profile.group} alone", f"-R :{profile.group}"
    if others:
        count = counted(len(others), "file or folder", "files and folders")
        quoted = shlex.quote(str(folder))
        also = "" if access.group is None else f" && sudo chmod -R u+rwX,g+rwX,o= {quoted}"
        yield Finding(
            "files",
            Level.FAIL,
            f"{folder} has {count} of {whose}, such as {others[0]} (from sudo?). Backups and "
            f"downloads fail; run: sudo chown {owner} {quoted}{also}",
        )


def _is_shared(status: os.stat_result, access: Access) -> bool:
    """Return whether all members of a team can use a file or folder."""
    needed = access.folder_mode if stat.S_ISDIR(status.st_mode) else access.file_mode
    return status.st_gid == access.group and status.st_mode & needed == needed


def _open_to_others(profile: Profile) -> Iterator[Finding]:
    history = profile.history_path
    databases = (history.with_name(f"{history.name}{suffix}") for suffix in ("", "-wal", "-shm"))
    for path in (profile.folder, profile.download_dir, profile.log_dir, *databases):
        forbidden = access_to(path).forbidden
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & forbidden:
            who = "go=" if forbidden & 0o070 else "o="
            yield Finding("files", Level.WARN, f"Other users can access {path}; run: chmod {who} {path}")
    if kind := network_file_system(profile.folder):
        unsafe = f"{profile.folder} is on a network file system ({kind}): use it from one machine alone."
        yield Finding("files", Level.WARN, unsafe)


def check_history(profile: Profile) -> Iterator[Finding]:
    """Check the history, its backups, the engine and the clock."""
    path = profile.history_path
    if not path.exists():
        try:
            is_recoverable = backups.is_recoverable(path)
        except StoreError as error:
            yield Finding("history", Level.FAIL, f"{path} is missing. {error}")
            return
        if is_recoverable:
            next_one = "the next one recovers it from the copies and the log that are left"
            missing = f"{path} is missing. Put it back, or close every bwp-tui: {next_one}."
            yield Finding("history", Level.FAIL, missing)
        else:
            yield Finding("history", Level.OK, "None yet; the first request creates it.")
        return
    try:
        with closing(open_store(path)) as store:
            with translated_errors(path):
                found = integrity.full_check(path)
                events, changed = (0, []) if found else chain_check.check_file(path)
            span, state = timeline.first_and_last_instant(store), engine_state.read(store)
            work = unfinished_work(store)
            store.require_shop(profile.shop)
            size = count(store, parse(""), today=today())
            to_check = count(store, parse(f"tag:{TO_CHECK}"), today=today())
            gone = tasks.by_numbers(store, tasks_of_gone_results(store, _CHECKED_RESULTS))
    except StoreError as error:
        yield Finding("history", Level.FAIL, str(error))
        return
    if found:
        flag_damage(path)
        yield Finding("history", Level.FAIL, str(damage_error(path, "; ".join(found))))
    else:
        late, backup = _newest_backup(profile, span[0] if span else None)
        level = Level.WARN if late else Level.OK
        yield Finding("history", level, f"{path} is sound and has {counted(size, 'task')}; {backup}")
        yield _timelines(events, changed)
    if to_check:
        what = f"{counted(to_check, 'task')} changed by damage or another program, or in dispute between two copies"
        yield Finding("history", Level.WARN, f"{what}: check each, and remove its tag: bwp-tui list tag:{TO_CHECK}")
    if state.maintenance_finding is not None:
        yield Finding("history", Level.WARN, f"The daily check of the history found: {state.maintenance_finding}")
    yield _engine(profile, state, store.read_only_reason, work)
    if gone:
        again = "" if profile.read_only else f"; again: bwp-tui download {gone[0].number}"
        what = f"{counted(len(gone), 'downloaded result')} of the newest {_CHECKED_RESULTS}"
        yield Finding("files", Level.WARN, f"Gone or changed on disk: {what}, first that of {gone[0].name}{again}")
    yield from _earlier_damage(store, path)
    yield _clock(span[1] if span else None)


def _timelines(events: int, changed: Sequence[ChainFinding]) -> Finding:
    """Report what another program has changed in timelines and rows of tasks."""
    if not changed:
        return Finding("timelines", Level.OK, f"{counted(events, 'event')} and their tasks agree with their digests.")
    named = "; ".join(finding.sentence for finding in changed[:_NAMED_CHANGES])
    what = f"{counted(len(changed), 'change')} that this program did not record, such as {named}."
    return Finding("timelines", Level.FAIL, f"{what} See all: bwp-tui evidence --verify")


def _newest_backup(profile: Profile, oldest: str | None) -> tuple[bool, str]:
    """Return whether the newest backup is too old, and a clause about it."""
    if profile.is_sandbox:
        return False, "the practice makes no backups."
    try:
        copies = backups.daily_backups(profile.history_path)
    except StoreError as error:
        return True, str(error)
    if not copies:
        begun = _instant(oldest)
        late = begun is not None and (today() - local_day(begun)).days > _OLDEST_BACKUP_DAYS
        return late, "no backup yet. Keep bwp-tui running, which makes one a day."
    if not os.access(copies[0], os.R_OK):
        return True, f"the newest backup cannot be read: fix the permissions of {copies[0]}."
    if not integrity.is_sound(copies[0]):
        keep = f"move {copies[0]} to another folder and keep it"
        return True, f"the newest backup is damaged: {keep}; bwp-tui run makes a new one."
    age = (today() - backups.day_of(copies[0])).days
    if age <= _OLDEST_BACKUP_DAYS:
        return False, f"newest backup: {copies[0]}."
    return True, f"newest backup: {copies[0]}, {counted(age, 'day')} old. Keep bwp-tui running, which makes one a day."


def _engine(profile: Profile, state: EngineState, read_only_reason: str | None, work: UnfinishedWork | None) -> Finding:
    """Check that the engine, if any, can work, and that no work is left for one."""
    from bwp_tui.engine.runtime.lease import NOT_RESPONDING, Lease, LeaseUnusable, misses_heartbeats

    lease = Lease(profile.lease_path)
    try:
        if lease.acquire():
            none = "No engine is running"
            if read_only_reason is not None:
                return Finding("engine", Level.WARN, f"{none}, and none can: the history can only be read.")
            if work is not None and work.needs_sending_engine and profile.read_only:
                return Finding("engine", Level.WARN, f"{none}, and {work.counts_text}. {SENDS_NOTHING}")
            level, what = (Level.OK, none) if work is None else (Level.WARN, f"{none}, and {work.counts_text}")
            return Finding("engine", level, f"{what}; bwp-tui run or the console becomes it.")
    except LeaseUnusable as error:
        return Finding("engine", Level.FAIL, str(error))
    finally:
        lease.release()
    who = state.process.capitalize()
    if misses_heartbeats(profile.lease_path):
        what = f"{NOT_RESPONDING}. bwp-tui run or the console takes over."
        return Finding("engine", Level.WARN, f"{who} is the engine and {what}")
    if state.limitation is None:
        return Finding("engine", Level.OK, f"{who} is the engine.")
    level = Level.FAIL if state.present_ability is Ability.NOTHING else Level.WARN
    what = f"{who} is the engine and {state.limitation}. A bwp-tui that can do more takes over."
    return Finding("engine", level, what)


def _earlier_damage(store: Store, path: Path) -> Iterator[Finding]:
    """Report earlier damage, and a history that can only be read."""
    for sentence in (store.opening_report, store.read_only_reason):
        if sentence is not None:
            yield Finding("history", Level.WARN, sentence)
    for aside in atomic_swap.histories_set_aside(path):
        sentence = f"{aside} was kept aside and may hold personal data; delete it once nothing is missing here."
        yield Finding("history", Level.WARN, sentence)
    for note in older_copy_notes(path):
        yield Finding("history", Level.WARN, f"Another copy was put in its place, see {note}; delete that once read.")
    for part in atomic_swap.unfinished_files(path):
        sentence = f"{part} is left of an interrupted restore and may hold personal data; delete it."
        yield Finding("history", Level.WARN, sentence)


def _instant(text: str | None) -> datetime | None:
    """Read an instant of the history, which may be damaged."""
    try:
        return None if text is None else parse_instant(text)
    except ValueError:
        return None


def _clock(newest: str | None) -> Finding:
    now = utc_now()
    here = f"{to_local(now):%Y-%m-%d %H:%M:%S %z} ({zone_name()})"
    if (last := _instant(newest)) is not None and last > now:
        return Finding("clock", Level.WARN, f"Local time is {here}, before the newest entry of the history ({newest}).")
    return Finding("clock", Level.OK, f"Local time is {here}.")
