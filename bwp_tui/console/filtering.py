"""The line a filter is typed in: what fits is listed at every key."""

from __future__ import annotations

from typing import Final

from bwp_tui.console.stage import Stage
from bwp_tui.domain.completion import complete
from bwp_tui.domain.filter import FilterError

_OFFERED: Final = 4
"""Completions that are shown at once."""


class Filtering:
    """Asks for a filter."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def ask(self) -> None:
        """Ask, listing what fits meanwhile; without an answer what was listed before comes back."""
        stage, before = self._stage, self._stage.listing
        answer = await stage.prompt.text("/", before.filter, changed=self._changed, completed=completed)
        if answer is None:
            stage.show(before)
            return
        try:
            stage.show(before.of_filter(answer))
        except FilterError as error:
            stage.say(str(error), "bad")

    def _changed(self, text: str) -> None:
        stage = self._stage
        offered = [found for found in complete(text, len(text), ()) if not text.endswith(found.insert)]
        inserts = "  ".join(completion.insert for completion in offered[:_OFFERED])
        try:
            stage.show(stage.listing.of_filter(text))
        except FilterError as error:
            stage.prompt.hint(f"tab {inserts}" if inserts else str(error), "key" if inserts else "bad")
        else:
            stage.prompt.hint(f"tab {inserts}" if inserts else "", "muted")


def completed(text: str) -> str:
    """Return a filter with what its end most likely is to be, or `text` where nothing is likely."""
    offered = complete(text, len(text), ())
    if not offered:
        return text
    first = offered[0]
    return f"{text[: first.start]}{first.insert}{text[first.end :]}"
