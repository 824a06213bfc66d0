"""The operator's own keys: taken from the config file, told where they cannot be, and shown wherever keys are."""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import pytest
from textual.keys import _character_to_key

from bwp_tui.console.app import ConsoleApp
from bwp_tui.console.bindings.actions import ACTIONS_BY_NAME
from bwp_tui.console.bindings.key_names import InvalidKey, key_text, parse_key
from bwp_tui.console.bindings.keymap import keymap
from bwp_tui.console.screens.action_screen import ActionScreen
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.screens.help import HelpScreen
from bwp_tui.console.screens.missing_credentials import UNCONFIGURED
from bwp_tui.console.widgets.styled_line import Paragraphs
from bwp_tui.domain.statuses import Status
from bwp_tui.settings import KeySetting, Profile, load_profile
from bwp_tui.store.commands import requests
from bwp_tui.store.worklog import downloads
from tests.console.past_tasks import ORDERS_OPEN, READY, PastTask
from tests.console.support import Console, opened


def settings(**keys: str) -> tuple[KeySetting, ...]:
    return tuple(KeySetting(name, (key,), "FILE, line 2") for name, key in keys.items())


def test_a_character_is_spelled_as_textual_spells_it_and_shown_as_it_was_written() -> None:
    for character in string.ascii_letters + string.digits + string.punctuation:
        assert parse_key(character) == _character_to_key(character)
        assert key_text(parse_key(character)) == character


@pytest.mark.parametrize(
    ("written", "key"),
    [("ctrl+D", "ctrl+d"), ("F5", "f5"), ("esc", "escape"), ("PgDn", "pagedown"), ("shift+down", "shift+down")],
)
def test_a_key_is_known_by_its_usual_names(written: str, key: str) -> None:
    assert parse_key(written) == key


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("ctrl+i", "as tab"),
        ("ctrl+m", "as enter"),
        ("ctrl+h", "as backspace"),
        ("ctrl+[", "as esc"),
        ("ctrl+c", "ends a program"),
        ("shift+r", "write R"),
        ("alt+x", "as esc and another key"),
        ("hyper+x", "is no key"),
        ("ctrl+", "is no key"),
        ("dd", "is no key"),
        ("", "is no key"),
    ],
)
def test_what_no_terminal_sends_or_tells_apart_is_refused(written: str, why: str) -> None:
    with pytest.raises(InvalidKey, match=why):
        parse_key(written)


def test_the_keys_of_an_action_are_replaced_and_two_actions_may_swap_theirs() -> None:
    mapped = keymap(settings(download="x", cancel="d"))
    assert mapped.mistakes == ()
    assert mapped.overrides == {"download": "x", "cancel": "d"}
    assert mapped.key("download") == "x"


def test_a_key_that_another_action_has_is_told_and_the_default_stays() -> None:
    mapped = keymap(settings(download="x"))
    assert mapped.mistakes == ("FILE, line 2: keys.download cannot be “x”, which is the key of cancel already.",)
    assert mapped.overrides == {}
    assert "The key it had stays." in mapped.mistakes_sentence


def test_a_setting_that_falls_back_can_take_another_one_with_it() -> None:
    # cancel wants f7 twice over; when it falls back to x, download cannot have x
    mapped = keymap(settings(resubmit="f7", cancel="f7", download="x"))
    assert [mistake.split(": ")[1].split(" ")[0] for mistake in mapped.mistakes] == ["keys.cancel", "keys.download"]
    assert mapped.overrides == {"resubmit": "f7"}


def test_each_mistake_of_the_file_is_told_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\ndownlod = "d"\nnote = 3\nrefresh = []\nmask = "ctrl+m"\nfreeze = ["f7", "f5"]\n')
    profile = load_profile(None, {"BWP_CONFIG_FILE": str(file), "BWP_DATA_DIR": str(tmp_path)})
    mapped = keymap(profile.keys)
    assert [mistake.removeprefix(f"{file}, ") for mistake in mapped.mistakes] == [
        "line 2: keys.downlod is no action; did you mean download?",
        'line 3: keys.note must be a key or a list of keys: "d" or ["d", "f5"].',
        'line 4: keys.refresh must be a key or a list of keys: "d" or ["d", "f5"].',
        "line 5: keys.mask cannot be “ctrl+m”, which reaches a program as enter; choose another key.",
    ]
    assert mapped.overrides == {"freeze": "f7,f5"}
    assert mapped.mistakes_sentence.endswith("3 more: bwp-tui config validate lists them.")


async def test_remapped_keys_work_and_are_shown_in_footer_help_prompt_and_refusals(profile: Profile) -> None:
    mapped = replace(profile, keys=settings(cancel="f7", note="f8", quit="f9"))
    async with opened(mapped, size=(160, 40)) as console:
        await console.press("f7")
        assert "f7: A retrieval runs at once" in console.line("status")
        await console.press("x")
        assert "f7: A retrieval runs at once" in console.line("status")
        await console.sees("f8 note", "f9 quit")
        await console.press("f8")
        await console.sees("Note on")
        await console.press("escape", "ctrl+p", *"cancel")
        await console.sees("› f7      cancel         Cancel deletions")
        await console.press("escape", "question_mark")
        await console.sees(f"{'f7':<12}Cancel a deletion")
        assert isinstance(console.app.screen, HelpScreen)


