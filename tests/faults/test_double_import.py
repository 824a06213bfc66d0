from __future__ import annotations

from pathlib import Path

from tests.faults.double_import import trial


def test_of_two_imports_of_one_file_at_once_one_records_the_requests(tmp_path: Path) -> None:
    outcome = trial(tmp_path / "trial")
    assert outcome.is_right, outcome
