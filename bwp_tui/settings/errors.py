"""The exception for mistakes in the settings."""

from __future__ import annotations


class SettingsError(Exception):
    """One or more mistakes, each a sentence; `str()` has one per line."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes
