"""Sentences that name commands for a shell."""

from __future__ import annotations

import pytest

from bwp_tui.domain.cli_commands import with_profile


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("Run: bwp-tui doctor.", "Run: bwp-tui --profile north doctor."),
        ("See bwp-tui list; bwp-tui run.", "See bwp-tui --profile north list; bwp-tui --profile north run."),
        (
            "Use another --profile; if it is the same shop, run: bwp-tui config adopt.",
            "Use another --profile; if it is the same shop, run: bwp-tui --profile north config adopt.",
        ),
        ("Run bwp-tui run --profile south, or wait.", "Run bwp-tui run --profile south, or wait."),
        ("bwp-tui --profile south run", "bwp-tui --profile south run"),
        ("A bwp-tui that runs takes it; see bwp-tui listing.", "A bwp-tui that runs takes it; see bwp-tui listing."),
    ],
)
def test_the_commands_of_a_sentence_name_the_profile(sentence: str, named: str) -> None:
    assert with_profile(sentence, "north", ("config", "doctor", "list", "run")) == named
