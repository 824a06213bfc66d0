"""A field with a few options; arrows or the space bar choose another."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.message import Message

from bwp_tui.console.presentation.styled_text import StyledText, StyledWidget


class RadioField(StyledWidget, can_focus=True):
    """Shows its options side by side."""

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, field: RadioField) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> RadioField:
            """The field, for `@on` with a selector."""
            return self.field

    def __init__(self, options: tuple[str, ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._options = options
        self._index = 0

    @property
    def value(self) -> str:
        """The chosen option."""
        return self._options[self._index]

    @value.setter
    def value(self, word: str) -> None:
        self._choose(self._options.index(word))

    def _choose(self, index: int) -> None:
        index %= len(self._options)
        if index != self._index:
            self._index = index
            self.refresh()
            self.post_message(self.Changed(self))

    def render(self) -> Content:
        texts: list[StyledText] = []
        for index, word in enumerate(self._options):
            if index == self._index:
                texts += [("● ", "accent"), (word, "strong")]
            else:
                texts += [("○ ", "muted"), (word, "muted")]
            texts.append(("   ", "plain"))
        return self.with_styles(self.to_content(*texts))

    def on_key(self, event: events.Key) -> None:
        step = {"right": 1, "space": 1, "l": 1, "left": -1, "h": -1}.get(event.key)
        if step is not None:
            event.stop()
            self._choose(self._index + step)

    def on_click(self) -> None:
        self._choose(self._index + 1)
