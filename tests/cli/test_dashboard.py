"""The figures of the whole history, from the command line."""

from __future__ import annotations

import json

from tests.cli.conftest import CREDENTIALS, Bwp


def test_the_register_is_counted_in_lines_and_in_json(bwp: Bwp) -> None:
    file = bwp.data.parent / "requests.csv"
    file.write_text("kind,email\naccess,jane@example.com\nerase,bob@example.com\n", encoding="utf-8")
    assert bwp("import", str(file), "--regulation", "gdpr", "--yes", env=CREDENTIALS).code == 0
    lines = [line.split() for line in bwp("dashboard").out.splitlines()]
    assert ["overdue", "0"] in lines
    assert [lines[lines.index([title]) + 1] for title in ("Retrievals", "Deletions")] == [["QUEUED", "1"]] * 2
    figures = json.loads(bwp("dashboard", "--json").out)
    assert sum(week["tasks"] for week in figures["due"]) == 2
    assert figures["downloads"] == {"saved": 0, "bytes": 0, "gone": 0, "failed": 0}
