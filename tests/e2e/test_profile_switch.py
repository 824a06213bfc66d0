"""The shops of one config file: what is due in each, and the switch from one to another."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from bwp_tui.console.store_access.shop_list import cannot_switch, list_shops
from bwp_tui.domain.statuses import Status
from bwp_tui.settings import Profile
from bwp_tui.settings.profile import SECRET_SETTINGS, variable_of
from bwp_tui.store.database.migrate import newest_version
from tests.e2e.operator import DOWN, ENTER, ESCAPE, Operator, end, unchanging_history
from tests.pty_terminal import Terminal

SHOP = """
[profiles.{name}]
client_id = "client"
client_secret_command = "echo hush"
target_id = "bp-{name}"
api_url = "http://127.0.0.1:9/graphql"
token_url = "http://127.0.0.1:9/token"
colour = "{colour}"
"""


@pytest.fixture
def shops(operator: Operator) -> Operator:
    """An operator with two shops and a third one whose settings are wrong."""
    config = Path(operator.env["HOME"]) / "config.toml"
    tables = [SHOP.format(name=name, colour=colour) for name, colour in (("north", "blue"), ("south", "purple"))]
    config.write_text("".join((*tables, '\n[profiles.west]\nregulation = "nowhere"\n')))
    config.chmod(0o600)
    operator.env |= {"BWP_CONFIG_FILE": str(config), "BWP_PROFILE": "north"}
    for name in ("south", "north"):
        operator.profile = name
        operator.plant(unchanging_history(60))
    return operator


def failed(operator: Operator) -> int:
    store = operator.store()
    try:
        return store.integer("SELECT count(*) FROM tasks WHERE status = ?", (Status.FAILED,))
    finally:
        store.close()


def type_command(terminal: Terminal, line: str) -> None:
    terminal.send(":")
    terminal.wait_for("esc back")
    terminal.send(line)
    terminal.wait_for(f": {line}")
    terminal.send(ENTER)


def test_the_shops_are_listed_and_another_one_is_opened(shops: Operator) -> None:
    """A process of its own from the start: the switch replaces it."""
    count = failed(shops)
    files = {path: path.stat().st_mtime_ns for path in (shops.data / "south").iterdir()}
    with shops.in_terminal([sys.executable, "-P", "-m", "bwp_tui"]) as terminal:
        terminal.wait_for("engine here")
        terminal.send("P")
        terminal.wait_for("open here")
        listed = re.compile(rf" south .* {count}$", re.MULTILINE)
        terminal.wait_for(lambda text: listed.search(text) is not None)
        assert {path: path.stat().st_mtime_ns for path in (shops.data / "south").iterdir()} == files
        terminal.send(DOWN * 2 + ENTER)
        terminal.wait_for("profiles.west.regulation must be")
        mark = terminal.mark()
        terminal.send("k" + ENTER)
        terminal.wait_for(lambda text: " south " in text.splitlines()[0] and "engine here" in text)
        assert b"Switched to the shop south." in terminal.bytes_since(mark)
        shops.profile = "north"
        assert shops.lease_is_free
        type_command(terminal, "profile north")
        terminal.wait_for(lambda text: " north " in text.splitlines()[0] and "engine here" in text)
        type_command(terminal, "profile north")
        terminal.wait_for("This shop is open.")
        terminal.send(ESCAPE)
        terminal.wait_for(lambda text: "This shop is open." not in text)
        assert end(terminal) == 0


def test_a_shop_whose_history_cannot_be_opened_leaves_the_console_open(shops: Operator) -> None:
    history = shops.data / "south" / "history.db"
    with closing(apsw.Connection(str(history))) as db:
        db.pragma("user_version", newest_version() + 3)
    with shops.console() as terminal:
        terminal.wait_for("engine here")
        type_command(terminal, "profile south")
        terminal.wait_for(lambda text: "A newer bwp-tui wrote the history" in " ".join(text.split()))
        history.unlink()
        history.mkdir()
        type_command(terminal, "profile south")
        terminal.wait_for(lambda text: "is not a regular file" in " ".join(text.split()))
        assert end(terminal) == 0


def test_a_request_that_is_typed_is_not_lost_without_a_question(shops: Operator) -> None:
    with shops.console() as terminal:
        terminal.wait_for("engine here")
        terminal.send("n")
        terminal.wait_for("Received on")
        terminal.send("jane@example.com")
        terminal.wait_for("jane@example.com")
        terminal.send(ESCAPE)
        terminal.wait_for(lambda text: "Received on" not in text)
        type_command(terminal, "profile south")
        terminal.wait_for("[y/N]")
        terminal.wait_until_quiet(1.0)
        terminal.send(ENTER)
        terminal.wait_for(lambda text: "[y/N]" not in text)
        assert " north " in terminal.screen_text().splitlines()[0]
        terminal.send("q")
        terminal.wait_for("[y/N]")
        terminal.wait_until_quiet(1.0)
        terminal.send("y")
        assert terminal.wait() == 0


def test_with_credentials_in_the_environment_no_other_shop_is_opened(shops: Operator) -> None:
    with shops.console(BWP_TARGET_ID="bp-north") as terminal:
        terminal.wait_for("engine here")
        terminal.send("P")
        terminal.wait_for("open here")
        assert "switch" not in terminal.screen_text().splitlines()[-1]
        terminal.send("j" + ENTER)
        terminal.wait_for("BWP_TARGET_ID is set in the environment, and")
        terminal.send(ESCAPE)
        terminal.wait_for(lambda text: "open here" not in text)
        assert end(terminal) == 0


@pytest.mark.parametrize("setting", SECRET_SETTINGS)
def test_a_place_of_the_secret_in_the_environment_would_be_that_of_every_shop(tmp_path: Path, setting: str) -> None:
    north = Profile(name="north", folder=tmp_path, download_dir=tmp_path)
    assert cannot_switch(north, {variable_of(setting): "x"})
    assert not cannot_switch(north, {"BWP_TIMEZONE": "UTC"})


def test_a_shop_of_a_team_that_this_login_cannot_use_is_no_shop_to_switch_to(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[profiles.theirs]\ngroup = "no-such-group"\ndata_dir = "{tmp_path}"\n')
    north, now = Profile(name="north", folder=tmp_path, download_dir=tmp_path), datetime.now(UTC)
    listed = {shop.name: shop for shop in list_shops(north, {"BWP_CONFIG_FILE": str(config)}, now)}
    assert (listed["theirs"].profile, "no-such-group" in listed["theirs"].reason) == (None, True)
