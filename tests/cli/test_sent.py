"""Log of the requests sent to the API, from the command line."""

from __future__ import annotations

import json
from datetime import timedelta

from bwp_tui.domain.times import format_instant, stamp
from bwp_tui.engine.runtime.lease import Lease, begin_term
from bwp_tui.store.database.connection import as_text
from bwp_tui.store.worklog import engine_state, intent_outcomes
from bwp_tui.store.worklog.engine_state import Ability, ServiceHealthState
from tests.cli.conftest import Bwp
from tests.store.support import sent, submitted


def test_what_was_sent_is_printed_for_all_or_one_without_its_token(shop: Bwp) -> None:
    assert shop("submit", "retrieval", "jane@example.com").code == 0
    assert shop("submit", "deletion", "bob@example.com", "--yes", "--reason", "bob@example.com left").code == 0
    store = shop.store()
    tokens = [as_text(token) for (token,) in store.rows("SELECT client_token FROM intents ORDER BY id")]
    store.close()
    ended = shop("sent")
    lines = ended.out.splitlines()
    assert "submit deletion" in lines[1]
    assert "submit retrieval" in lines[2]
    assert "accepted" in lines[1]
    assert "jane@" not in ended.out
    assert len(shop("sent", "1").out.splitlines()) == 2
    cut = shop("sent", "--limit", "1")
    assert (len(cut.out.splitlines()), cut.err) == (2, "bwp-tui: 1 of 2 requests shown; --limit 2 shows all.\n")
    masked = shop("sent", "--json", "--mask").out
    record, _ = json.loads(masked)
    assert record["operation"] == "startPersonalDataDeletionTask"
    assert record["variables"]["input"]["clientToken"]["token"] == f"{tokens[1][:8]}…"
    assert record["variables"]["input"]["dataSubject"]["email"] == "b•••@example.com"
    assert (record["state"], record["attempts"], record["response"]) == ("done", 1, "accepted")
    assert "bob@" not in masked
    assert "bob@example.com" in shop("sent", "--unmask").out
    assert not any(token in ended.out + masked for token in tokens)


def test_nothing_sent_and_no_such_task_are_said(bwp: Bwp) -> None:
    bwp("views", "save", "any")
    assert (bwp("sent").out, bwp("sent").err) == ("", "bwp-tui: No requests were sent.\n")
    assert bwp("sent", "17").code == 4


def test_a_request_that_was_not_accepted_says_why_and_when_it_is_sent_next(bwp: Bwp) -> None:
    store = bwp.store()
    task = submitted(store)
    later = store.clock() + timedelta(minutes=5)
    intent_outcomes.reschedule(store, sent(store, task.number).id, "Not accepted.", later, never_sent=True)
    lease = Lease(bwp.folder / "engine.lock")
    for is_read_only_engine_there in (False, True):
        assert not is_read_only_engine_there or begin_term(store, lease, Ability.POLLS)
        assert "Not accepted. Next try: once an engine sends it" in bwp("sent").out
        assert "Next try   once an engine sends it" in bwp("show", "1").out
    lease.release()
    (record,) = json.loads(bwp("sent", "--json").out)
    assert (record["attempts"], record["last_failure"], record["next_at"]) == (0, "Not accepted.", None)
    lease = Lease(bwp.folder / "engine.lock")
    assert begin_term(store, lease, Ability.ALL)
    assert f"Not accepted. Next try: {stamp(later)}" in bwp("sent").out
    even_later = later + timedelta(minutes=5)
    engine_state.record_health(store, ServiceHealthState.UNREACHABLE, "Out of reach.", even_later)
    assert f"Not accepted. Next try: {stamp(even_later)}" in bwp("sent").out
    assert f"Next try   {stamp(even_later)}" in bwp("show", "1").out
    shown = json.loads(bwp("show", "1", "--json").out)
    assert (shown["trouble"], shown["next_try"]) == ("Not accepted.", format_instant(even_later))
    engine_state.record_health(store, ServiceHealthState.REACHED, None, None)
    intent_outcomes.reschedule(store, sent(store, task.number).id, "Not accepted.", store.clock(), never_sent=True)
    assert "Not accepted. Next try: now" in bwp("sent").out
    assert "Next try   now" in bwp("show", "1").out
    lease.release()
    store.close()


def test_a_request_that_was_not_tried_yet_says_what_keeps_the_engine_from_it(bwp: Bwp) -> None:
    store = bwp.store()
    submitted(store)
    lease = Lease(bwp.folder / "engine.lock")
    assert begin_term(store, lease, Ability.ALL)
    later = store.clock() + timedelta(minutes=5)
    engine_state.record_health(store, ServiceHealthState.UNREACHABLE, "Out of reach.", later)
    shown = json.loads(bwp("show", "1", "--json").out)
    assert (shown["trouble"], shown["next_try"]) == ("Out of reach.", format_instant(later))
    lease.release()
    store.close()
