"""`bwp-tui doctor`."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from bwp_tui.cli.support.engine_wait import SENDS_NOTHING
from bwp_tui.domain.times import local_day, utc_now
from bwp_tui.engine.runtime.lease import Lease, begin_term
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings.checks import SANDBOX_PROFILE
from bwp_tui.store.maintenance import backups
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import Ability, ServiceHealthState
from tests.cli.conftest import CREDENTIALS, Bwp, Ended, variables
from tests.cli.test_submit import NOWHERE
from tests.pty_terminal import Terminal
from tests.small_disk import fill
from tests.store.damage import overwrite_table


def levels(ended: Ended) -> dict[str, str]:
    """The level of each check."""
    return {finding["check"]: finding["level"] for finding in json.loads(ended.out)}


def test_all_is_well_with_a_service_that_answers(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    ended = shop("doctor", "--json")
    assert ended.code == 0
    (engine,) = [one["sentence"] for one in json.loads(ended.out) if one["check"] == "engine"]
    assert "bwp-tui run or the console" in engine, "no other command becomes the engine and stays it"
    found = levels(ended)
    assert found.pop("terminal") == "warn"  # there is none under a test
    assert found == dict.fromkeys(
        ("settings", "credentials", "service", "files", "history", "timelines", "engine", "clock"), "ok"
    )


def test_missing_credentials_fail_and_the_rest_is_still_checked(bwp: Bwp) -> None:
    ended = bwp("doctor")
    assert ended.code == 1
    assert "fail  credentials" in ended.out
    assert "ok    history" in ended.out


def test_a_service_out_of_reach_fails(shop: Bwp) -> None:
    ended = shop("doctor", "--json", env=NOWHERE)
    assert (ended.code, levels(ended)["service"]) == (1, "fail")


def test_every_mistake_of_the_settings_is_a_line(bwp: Bwp) -> None:
    ended = bwp("doctor", env={"BWP_API_VERSION": "x", "BWP_READ_ONLY": "x"})
    assert ended.code == 1
    assert ended.out.count("fail  settings") == 2


def test_a_key_that_cannot_be_is_a_line(bwp: Bwp) -> None:
    file = bwp.data.parent / "config.toml"
    file.write_text('[keys]\ndownload = "x"\n')
    ended = bwp("doctor", env={"BWP_CONFIG_FILE": str(file)})
    assert f"warn  keys         {file}, line 2: keys.download cannot be “x”, which is the key of cancel" in ended.out


def test_a_program_of_the_config_file_that_is_not_there_is_a_line(bwp: Bwp) -> None:
    file = bwp.data.parent / "config.toml"
    file.write_text('[hooks]\noverdue = ["/nowhere/hook"]\ncompleted = ["sh", "-c", "true"]\n')
    found = json.loads(bwp("doctor", "--json", env={"BWP_CONFIG_FILE": str(file)}).out)
    (finding,) = (finding for finding in found if finding["check"] == "programs")
    assert (finding["level"], "/nowhere/hook" in finding["sentence"]) == ("warn", True)


def test_files_that_others_can_read_are_told_with_the_cure(bwp: Bwp) -> None:
    bwp("views", "save", "any")
    bwp.folder.chmod(0o755)
    (bwp.folder / "history.db").chmod(0o644)
    ended = bwp("doctor")
    assert f"chmod go= {bwp.folder}\n" in ended.out
    assert f"chmod go= {bwp.folder / 'history.db'}\n" in ended.out


def test_a_damaged_history_fails(bwp: Bwp) -> None:
    bwp("views", "save", "any")
    path = bwp.folder / "history.db"
    overwrite_table(path, "downloads")
    ended = bwp("doctor", "--json")
    assert levels(ended)["history"] == "fail"
    assert "was damaged and is kept" in bwp("list").err
    assert levels(bwp("doctor", "--json"))["history"] == "warn"  # of the file that was set aside


def test_instants_that_cannot_be_read_stop_no_check(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com", "--hold")
    path = shop.folder / "history.db"
    for copy in (path, *backups.daily_backups(path)):
        year = str(utc_now().year).encode()
        copy.write_bytes(copy.read_bytes().replace(year + b"-", year[:-1] + b"v-"))
    found = levels(shop("doctor", "--json"))
    assert found.keys() >= {"history", "clock", "terminal"}
    assert found["clock"] == "ok"


def test_a_daily_copy_that_is_old_or_failed_is_told(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    [copy] = backups.daily_backups(shop.folder / "history.db")
    copy.rename(copy.with_name(f"history-{local_day(utc_now()) - timedelta(days=2)}.db"))
    assert levels(shop("doctor", "--json"))["history"] == "ok"
    [copy] = backups.daily_backups(shop.folder / "history.db")
    copy.rename(copy.with_name(f"history-{local_day(utc_now()) - timedelta(days=3)}.db"))
    assert levels(shop("doctor", "--json"))["history"] == "warn"
    for copy in (shop.folder / "backups").iterdir():
        copy.unlink()
    (shop.folder / "backups").rmdir()
    (shop.folder / "backups").touch()
    shop("refresh")
    assert levels(shop("doctor", "--json"))["history"] == "warn"


def test_a_lock_file_that_cannot_be_opened_fails(shop: Bwp) -> None:
    shop("views", "save", "any")
    (shop.folder / "engine.lock").mkdir()
    ended = shop("doctor")
    assert f"fail  engine       This process cannot be the engine: {shop.folder / 'engine.lock'}" in ended.out
    assert shop("run", "--once").code == 3
    assert "engine.lock" in shop("submit", "retrieval", "jane@example.com").err


@pytest.mark.parametrize("ability", Ability)
def test_an_engine_that_does_not_do_all_is_told(shop: Bwp, ability: Ability) -> None:
    store, lease = shop.store(), Lease(shop.folder / "engine.lock")
    assert begin_term(store, lease, ability if ability is Ability.POLLS else Ability.ALL)
    if ability is Ability.NOTHING:
        engine_state.record_health(store, ServiceHealthState.ENGINE_FAULT, "It fails.", None)
    found = levels(shop("doctor", "--json"))["engine"]
    assert found == {Ability.ALL: "ok", Ability.POLLS: "warn", Ability.NOTHING: "fail"}[ability]
    store.close()
    lease.release()


def test_what_waits_for_an_engine_is_told(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com", "--timeout", "0", env=NOWHERE)
    (found,) = [line for line in shop("doctor").out.splitlines() if "1 request is not submitted yet" in line]
    assert found.startswith("warn")
    assert SENDS_NOTHING in shop("doctor", env={"BWP_READ_ONLY": "1"}).out
    assert shop("run", "--once").code == 0
    assert "not submitted" not in shop("doctor").out


def test_a_clock_behind_the_history_is_told(shop: Bwp) -> None:
    shop("submit", "retrieval", "jane@example.com")
    store = shop.store()
    with store.write() as transaction:
        transaction.run(
            "INSERT INTO timeline (task, at, actor, what) VALUES (1, '2999-01-01T00:00:00.000000Z', 'op', 'note')"
        )
    store.close()
    assert levels(shop("doctor", "--json"))["clock"] == "warn"


@pytest.mark.parametrize("words", [["doctor"], ["--plain", "doctor"]])
def test_the_terminal_is_described(bwp: Bwp, words: list[str]) -> None:
    with Terminal(bwp.argv(*words), columns=150, rows=30, env=bwp.env) as terminal:
        terminal.wait_for("xterm-256color, 16 million colours, utf-8, 150x30")


@pytest.mark.parametrize(("columns", "what"), [(58, "shows the list alone below 60x15"), (38, "needs 60x15")])
def test_a_terminal_that_is_too_small_is_told(bwp: Bwp, columns: int, what: str) -> None:
    with Terminal([sys.executable, "-m", "bwp_tui", "doctor"], columns=columns, rows=40, env=bwp.env) as terminal:
        terminal.wait_for(lambda text: f"the console {what}".replace(" ", "") in "".join(text.split()))


@pytest.mark.parametrize("place", ["/proc/x", "/proc/1/x/y", "/dev/null/x"])
def test_a_folder_that_cannot_be_made_fails(bwp: Bwp, place: str) -> None:
    ended = bwp("doctor", "--json", env={"BWP_DATA_DIR": place})
    assert levels(ended)["files"] == "fail"


def test_a_history_that_is_missing_though_there_are_copies_of_it_fails(shop: Bwp) -> None:
    assert levels(shop("doctor", "--json")).get("history") == "ok"
    shop("submit", "retrieval", "jane@example.com")
    history = shop.folder / "history.db"
    history.rename(shop.folder / "history.replaced-20261130T110328.202280Z.db")
    told = shop("doctor", "--json")
    assert levels(told)["history"] == "fail"
    assert str(shop.folder / "backups") not in told.out, "it is recovered from another one, which holds the latest"
    shutil.rmtree(shop.folder / "backups")  # the next start recovers it from the one that was set aside
    assert levels(shop("doctor", "--json"))["history"] == "fail"
    assert "j•••@example.com" in shop("list").out


def test_a_full_disk_fails(bwp: Bwp, small_disk: Path) -> None:
    fill(small_disk)
    ended = bwp("doctor", "--json", env={"BWP_DATA_DIR": str(small_disk)})
    assert levels(ended)["files"] == "fail"


def test_a_folder_that_is_to_be_made_can_be(bwp: Bwp) -> None:
    ended = bwp("doctor", "--json", env={"BWP_DATA_DIR": str(bwp.data / "a" / "b")})
    assert levels(ended)["files"] == "ok"
    assert not (bwp.data / "a").exists()


@pytest.mark.parametrize("below", ["backups", "backups/history-2026-01-01.db", "downloads/x.zip"])
def test_what_another_user_owns_inside_fails_and_is_named(bwp: Bwp, below: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a file another user's")
    bwp("views", "save", "any")
    path = bwp.folder / below
    path.parent.mkdir(exist_ok=True)
    path.touch() if path.suffix else path.mkdir()
    os.chown(path, 4711, -1)
    ended = bwp("doctor")
    assert ended.code == 1
    assert "fail  files" in ended.out
    assert str(path) in ended.out
    assert "chown" in ended.out


@pytest.mark.parametrize(("profile", "level"), [("default", "warn"), (SANDBOX_PROFILE, "ok")])
def test_a_history_of_three_days_without_a_backup_is_a_warning_but_in_the_practice(
    bwp: Bwp, profile: str, level: str
) -> None:
    bwp.profile = profile
    bwp.env |= {**CREDENTIALS, **NOWHERE, "BWP_PROFILE": profile}
    file = bwp.data.parent / "requests.csv"
    file.write_text("kind,email\nretrieval,jane@example.com\n")
    assert bwp("import", str(file)).code == 0
    assert levels(bwp("doctor", "--json"))["history"] == "ok"
    store = bwp.store()
    with store.write() as transaction:
        transaction.run(
            "INSERT INTO timeline (task, at, actor, what) VALUES (1, '2020-01-01T00:00:00.000000Z', 'op', 'note')"
        )
    store.close()
    assert levels(bwp("doctor", "--json"))["history"] == level


def test_the_doctor_says_that_it_ran_the_secret_command(shop: Bwp) -> None:
    env = {"BWP_CLIENT_SECRET": "", "BWP_CLIENT_SECRET_COMMAND": f"echo {shop.env['BWP_CLIENT_SECRET']}"}
    assert "a secret from echo" in shop("doctor", env=env).out
    env["BWP_CLIENT_SECRET_COMMAND"] = "false"
    assert "fail  credentials" in shop("doctor", env=env).out


def test_a_bundle_has_no_secret_email_or_id(bwp: Bwp, practice: Sandbox, tmp_path: Path) -> None:
    bwp.env |= variables(practice)
    task = json.loads(bwp("submit", "retrieval", "jane@example.com", "--json").out)
    report = bwp.folder / "log" / "crash-20260101T000000Z-0123abcd.log"
    report.parent.mkdir(exist_ok=True)
    report.write_text(
        f"Traceback\nValueError: {task['task_id']} of jane@example.com and j•••@example.com, https://sqs/919191919191/q"
    )
    bundle = tmp_path / "bundle.zip"
    assert bwp("doctor", "--bundle", str(bundle)).code == 0
    assert bundle.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(bundle) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert {"CONTENTS.txt", "doctor.json", "settings.json", "history.json", "system.json", report.name} == set(texts)
    own = (practice.client_id, practice.target_id, "919191919191")
    hidden = (practice.client_secret, task["task_id"], task["task_id"][:8], "example.com", *own)
    assert [(word, name) for name, text in texts.items() for word in hidden if word in text] == []
    assert json.loads(texts["history.json"])["tasks"] == {"RETRIEVAL IN_PROGRESS": 1}
    assert bwp("doctor", "--bundle", str(bundle)).code == 1
    assert bwp("doctor", "--bundle", str(tmp_path / "2.zip"), env={"BWP_API_URL": "x"}).code == 1
    assert (tmp_path / "2.zip").exists()
