"""The log of messages: what a status line said stays readable."""

from __future__ import annotations

from bwp_tui.console.screens.messages import MessagesScreen
from bwp_tui.console.state.message_log import MAX_MESSAGES, MessageLog
from bwp_tui.settings import Profile
from tests.console.past_tasks import READY, WAITING, clock
from tests.console.support import USUAL, opened
from tests.console.test_watch_notifier import end


def test_the_log_keeps_the_last_messages_and_none_twice_in_a_row() -> None:
    log = MessageLog()
    for number in range(MAX_MESSAGES + 2):
        for _ in range(2):
            log.add(clock(), "plain", f"message {number}")
    log.add(clock(), "plain", "")
    assert [message.sentence for message in log.messages] == [f"message {n}" for n in range(2, MAX_MESSAGES + 2)]


async def test_messages_are_listed_with_time_and_severity_the_newest_last(profile: Profile) -> None:
    async with opened(profile) as console:
        console.main.show_status("The engine failed.", "bad")
        console.main.show_status("Two tasks were acknowledged.", "good")
        console.main.show_status("")
        await console.press("M")
        await console.sees("The engine failed.", "Two tasks were acknowledged.")
        lines = [line for line in console.text.splitlines() if "error" in line or "done" in line]
        assert [line.split(maxsplit=2)[1:] for line in lines] == [
            ["error", "The engine failed."],
            ["done", "Two tasks were acknowledged."],
        ]
        console.main.show_status("A download has ended.", "warn")  # while the log is open
        await console.sees("warning  A download has ended.")
        await console.press("slash", *"engine", "enter")
        await console.sees("1/1")
        await console.press("escape", "M")
        await console.until(lambda: console.app.screen is console.main)


async def test_a_command_for_the_shell_names_the_profile(profile: Profile) -> None:
    sentence = "No backup can be made. Run: bwp-tui doctor."
    async with opened(profile) as console:
        console.main.show_notice(sentence, "bad")
        named = "bwp-tui --profile production doctor."
        await console.until(lambda: named in console.line("status"))
        await console.until(lambda: any(named in each.sentence for each in console.main.session.messages.messages))
        console.main.status.remove_sentence(sentence)
        await console.until(lambda: named not in console.line("status"))


async def test_an_error_is_not_pushed_away_by_what_passes_and_that_is_in_the_log(profile: Profile) -> None:
    async with opened(profile) as console:
        console.main.show_notice("It can no longer be cancelled.", "bad")
        console.main.show_notice("Rate limit hit.", "warn")
        await console.sees("It can no longer be cancelled.")
        assert "Rate limit hit." not in console.text
        console.main.show_notice("The connection is lost.", "bad")
        await console.sees("The connection is lost.")
        await console.press("M")
        await console.sees("It can no longer be cancelled.", "Rate limit hit.")


async def test_a_long_log_opens_at_its_end_and_follows_it_until_it_is_scrolled(profile: Profile) -> None:
    async with opened(profile, size=USUAL) as console:
        log = console.main.session.messages
        for number in range(40):
            log.add(clock(), "plain", f"message {number}.")
        await console.press("M")
        await console.sees("message 39.")
        assert "message 0." not in console.text
        log.add(clock(), "plain", "message 40.")
        await console.sees("message 40.")
        await console.press("g")
        await console.sees("message 0.")
        log.add(clock(), "plain", "message 41.")
        await console.sees("42 messages", "message 0.")
        await console.press("G")
        await console.sees("message 41.")


async def test_an_email_that_was_shown_is_masked_in_the_log(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("m")
        console.main.show_status(f"The watched retrieval for {console.task(READY).email} is COMPLETED.")
        await console.press("M")
        await console.sees(console.task(READY).email)
        await console.press("escape", "m", "M")
        await console.until(lambda: isinstance(console.app.screen, MessagesScreen))
        assert console.task(READY).email not in console.text
        assert "is COMPLETED" in console.text


async def test_the_notice_of_a_watched_task_stays_in_the_log(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(WAITING)
        await console.press("W")
        await console.until(lambda: console.task(WAITING).tags)
        end(console.store, WAITING)
        await console.until(
            lambda: any("COMPLETED" in said.sentence for said in console.main.session.messages.messages)
        )
        await console.press("j", "k", "M")
        await console.sees("The watched retrieval #", "is COMPLETED.")
