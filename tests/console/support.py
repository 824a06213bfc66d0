"""The console in a headless terminal, over a real history with planted tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.screens.main import MainScreen
from bwp_tui.console.widgets.request_form import RadioField
from bwp_tui.console.widgets.styled_line import Heading
from bwp_tui.domain.task import SampleTask, Task
from bwp_tui.settings import LiteralSecret, Profile
from bwp_tui.store.commands import seed_sandbox
from bwp_tui.store.database.connection import Store
from bwp_tui.store.open_store import open_store
from bwp_tui.store.queries import tasks
from tests.console.past_tasks import PAST, PastTask, clock
from tests.new_history import new_history
from tests.waiting import eventually_in_loop

WIDE: Final = (120, 40)
USUAL: Final = (80, 24)


def make_profile(folder: Path, *, read_only: bool = False, download_dir: Path | None = None) -> Profile:
    """A shop with credentials, none of which are ever sent."""
    return Profile(
        name="production",
        folder=folder,
        api_url="http://127.0.0.1:9/graphql",
        token_url="http://127.0.0.1:9/token",
        client_id="client",
        target_id="bp-30b5c1de-0000",
        secret=LiteralSecret("hush-secret"),
        download_dir=download_dir or folder / "downloads",
        read_only=read_only,
    )


def plant(profile: Profile, past: Iterable[PastTask | SampleTask] = PAST) -> Store:
    """Open the profile's history, filled with a past."""
    path = profile.history_path
    store = open_store(path, clock=clock) if path.exists() else new_history(path, clock=clock)
    seed_sandbox.seed_tasks(store, [one.task if isinstance(one, PastTask) else one for one in past], "op")
    return store


def screen_lines(app: ConsoleApp) -> list[str]:
    """What the terminal shows, a line a row."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


@dataclass
class Console:
    """A console that runs, its history, and shortcuts to drive and read it."""

    app: ConsoleApp
    pilot: Pilot[int]
    store: Store

    @property
    def main(self) -> MainScreen:
        (screen,) = (screen for screen in self.app.screen_stack if isinstance(screen, MainScreen))
        return screen

    @property
    def text(self) -> str:
        return "\n".join(screen_lines(self.app))

    def line(self, id: str) -> str:
        """The text in one widget's place."""
        region = self.app.screen.query_one(f"#{id}", Widget).region
        lines = screen_lines(self.app)[region.y : region.bottom]
        return "\n".join(line[region.x : region.right] for line in lines)

    def is_marked_in_footer(self, word: str) -> bool:
        """Whether the signs for a mistake in the footer begin under a word of the prompt."""
        footer, prompt = self.line("footer"), self.line("prompt")
        return "^" in footer and footer.index("^") == prompt.find(word)

    def task(self, number: int) -> Task:
        return tasks.get(self.store, number)

    def field(self, name: str) -> Input:
        return self.main.query_one(f"#field-{name}", Input)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def do(self, name: str) -> None:
        """Do an action as its key would."""
        self.main.action_perform(name)
        await self.pilot.pause()

    async def until(self, predicate: Callable[[], object]) -> None:
        await eventually_in_loop(predicate)

    async def sees(self, *words: str) -> None:
        """Wait until the screen shows all of `words`."""

        def are_all_shown() -> bool:
            text = self.text
            return all(word in text for word in words)

        try:
            await self.until(are_all_shown)
        except AssertionError:
            raise AssertionError(f"not all of {words} are on the screen:\n{self.text}") from None

    async def go_to(self, number: int) -> None:
        """Put the cursor on a task, and wait until its details are shown."""
        self.main.table.go_to_task(number)
        assert self.main.table.current is not None
        heading = self.main.query_one("#detail-heading", Heading)
        await self.until(lambda: f"#{number}" in heading._rights)

    async def fill(self, *, kind: str = "retrieval", regulation: str = "gdpr", **texts: str) -> None:
        """Open the form and type into its fields."""
        await self.do("new")
        await self.until(lambda: self.main.form.display)
        self.main.query_one("#field-kind", RadioField).value = kind
        self.field("regulation").value = regulation
        await self.pilot.pause()  # the hold is proposed by it
        for name, text in texts.items():
            self.field(name).value = text
        await self.pilot.pause()

    async def submit_form(self) -> None:
        """Press enter in the form, and wait until the status line says that the request is recorded."""
        await self.press("enter")
        await self.until(lambda: "Recorded as #" in self.line("status"))


@asynccontextmanager
async def opened(
    profile: Profile,
    past: Iterable[PastTask | SampleTask] = PAST,
    *,
    size: tuple[int, int] = WIDE,
    theme: str | None = None,
) -> AsyncIterator[Console]:
    """The console on a planted history, without an engine; its first snapshot is shown."""
    past = tuple(past)
    store = plant(profile, past)
    app = ConsoleApp(profile, theme=theme, clock=clock, with_engine=False)
    try:
        async with app.run_test(size=size) as pilot:
            console = Console(app, pilot, store)
            await console.until(lambda: console.main.is_ready and console.main.table.row_count == len(past))
            await pilot.pause()
            yield console
    finally:
        app.close()
        store.close()
