"""The log of an engine without a screen."""

from __future__ import annotations

import threading

from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.engine_log import EngineLog
from bwp_tui.engine.runtime.engine_thread import EngineRole, EngineThread
from bwp_tui.settings import Profile
from bwp_tui.store.database.connection import Store
from tests.engine.shop import config_of, submit
from tests.engine.test_engine_thread import running
from tests.waiting import eventually


def test_all_is_logged_from_the_moment_that_a_process_is_known_as_the_engine(
    profile: Profile, live_history: Store
) -> None:
    submit(live_history, "earlier@example.com")
    lines: list[str] = []
    may_load = threading.Event()

    def load() -> EngineConfig:
        may_load.wait()
        return config_of(profile)

    log = EngineLog(lambda _severity, line: lines.append(line))
    engine = EngineThread(profile, load, observe=log.read)
    with running(engine):
        eventually(lambda: engine.role is EngineRole.ENGINE)
        number = submit(live_history, "jane@example.com")
        may_load.set()
        eventually(lambda: any(line.startswith(f"Task {number}") and "recorded" in line for line in lines))
    assert not any(line.startswith("Task 1") and "recorded" in line for line in lines)
