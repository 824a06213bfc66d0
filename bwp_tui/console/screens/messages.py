"""The messages of this session, the newest last."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from textual.containers import VerticalScroll

from bwp_tui.console.bindings.actions import Scope
from bwp_tui.console.presentation.styled_text import HANGING_INDENT, StyledText
from bwp_tui.console.screens.front_screens import SearchedScreen
from bwp_tui.console.state.message_log import LoggedMessage
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.masking import redact
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import local_day, to_local

_SEVERITIES: Final = {"bad": "error", "warn": "warning", "good": "done"}
"""What the role of a message is called; every other one is a note."""


class MessagesScreen(SearchedScreen):
    """Lists what the status lines have said since the console was opened."""

    scope = Scope.MESSAGES

    def on_mount(self) -> None:
        self.session.messages.changed = self._show
        self._show()
        self.query_one(VerticalScroll).anchor()

    def on_unmount(self) -> None:
        self.session.messages.changed = lambda: None

    def _show(self) -> None:
        messages = self.session.messages.messages
        self.query_one(Heading).set_text([("messages", "strong")], counted(len(messages), "message"))
        lines: list[list[StyledText]] = []
        for day, said in groupby(messages, key=lambda message: local_day(message.at)):
            lines += [
                *([[]] if lines else []),
                [(str(day), "accent")],
                *map(self._line, said),
            ]
        self.query_one(Paragraphs).set_lines(lines or [[("No messages yet.", "muted")]])
        self.finder.update()

    def _line(self, message: LoggedMessage) -> list[StyledText]:
        sentence = redact(message.sentence, emails=True) if self.session.masked else message.sentence
        role = message.role if message.role in _SEVERITIES else "muted"
        return [
            (f"  {to_local(message.at):%H:%M:%S}  ", "muted"),
            (f"{_SEVERITIES.get(message.role, 'note'):<7}  ", role),
            HANGING_INDENT,
            (sentence, "plain"),
        ]