async def test_remapped_keys_are_shown_in_details_and_hints(profile: Profile) -> None:
    keys = settings(acknowledge="f3", download="f4", resubmit="f5", note="f6", view_1="f7", filter="f8", page_1="f9")
    async with opened(replace(profile, keys=keys)) as console:
        await console.sees("f7 all")
        await console.go_to(READY)
        await console.sees("ready; f4 starts it")
        await console.press("F")
        await console.sees("No downloads yet. Press f4 on")
        await console.press("escape")
        await console.go_to(ORDERS_OPEN)
        await console.sees("Resubmit (f5)")
        await console.press("f8", *"note", "enter")
        await console.sees("f8 note")
        await console.press("escape", "enter")
        await console.sees("f9 overview")
        await console.press("2")
        await console.sees("f5)")
        await console.press("5")
        await console.sees("No notes yet; f6 adds one.")


async def test_the_hint_on_a_receipt_names_the_remapped_key(profile: Profile) -> None:
    past = [PastTask("a@example.com", status=Status.IN_PROGRESS, regulation="ccpa")]
    async with opened(replace(profile, keys=settings(acknowledge="f3")), past) as console:
        await console.sees("f3 records it")


REMAPPED = settings(leave="f10", help="f1", down="f2", repaint="f3", close="f6", dashboard="f7", sent="f8", detail="f9")


@pytest.mark.parametrize("key", ["f7", "f8", "F", "f9"])
async def test_remapped_keys_work_on_every_screen_and_its_help_shows_them(profile: Profile, key: str) -> None:
    async with opened(replace(profile, keys=REMAPPED)) as console:
        await works_on_screen(console, key)


async def test_remapped_keys_work_in_an_archive(profile: Profile, tmp_path: Path) -> None:
    async with opened(replace(profile, keys=REMAPPED)) as console:
        requests.download(console.store, READY, str(tmp_path), "op")
        (download,) = downloads.of_task(console.store, READY)
        console.app.push_screen(ArchiveScreen(console.main.session, console.task(READY), download))
        await works_on_screen(console)


async def works_on_screen(console: Console, *opening: str) -> None:
    await console.press(*opening)
    await console.until(lambda: console.app.screen is not console.main)
    screen = console.app.screen
    assert isinstance(screen, ActionScreen)
    actions = screen.keymap.actions_of(screen.scope)
    await console.press("q", "question_mark")
    assert console.app.screen == screen
    await console.press("f1")
    await console.until(lambda: isinstance(console.app.screen, HelpScreen))
    await console.until(lambda: any(page.size.width for page in console.app.screen.query(Paragraphs)))
    lines = console.app.screen.query_one(Paragraphs).render().plain.splitlines()
    shown = {part.strip() for line in lines for part in (line[:15], line[58:73])}  # in two columns
    for action in actions:
        assert any(key_text(action.keys[0]) in keys.split() for keys in shown), action
    await console.press("f10")
    await console.until(lambda: console.app.screen is screen)
    await console.press("f10")
    await console.until(lambda: console.app.screen is console.main)


async def test_remapped_keys_leave_the_page_without_credentials(profile: Profile) -> None:
    app = ConsoleApp(replace(profile, client_id=None, keys=REMAPPED))
    try:
        async with app.run_test() as pilot:
            await pilot.press("q", "enter")
            assert app.is_running
            await pilot.press("f10")
        assert app.return_code == UNCONFIGURED
    finally:
        app.close()


@pytest.mark.parametrize(
    ("action", "key", "owner"),
    [
        ("pause", "x", "cancel"),  # both on the downloads
        ("leave", "j", "down"),  # on every screen but the main one
        ("next_page", "d", "download"),  # on the page of a task
        ("repaint", "ctrl+d", "half_page_down"),  # everywhere, so on each screen too
        ("unpack", "ctrl+l", "repaint"),
    ],
)
def test_a_key_is_refused_where_another_action_of_the_same_screen_has_it(action: str, key: str, owner: str) -> None:
    (mistake,) = keymap(settings(**{action: key})).mistakes
    assert mistake == f"FILE, line 2: keys.{action} cannot be “{key}”, which is the key of {owner} already."


def test_a_key_that_is_typed_into_prompts_is_refused_for_an_action_of_all_screens() -> None:
    (mistake,) = keymap(settings(repaint="h")).mistakes
    assert mistake.startswith("FILE, line 2: keys.repaint cannot be “h”, which prompts need")


def test_actions_of_different_screens_may_have_the_same_key() -> None:
    assert keymap(settings(pause="d", left="e")).mistakes == ()


async def test_an_old_key_does_nothing(profile: Profile) -> None:
    async with opened(replace(profile, keys=settings(mask="f7"))) as console:
        await console.press("m")
        assert console.main.session.masked
        await console.press("f7")
        await console.until(lambda: not console.main.session.masked)


async def test_a_wrong_keymap_starts_with_the_default_and_says_so(profile: Profile) -> None:
    async with opened(replace(profile, keys=settings(mask="d"))) as console:
        await console.sees("keys.mask cannot be “d”, which is the key of download already. The key it had stays.")
        await console.press("m")
        await console.until(lambda: not console.main.session.masked)
        assert console.main.session.keymap.key("mask") == ACTIONS_BY_NAME["mask"].keys[0]
