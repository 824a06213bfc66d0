"""Letters in the console: the one that fits comes first, is read, then copied or written, and recorded."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from errno import EACCES
from pathlib import Path

import pytest

from bwp_tui.console.screens.letter import LetterScreen
from bwp_tui.domain.letters import LetterKind
from bwp_tui.domain.task import TimelineEvent
from bwp_tui.settings import Profile
from bwp_tui.store.queries import timeline
from tests.console.past_tasks import CANCELLED, HELD, READY, TODAY
from tests.console.support import USUAL, WIDE, Console, opened
from tests.store import single


def letters(console: Console, number: int) -> list[TimelineEvent]:
    return [event for event in timeline.of_task(console.store, number) if event.what == "letter"]


async def shown(console: Console, kind: str, *words: str) -> None:
    """Wait until the letter screen shows a kind of letter, or why there is none."""

    def is_shown() -> bool:
        screen = console.app.screen
        is_open = isinstance(screen, LetterScreen) and tuple(LetterKind)[screen._page] == kind
        return is_open and all(word in console.text for word in words)

    await console.until(is_shown)


@pytest.mark.parametrize("size", [WIDE, USUAL])
async def test_the_letter_that_fits_is_shown_with_the_email_masked(profile: Profile, size: tuple[int, int]) -> None:
    async with opened(replace(profile, shop_name="Acme Shop"), size=size) as console:
        await console.go_to(READY)
        before = console.task(READY)
        await console.press("L")
        await shown(console, "answer", "With this message we send you that copy.", "j•••@example.com", "built-in text")
        assert "jane.doe" not in console.text
        assert "No verification of the identity is recorded." in console.text
        await console.press("m")
        await console.sees("jane.doe@example.com")
        await console.press("tab")
        await shown(console, "decline", "No decline of ")
        await console.press("1")
        await shown(console, "acknowledgement", "you can expect our answer by")
        await console.press("2")
        await shown(console, "extension", "No extension of ", "is recorded")
        assert not re.search("copy|write|edit", console.line("footer"))
        await console.press("y")
        await console.sees("There is no such letter")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.main)
        assert (console.task(READY), letters(console, READY)) == (before, [])


async def test_a_copied_letter_is_recorded_and_the_next_step_is_named(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(profile) as console:
        copied: list[str] = []
        monkeypatch.setattr(console.app, "copy_to_clipboard", copied.append)
        monkeypatch.setenv("TERM", "xterm-256color")
        await console.go_to(READY)
        status = console.task(READY).status
        await console.press("L")
        await shown(console, "answer", "Kind regards,")
        await console.press("y")
        await console.sees("The answer of #10: sent to the terminal's clipboard (OSC 52).", "record that with r.")
        (text,) = copied
        assert "jane.doe@example.com" in text
        (event,) = letters(console, READY)
        assert event.detail == f"answer (sha256 {hashlib.sha256(text.encode()).hexdigest()})"
        assert (console.task(READY).status, console.task(READY).answered_on) == (status, None)
        single.answer(console.store, READY, "by mail", TODAY, "op")
        await console.press("escape", "L")
        await shown(console, "answer", "Kind regards,")
        await console.press("y")
        await console.sees("The answer of #10: sent")
        assert "record that" not in console.text  # it is recorded


def file_facts(path: Path) -> tuple[int, str]:
    """The mode of a letter's file, and what the timeline says of it."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return stat.S_IMODE(path.stat().st_mode), f"acknowledgement (sha256 {sha256}), written to {path}"


async def ask_where_to_write(console: Console, words: str) -> None:
    """Open the acknowledgement of the deletion on hold, which has these words, and the question for its file."""
    await console.go_to(HELD)
    await console.press("L")
    await shown(console, "acknowledgement", words)
    await console.press("w")
    await console.sees("Write the letter to: ~/acknowledgement-6.txt")


async def test_a_letter_is_written_to_a_new_private_file(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("mine")
    async with opened(profile) as console:
        await ask_where_to_write(console, "Kind regards,")
        await console.press("ctrl+u", *str(path), "enter")
        await console.sees("This file exists already; name another one.")
        await console.press("ctrl+u", *str(tmp_path / "absent" / "x"), "enter")
        await console.sees("There is no folder")
        await console.press("ctrl+u", *f"{path}.2", "enter")
        await console.sees("The acknowledgement of #6: written to", "with A.")
        (event,) = letters(console, HELD)
        assert file_facts(Path(f"{path}.2")) == (0o600, event.detail)
        assert path.read_text() == "mine"


async def test_what_is_written_is_the_letter_that_is_shown_though_its_task_changed_meanwhile(
    profile: Profile, tmp_path: Path
) -> None:
    path = tmp_path / "letter.txt"
    async with opened(profile) as console:
        await ask_where_to_write(console, "answer by December 17, 2026")
        single.extend(console.store, HELD, "too many requests", TODAY, "op")
        console.main.session.feed.refresh()
        await shown(console, "acknowledgement", "answer by February 17, 2027")
        await console.press("ctrl+u", *str(path), "enter")
        await console.sees("The acknowledgement of #6: written to")
        assert "February 17, 2027" in path.read_text()


async def test_a_path_below_a_folder_that_is_closed_to_this_user_is_a_mistake(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str | Path, *, real: Callable[..., os.stat_result] = os.stat, **options: bool) -> os.stat_result:
        if "closed" in str(path):
            raise PermissionError(EACCES, "Permission denied", str(path))
        return real(path, **options)

    async with opened(profile) as console:
        await ask_where_to_write(console, "Kind regards,")
        monkeypatch.setattr(os, "stat", refuse)
        await console.press("ctrl+u", *"/closed/below/x", "enter")
        await console.sees("There is no folder")


async def test_an_extension_gives_the_reason_that_was_recorded_meanwhile(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("L", "2")
        await shown(console, "extension", "No extension of ")
        single.extend(console.store, HELD, "too many requests", TODAY, "op")
        console.main.session.feed.refresh()
        await shown(console, "extension", "The reason: too many requests.")


async def test_the_prompt_opens_a_letter_of_a_task_by_kind(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.press("colon", *"letter answer 3", "enter")
        await shown(console, "answer", "is CANCELLED: there is no result to answer with.")
        assert f"#{CANCELLED}" in console.text
        await console.press("escape", "colon", *"letter 10", "enter")
        await shown(console, "answer", "Kind regards,")
        await console.press("escape", "colon", *"letter praise 10", "enter")
        await console.sees("There is no letter “praise”; there are acknowledgement, extension, answer, decline, appeal")


async def test_in_front_of_a_tasks_page_the_letter_is_about_that_task(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.go_to(HELD)
        await console.press("enter")
        await console.sees("1 overview")
        await console.press("L")
        await shown(console, "acknowledgement", f"#{HELD}")


async def test_a_mistake_in_an_own_text_is_shown_in_place_of_the_letter(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "answer-retrieval.txt").write_text("Dear $costumer")
    async with opened(replace(profile, letters_folder=tmp_path)) as console:
        await console.go_to(READY)
        await console.press("L")
        await shown(console, "answer", "$costumer is no placeholder", "shop_name")


async def test_a_read_only_console_shows_letters_and_gives_none_away(profile: Profile) -> None:
    async with opened(replace(profile, read_only=True)) as console:
        await console.go_to(READY)
        await console.press("L")
        await shown(console, "answer", "Kind regards,")
        for key in ("y", "w"):
            await console.press(key)
            await console.sees(f"{key}: The history can only be read.")
        await console.press("escape", "y")
        await console.sees("r record")
        assert "l letter" not in console.text
        assert letters(console, READY) == []
