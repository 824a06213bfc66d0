"""The report of a period, from the command line: a table, CSV and JSON of the same figures."""

from __future__ import annotations

import csv
import io
import json

from bwp_tui.domain.statuses import DeclineReason
from tests.cli.conftest import CREDENTIALS, Bwp

ALWAYS = ("--from", "2020-01-01", "--to", "2099-12-31")


def test_a_period_is_reported_as_a_table_as_csv_and_as_json(bwp: Bwp) -> None:
    file = bwp.data.parent / "requests.csv"
    file.write_text("kind,email\naccess,jane@example.com\nerase,bob@example.com\n", encoding="utf-8")
    assert bwp("import", str(file), "--yes", env=CREDENTIALS).code == 0
    assert bwp("answer", "1", "--how", "by email", "--yes").code == 0
    found = json.loads(bwp("report", *ALWAYS, "--json").out)
    deletion, retrieval = found["requests"]
    assert (found["from"], found["to"]) == ("2020-01-01", "2099-12-31")
    assert (deletion["kind"], deletion["received"], deletion["unanswered"], deletion["median_days"]) == (
        "DELETION",
        1,
        1,
        None,
    )
    assert (retrieval["regulation"], retrieval["not_complied"], retrieval["median_days"]) == ("us-ca", 1, 0)
    rows = list(csv.DictReader(io.StringIO(bwp("report", *ALWAYS, "--csv").out, newline="")))
    reasons = {f"declined_{reason}" for reason in DeclineReason}
    assert [set(row) for row in rows] == [{*deletion} - {"declined"} | reasons] * 2
    assert [(row["kind"], row["received"], row["median_days"]) for row in rows] == [
        ("deletion", "1", ""),
        ("retrieval", "1", "0.0"),
    ]
    headings, *lines = bwp("report", *ALWAYS).out.splitlines()
    assert [line.split()[:3] for line in lines] == [["deletion", "us-ca", "1"], ["retrieval", "us-ca", "1"]]
    assert len(headings) == len(lines[0])


def test_a_period_without_requests_is_an_empty_csv_file_and_one_that_ends_first_is_refused(bwp: Bwp) -> None:
    assert bwp("report", *ALWAYS, "--csv").out.startswith("kind,regulation,received,")
    assert bwp("report", "--from", "2026-02-01", "--to", "2026-01-01").code == 2
