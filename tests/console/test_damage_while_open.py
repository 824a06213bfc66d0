"""A history that is damaged while a console has it open: the console says so and goes on, and no file is lost."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import pytest

from bwp_tui.settings import Profile
from bwp_tui.store.database.damage_flag import flag_damage
from bwp_tui.store.maintenance import integrity
from bwp_tui.store.open_store import open_store
from tests.console.support import Console, opened
from tests.store.damage import PAGE

ROUNDS = 3
KEYS = (
    ("down", "G", "g", "enter", "right", "right", "right", "right", "escape"),
    ("2", "4", "5", "6", "7", "1", "D", "escape", "F", "escape", "H", "escape"),
    ("e", "x", "enter", "escape", "A", "enter", "y", "escape", "r", "z", "enter", "enter", "y", "escape"),
    ("E", "b", "enter", "y", "escape", "x", "y", "escape", "u", "d", "escape", "R", "escape", "t", "v", "enter"),
    ("slash", *"is:late", "enter", "escape", "s", "d", "escape", "m", "m", "U", "n", "escape"),
    ("colon", *"note 1 x", "enter", "escape", "colon", *"letter answer 1", "enter", "escape", "escape"),
    ("asterisk", "A", "enter", "escape", "escape", "O", "enter", "enter", "y", "escape", "w", "escape"),
)
"""What is pressed: every screen, and records of each kind."""


def _damage(path: Path, rng: random.Random) -> None:
    """Flip some bits where something is stored, and have every connection read its pages anew."""
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(10_000)
        pages = [int(str(page)) for (page,) in db.execute("SELECT pageno FROM dbstat")]
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            for _ in range(rng.choice((1, 3, 10))):
                start = (rng.choice(pages) - 1) * PAGE
                file.seek(start)
                content = file.read(PAGE)
                at = rng.choice([at for at, byte in enumerate(content) if byte] or [0])
                file.seek(start + at)
                file.write(bytes([content[at] ^ 1 << rng.randrange(8)]))
        db.execute("UPDATE meta SET revision = revision + 1")
    except apsw.Error:
        pass  # it is damaged
    finally:
        db.close()


async def _press_everything(console: Console, rng: random.Random) -> None:
    for keys in rng.sample(KEYS, len(KEYS)):
        await console.press(*keys)
        for _ in range(3):
            await console.press("escape")


@pytest.mark.parametrize("seed", range(1, 5))
async def test_a_console_whose_history_is_damaged_goes_on_and_the_next_start_recovers_it(
    profile: Profile, seed: int
) -> None:
    rng = random.Random(seed)
    async with opened(profile) as console:
        for _ in range(ROUNDS):
            _damage(profile.history_path, rng)
            await _press_everything(console, rng)
        assert console.app.is_running
    flag_damage(profile.history_path)  # it need not have been noticed
    open_store(profile.history_path).close()
    assert integrity.full_check(profile.history_path) == []


async def test_a_console_whose_history_was_moved_goes_on(profile: Profile) -> None:
    async with opened(profile) as console:
        console.store.path.rename(console.store.path.with_name("history.away"))
        await console.sees("moved")
        await console.press("colon", *"note 1 x", "enter")
        await console.press("escape", "escape")
        await _press_everything(console, random.Random(1))
        assert console.app.is_running
