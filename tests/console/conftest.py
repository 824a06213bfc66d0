"""The same terminal, place and operator for every test of the console, wherever it runs."""

from __future__ import annotations

import locale
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

from bwp_tui.settings import Profile
from bwp_tui.store.queries import saved_results
from tests.console.parsed_styles import parse_rules
from tests.console.support import make_profile

_UNSET = ("NO_COLOR", "TMUX", "SSH_CONNECTION", "SSH_TTY", "BWP_CONFIG_FILE")

_PILOT_SLEEP_S = 0.005
"""A pilot sleeps so long twice a key; at Textual's 20 ms most of a test would be sleep. Tests wait for conditions."""

_PLANTED = "/srv/privacy/"
"""Tests record results in this folder, which no machine has; their files count as there."""


def _is_on_disk(path: str, size: int, *, real: Callable[[str, int], bool] = saved_results.is_on_disk) -> bool:
    return path.startswith(_PLANTED) or real(path, size)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A true-colour terminal in UTF-8, in UTC, with `op` at its keyboard."""
    monkeypatch.setattr("bwp_tui.console.app.actor", lambda *_: "op")
    for name, value in {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC"}.items():
        monkeypatch.setenv(name, value)
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(locale, "getencoding", lambda: "utf-8")
    monkeypatch.setattr("bwp_tui.console.widgets.request_form.SECOND_ENTER_S", 0.0)  # a pilot need not pause
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", _PILOT_SLEEP_S)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", _PILOT_SLEEP_S / 10)
    monkeypatch.setattr(saved_results, "is_on_disk", _is_on_disk)
    monkeypatch.setattr(Stylesheet, "_parse_rules", parse_rules)
    monkeypatch.setattr(RuleSet, "__hash__", object.__hash__)  # Textual's own is as good, and written in Python
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return make_profile(tmp_path / "production")
