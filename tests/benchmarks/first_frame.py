"""Print the modules that the first complete frame needs: `python -m tests.benchmarks.first_frame PROFILE_FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.screens.main import MainScreen
from bwp_tui.settings import EventQueue, LiteralSecret, Profile


async def main(folder: Path) -> None:
    """Open the console without its engine, which begins after the frame, and print once the table has its rows.

    It has a queue of events, which is the engine's alone.
    """
    profile = Profile(
        name="default",
        folder=folder,
        api_url="http://127.0.0.1:9/graphql",
        token_url="http://127.0.0.1:9/token",
        client_id="client",
        target_id="target",
        secret=LiteralSecret("secret"),
        download_dir=folder / "downloads",
        events=EventQueue(queue_url="http://127.0.0.1:9/1/q", region="us-east-1", endpoint_url="http://127.0.0.1:9"),
    )
    app = ConsoleApp(profile, with_engine=False)
    shown = asyncio.Event()

    def note(_screen: MainScreen) -> None:
        if not shown.is_set():
            print("\n".join(sorted(sys.modules)))
            shown.set()

    # Called when the first rows have been painted. Unlike `unittest.mock`, this imports nothing.
    MainScreen._start_mounting = note  # type: ignore[assignment, method-assign]  # replaced on purpose
    async with app.run_test(size=(120, 40)):
        await shown.wait()
    app.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
