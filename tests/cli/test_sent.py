"""Log of the requests sent to the API, from the command line."""

from __future__ import annotations

import json
from datetime import timedelta

from bwp_tui.domain.times import stamp
from bwp_tui.store.database.connection import as_text
from bwp_tui.store.worklog import intent_outcomes
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
    assert len(shop("sent", "--limit", "1").out.splitlines()) == 2
    masked = shop("sent", "--json", "--mask").out
    record, _ = json.loads(masked)
    assert record["operation"] == "startPersonalDataDeletionTask"
    assert record["variables"]["input"]["clientToken"]["token"] == f"{tokens[1][:8]}…"
    assert record["variables"]["input"]["dataSubject"]["email"] == "b•••@example.com"
    assert (record["state"], record["attempts"], record["answer"]) == ("done", 1, "accepted")
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
    store.close()
    assert f"Not accepted. Next try: {stamp(later)}" in bwp("sent").out
    (record,) = json.loads(bwp("sent", "--json").out)
    assert (record["attempts"], record["last_failure"]) == (0, "Not accepted.")
    assert f"next try       {stamp(later)}" in bwp("show", "1").out
