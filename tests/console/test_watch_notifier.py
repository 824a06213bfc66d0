"""Watched tasks: told of once when they end, at the desk without an address, and marked in the row."""

from __future__ import annotations

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.store_access.watch_notifier import notification_text, status_text
from bwp_tui.console.terminal.notification import notification_sequence
from bwp_tui.domain.statuses import Status, engine_is_done_with
from bwp_tui.domain.task import WATCHED
from bwp_tui.settings import Profile
from bwp_tui.store.commands.work_records import cannot_watch
from bwp_tui.store.database.connection import Store
from bwp_tui.store.queries import timeline
from bwp_tui.store.worklog.poll_responses import PollResponse
from tests.console.past_tasks import NOW, READY, WAITING, PastTask, clock
from tests.console.support import WIDE, Console, make_profile, opened, plant
from tests.console.table_app import make_task
from tests.plain_task import plain_task
from tests.store import single


def end(store: Store, number: int, status: str = Status.COMPLETED) -> None:
    answer = PollResponse(status=status, submitted_at=None, updated_at=NOW, email=None, holding_period=None, errors=())
    single.answered(store, number, answer, None)


async def test_a_watched_task_carries_a_sign_and_its_end_is_told_once(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(WAITING)
        await console.press("W")
        await console.sees("is watched: a notice when it ends.", "›◉ retrieval  i•••@example.org")
        assert console.task(WAITING).tags == (WATCHED,)
        end(console.store, WAITING)
        await console.sees(f"The watched retrieval #{WAITING} for i•••@example.org is COMPLETED.")
        await console.until(lambda: console.task(WAITING).tags == ())
        await console.until(lambda: "◉" not in console.text)
        last = timeline.of_task(console.store, WAITING)[-1]
        assert (last.actor, last.detail) == ("bwp-tui", f"-{WATCHED}")


async def test_who_watches_is_told_though_another_console_was_the_first_to_remove_the_tag(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(WAITING)
        await console.press("W")
        await console.sees("is watched: a notice when it ends.", "›◉ retrieval  i•••@example.org")
        with console.store.write() as transaction:
            transaction.run(
                "UPDATE tasks SET tags = '[]', status = 'COMPLETED', terminal = 1, revision = ? WHERE number = ?",
                (transaction.revision, WAITING),
            )
        await console.sees(f"The watched retrieval #{WAITING} for i•••@example.org is COMPLETED.")


async def test_a_watch_is_taken_away_by_the_same_key_and_by_undo(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(WAITING)
        await console.press("W")
        await console.sees("is watched")
        await console.press("W")
        await console.sees("is watched no longer.")
        await console.press("U")
        await console.sees("Undone: the end of the watch of #")
        assert console.task(WAITING).tags == (WATCHED,)
        await console.press("U")
        await console.sees("Undone: the watch of #")
        assert console.task(WAITING).tags == ()


async def test_a_task_that_has_ended_is_not_watched(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(READY)
        await console.press("W")
        await console.sees("W: Task", "COMPLETED.")
        assert console.task(READY).tags == ()


def test_a_request_that_waits_for_a_decision_is_not_said_to_have_ended() -> None:
    reason = cannot_watch(plain_task(1, NOW)._replace(status=Status.UNCONFIRMED))
    assert reason is not None
    assert "ended" not in reason


async def test_marked_tasks_are_watched_together_but_for_those_that_have_ended(profile: Profile) -> None:
    async with opened(profile) as console:
        going = [number for number in range(1, 11) if not engine_is_done_with(console.task(number).status)]
        await console.press("asterisk", "W")
        await console.sees(f"{len(going)} watched, {10 - len(going)} skipped:")
        assert [number for number in range(1, 11) if WATCHED in console.task(number).tags] == going


async def test_what_ended_while_no_console_was_open_is_told_at_the_next_start(profile: Profile) -> None:
    store = plant(profile, [PastTask("a@example.com"), PastTask("b@example.com")])
    for number in (1, 2):
        single.set_tags(store, number, ("vip", WATCHED), "op")
    end(store, 1, Status.FAILED)
    app = ConsoleApp(profile, clock=clock, with_engine=False)
    try:
        async with app.run_test(size=WIDE) as pilot:
            console = Console(app, pilot, store)
            await console.sees("The watched retrieval #1 for a•••@example.com is FAILED.")
            await console.until(lambda: console.task(1).tags == ("vip",))
            assert console.task(2).tags == ("vip", WATCHED)
    finally:
        app.close()
        store.close()


async def test_a_task_that_nobody_watches_ends_in_silence(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(WAITING)
        end(console.store, WAITING)
        await console.sees("── COMPLETED · retrieval for i•••")
        assert "watched" not in console.text


async def test_a_read_only_console_tells_and_writes_nothing(profile: Profile) -> None:
    async with opened(make_profile(profile.folder, read_only=True)) as console:
        single.set_tags(console.store, WAITING, (WATCHED,), "bob")
        end(console.store, WAITING)
        revision = console.store.revision()
        await console.sees(f"The watched retrieval #{WAITING} for i•••@example.org is COMPLETED.")
        assert console.store.revision() == revision


def test_a_watched_request_that_is_unconfirmed_is_not_said_to_have_ended() -> None:
    watched = [make_task(number)._replace(status=Status.UNCONFIRMED) for number in (1, 2)]
    assert all(engine_is_done_with(task.status) for task in watched)
    assert "ended" not in status_text(watched, masked=True)
    assert notification_text(watched) in status_text(watched, masked=True)


def test_a_notice_takes_the_way_that_the_terminal_knows() -> None:
    assert notification_sequence("x", "off", {"TERM": "xterm"}) == ""
    assert notification_sequence("x", "bell", {"TERM": "xterm"}) == "\a"
    assert notification_sequence("x", "desktop", {"TERM": "linux"}) == "\a"
    assert notification_sequence("x", "desktop", {"TERM": "xterm-256color"}) == "\x1b]9;bwp-tui: x\x1b\\\a"
    assert notification_sequence("x", "desktop", {"TERM": "foot"}) == "\x1b]777;notify;bwp-tui;x\x1b\\\a"
    through = notification_sequence("x", "desktop", {"TERM": "tmux-256color", "TMUX": "/tmp/tmux"})
    assert through == "\x1bPtmux;\x1b\x1b]9;bwp-tui: x\x1b\x1b\\\x1b\\\a"


def test_no_words_end_a_notice_early() -> None:
    notice = notification_sequence("a\x1b\\b;c\x07d" * 60, "desktop", {"TERM": "foot"})
    text = notice.removeprefix("\x1b]777;notify;bwp-tui;").removesuffix("\x1b\\\a")
    assert text.isprintable()
    assert ";" not in text
    assert len(text) <= 120


def test_the_desk_is_told_no_address() -> None:
    words = notification_text([make_task(number) for number in range(1, 6)])
    assert "@" not in words
    assert words.endswith("and 2 more")
