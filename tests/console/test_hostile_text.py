"""Text of others: whatever it holds, the console neither ends nor lets the terminal obey it."""

from __future__ import annotations

import json
import re
from typing import Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content
from textual.events import Paste

from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_detail import fact_lines, heading, outcome_paragraphs, timeline_lines
from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind, Request, Task, TaskError, TimelineEvent
from bwp_tui.domain.text import clean
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.database.connection import Store, as_int
from bwp_tui.store.queries import tasks
from bwp_tui.store.queries import timeline as timeline_of
from bwp_tui.store.queries.timeline import EventKind
from bwp_tui.store.worklog import engine_state
from bwp_tui.store.worklog.engine_state import ServiceHealthState
from tests.console.past_tasks import NOW, TODAY, PastTask
from tests.console.support import WIDE, Console, opened
from tests.console.table_app import make_task
from tests.store import single

NASTY: Final = {
    "controls": " \x1b[31mred\x1b[0m \x1b]52;c;aHVzaA==\x07 \x9b2J\x9d0;t\x9c \u202eevil\u2066\u200b\ufeff a\x08c\x00d",
    "markup": "[/nope] [bold] [ [link=https://evil.example]here[/link] [@click=app.quit]here[/]",
}
STEERING: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def spoil(store: Store, text: str) -> None:
    """Put a text wherever the history keeps one that others wrote, as if nothing had cleaned it."""
    with store.write() as transaction:
        errors = json.dumps([[text, text]])
        transaction.run("UPDATE tasks SET email = ?, note = ?, reason = ?, trouble = ?", (text,) * 4)
        for (number,) in transaction.run("SELECT number FROM tasks"):
            kind = cast("EventKind", text)
            timeline_of.append(transaction, as_int(number), text, kind, before=text, after=text, detail=text)
        transaction.run("UPDATE tasks SET errors = ?, tags = ?", (errors, json.dumps([text])))
        transaction.run("UPDATE tasks SET status = ? WHERE number = 1", (text,))
        transaction.run("UPDATE intents SET actor = ?, state = 'refused', settled_at = ?", (text, transaction.now_text))
        for (number,) in transaction.run("SELECT task FROM intents"):
            timeline_of.append(transaction, as_int(number), text, EventKind.REFUSED, detail=text)
        transaction.run("UPDATE downloads SET path = ?, trouble = ?", (text, text))
        transaction.run("UPDATE tasks SET revision = ?", (transaction.revision,))


def shows_nothing_that_steers(console: Console) -> bool:
    strips = console.app.screen._compositor.render_strips()
    return not any(STEERING.search(segment.text) for strip in strips for segment in strip)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_no_pane_passes_on_what_steers_a_terminal(profile: Profile, text: str) -> None:
    past = [PastTask("a@example.com", status=Status.FAILED), PastTask("b@example.com", status=Status.COMPLETED)]
    async with opened(profile, past) as console:
        requests.download(console.store, 2, "/srv", "op")
        spoil(console.store, text)
        engine_state.record_health(console.store, ServiceHealthState.FAULTY, clean(text), None)
        await console.until(lambda: "▲" in console.line("header"))
        for number in (2, 1):
            await console.go_to(number)
            await console.do("mask")
            assert shows_nothing_that_steers(console)
            await console.do("note")
            await console.until(lambda: console.main.prompt.is_open)
            assert shows_nothing_that_steers(console)
            await console.press("escape")
            await console.until(lambda: not console.main.prompt.is_open)
        with console.store.write() as transaction:
            transaction.run("UPDATE tasks SET status = 'FAILED', email = 'x' || email, revision = ?", (10_000,))
        console.main.session.feed.refresh()
        await console.until(lambda: console.main.table.current and console.main.table.current.status == "FAILED")
        await console.do("resubmit")
        await console.until(lambda: console.main.prompt.is_open)
        assert shows_nothing_that_steers(console)
        assert console.app.is_running


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_no_page_of_a_task_nor_the_list_of_what_was_sent_does(profile: Profile, text: str) -> None:
    async with opened(profile, [PastTask("a@example.com", status=Status.COMPLETED)]) as console:
        requests.download(console.store, 1, "/srv", "op")
        sent = requests.submit(console.store, Request(Kind.DELETION, "b@example.com", TODAY, "gdpr", 3, "r"), "op")
        single.assign(console.store, sent.number, "anna", "op")
        spoil(console.store, text)
        await console.until(lambda: console.main.table.row_count == 2)
        await console.do("mask")
        for number in (1, sent.number):
            await console.go_to(number)
            await console.do("detail")
            for page in "12345":
                await console.press(page)
                await console.pilot.pause()
                assert shows_nothing_that_steers(console)
            await console.press("escape")
        await console.do("sent")
        await console.sees("submit deletion", f"#{sent.number}")
        assert shows_nothing_that_steers(console)
        assert console.app.is_running


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_what_is_pasted_into_a_field_steers_nothing(profile: Profile, text: str) -> None:
    async with opened(profile) as console:
        await console.fill(email="")
        console.field("email").post_message(Paste(text))
        await console.until(lambda: console.field("email").value)
        await console.pilot.pause()
        assert shows_nothing_that_steers(console)
        await console.press("escape")
        await console.do("filter")
        await console.until(lambda: console.main.prompt.is_open)
        console.main.prompt.query_one("#prompt-input").post_message(Paste(text))
        await console.pilot.pause()
        await console.pilot.pause()
        assert shows_nothing_that_steers(console)


def said(task: Task, text: str, masked: bool) -> list[list[StyledText]]:
    reading = DisplayContext(NOW, TODAY, masked, NOW - NOW, Keymap().key)
    events = [TimelineEvent(NOW, text, text, text, text, text)]
    return [
        heading(task, reading),
        *outcome_paragraphs(task, reading),
        *fact_lines(task, reading),
        *timeline_lines(task, events, reading),
    ]


@given(st.text(alphabet=st.characters(), max_size=60), st.booleans())
def test_any_cleaned_text_becomes_content_of_the_same_words(text: str, masked: bool) -> None:

    words = clean(text)
    task = make_task(1)._replace(
        email=words, note=words, reason=words, status=words or "X", errors=(TaskError(words, words),)
    )
    for line in said(task, words, masked):
        for phrase, _role in line:
            content = Content.assemble((phrase, ""))
            assert content.plain == phrase
            assert not STEERING.search(content.plain)
            assert content.cell_length == cell_len(phrase) or "\n" in phrase


async def test_a_very_long_text_leaves_the_console_usable(profile: Profile) -> None:
    async with opened(profile, [PastTask("a@example.com")], size=WIDE) as console:
        spoil(console.store, "long " * 800)
        await console.until(lambda: "long long" in console.line("detail-scroll"))
        assert all(len(line) <= WIDE[0] for line in console.text.splitlines())
        assert "? help  q quit" in console.text
        assert tasks.get(console.store, 1).note.startswith("long")
