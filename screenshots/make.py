"""Makes the pictures of the README from the practice API: `python screenshots/make.py`.

The clock begins at a fixed morning and the practice shop is always the same, so a picture changes only when the
console does (the one of a download under way, which is measured in real time, excepted).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bwp_tui.console.app import ConsoleApp
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import LiteralSecret, Profile
from bwp_tui.store.commands.seed_sandbox import seed_tasks
from bwp_tui.store.open_store import open_store

FOLDER: Final = Path(__file__).parent
MORNING: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LONGEST_S: Final = 20.0
RATE: Final = 300_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A file name, a terminal's size, a theme, and the keys that lead there; `until` is text that must be shown."""

    name: str
    size: tuple[int, int]
    theme: str
    keys: Sequence[str]
    until: str


READY: Final = ("slash", *"is:ready", "enter")
PICTURES: Final = (
    Picture("main-dark", (120, 40), "dark", ("j",) * 8, "ORDERS_NOT_CLOSED"),
    Picture("main-light", (120, 40), "light", ("j",) * 8, "ORDERS_NOT_CLOSED"),
    Picture("failed-task", (80, 24), "dark", ("5", "enter"), "Resubmit (R)"),
    Picture("small", (80, 24), "light", ("j", "j"), "masked"),
    Picture("smallest", (60, 15), "ansi-dark", (), "masked"),
    Picture("form", (120, 40), "dark", ("N", *"bob@example.com", *("tab",) * 4, "ctrl+u", *"20"), "f2 sets the hold"),
    Picture("download", (120, 40), "dark", (*READY, "j", "j", "j", "d", "j", "d"), "kB/s"),
    Picture("downloads", (120, 40), "dark", (*READY, *"jjj", "space", "space", "space", "d", "y", "F"), "ACTIVE"),
    Picture("filter", (120, 40), "dark", ("slash", *"status:failed age>1w"), "ORDERS_NOT_CLOSED"),
    Picture("marks", (120, 40), "dark", ("5", "asterisk", "R", *"orders closed now", "enter"), "to go on"),
    Picture("dashboard", (120, 40), "dark", ("D",), "overdue"),
    Picture("prompt", (120, 40), "dark", ("ctrl+p", *"due"), "move the due dates"),
    Picture("help", (120, 40), "dark", ("question_mark",), "Resubmit a failed request"),
)


class Clock:
    """Time that passes as usual, counted from a fixed morning."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self) -> datetime:
        return MORNING + timedelta(seconds=time.monotonic() - self._start)


def practice_profile(sandbox: Sandbox, folder: Path) -> Profile:
    """Return a practice profile in a folder that goes away."""
    return Profile(
        name="sandbox",
        folder=folder / "sandbox",
        api_url=sandbox.api_url,
        token_url=sandbox.token_url,
        client_id=sandbox.client_id,
        target_id=sandbox.target_id,
        secret=LiteralSecret(sandbox.client_secret),
        download_dir=folder / "downloads",
        is_sandbox=True,
    )


async def take(picture: Picture) -> None:
    """Make one picture, from a shop of its own."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, Sandbox(tasks=60, seed=1, rate=RATE, clock=clock) as sandbox:
        profile = practice_profile(sandbox, Path(folder))
        store = open_store(profile.history_path, clock=clock)
        seed_tasks(store, sandbox.past_tasks, "op")
        store.close()
        app = ConsoleApp(profile, theme=picture.theme, clock=clock)
        async with app.run_test(size=picture.size) as pilot:
            await shown(app, "engine here")
            for key in picture.keys:
                await pilot.press(key)
            await shown(app, picture.until)
            await pilot.pause()
            app.save_screenshot(f"{picture.name}.svg", path=str(FOLDER))
        app.close()


async def shown(app: ConsoleApp, text: str) -> None:
    """Wait until the screen shows `text`."""
    deadline = time.monotonic() + LONGEST_S
    while text not in screen_text(app):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The screen never showed “{text}”.")
        await asyncio.sleep(0.05)


def screen_text(app: ConsoleApp) -> str:
    """Return what the screen shows, as text."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def main() -> None:
    """Make every picture, as a terminal with all colours in Greenwich would show it."""
    os.environ.update(TZ="UTC", COLORTERM="truecolor", TERM="xterm-256color", USER="op", LOGNAME="op")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    for picture in PICTURES:
        asyncio.run(take(picture))
        print(f"{picture.name}.svg")


if __name__ == "__main__":
    main()
