"""The history of what was sent, from the command line."""

from __future__ import annotations

import json

from bwp_tui.store.database.connection import as_text
from tests.cli.conftest import Bwp


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
