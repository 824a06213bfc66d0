"""The help: every key, from the registry, and why an action is unavailable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from textwrap import wrap
from typing import Final

from rich.cells import cell_len

from bwp_tui.console.bindings.actions import TASK_GROUP, Action, Scope
from bwp_tui.console.bindings.key_names import key_text
from bwp_tui.console.bindings.screen_actions import GROUPS
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.protocols import ActionHost
from bwp_tui.console.screens.front_screens import TEXT_MARGIN, SearchedScreen
from bwp_tui.console.session import Session
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.filter_fields import FIELDS

_KEYS_WIDTH: Final = 12
_FEWER_KEYS_WIDTH: Final = 8
"""Cells of the keys where there is not even one column of `_COLUMN`; longer ones have a line of their own."""

_INDENT: Final = 2
_COLUMN: Final = 57
"""Fewest cells of one of several columns."""

_NAMES: Final = "Dim: the name in the [keys] table of the config file, and the command line that does the same."

HelpNotes = tuple[str, Sequence[tuple[str, str]]]
"""The title of a part of the help that is not about keys, and its lines: what is written, and what it means."""


class HelpScreen(SearchedScreen):
    """Lists the keys of a screen in the order of `GROUPS`.

    Args:
        opener: that screen, which says which actions are possible on it.
        notes: the parts after the keys.
    """

    scope = Scope.HELP

    def __init__(self, session: Session, opener: ActionHost, actions: Sequence[Action], *notes: HelpNotes) -> None:
        super().__init__(session)
        self.handlers["help"] = self.close
        everywhere = self.keymap.actions_of(Scope.APP)
        self._reasons = {action.name: action.disabled_reason(opener.context) for action in everywhere}
        self._reasons |= {action.name: opener.disabled_reason(action.name) for action in actions}
        self._actions = sorted((*actions, *everywhere), key=lambda action: GROUPS.index(action.group))
        self._notes = notes
        self._keys = max(_KEYS_WIDTH, *(len(_keys_of(action)) for action in self._actions))

    def on_mount(self) -> None:
        self.query_one(Heading).set_text([("keys", "strong")], "bwp-tui")

    def _show(self) -> None:
        room = self.app.size.width - TEXT_MARGIN
        columns = max(1, room // _COLUMN)
        width = room // columns
        keys_width = self._keys if width >= _COLUMN else _FEWER_KEYS_WIDTH
        lines: list[Sequence[StyledText]] = [[(words, "muted")] for words in wrap(_NAMES, room)]
        for group, actions in groupby(self._actions, key=_heading):
            entries = [self._lines(action, keys_width, width) for action in actions]
            lines += [[], [(group, "accent")], *_in_columns(entries, columns, width)]
        for title, notes in self._notes:
            entries = [_entry(written, self._keys, meaning, [], width) for written, meaning in notes]
            lines += [[], [(title, "accent")], *_in_columns(entries, columns, width)]
        self.query_one("#help-text", Paragraphs).set_lines(lines)
        self.finder.update()

    def _lines(self, action: Action, keys_width: int, width: int) -> list[list[StyledText]]:
        reason = self._reasons[action.name]
        command = f" · bwp-tui {action.cli_usage}" if action.cli_usage else ""
        more = [f"{action.name}{command}", *([f"unavailable: {reason}"] if reason else [])]
        return _entry(_keys_of(action), keys_width, action.help, more, width, is_possible=not reason)


def _heading(action: Action) -> str:
    """Return the heading of an action's group: those on a task's page are for that task alone, whatever is marked."""
    return "This task" if action.scope is Scope.TASK and action.group == TASK_GROUP else action.group


def _entry(
    keys: str, keys_width: int, sentence: str, more: Sequence[str], width: int, *, is_possible: bool = True
) -> list[list[StyledText]]:
    """Return the lines of keys and what they do; the first of `more` is on the line of a short sentence."""
    indent = _INDENT + keys_width
    room = max(_KEYS_WIDTH, width - indent - 1)
    start: StyledText = (f"{'':{_INDENT}}{keys:<{keys_width}}", "key" if is_possible else "muted")
    first, *below = wrap(sentence, room)
    lines = [[start, (first, "plain" if is_possible else "muted")]]
    if len(keys) >= keys_width:
        lines, below = [[start]], [first, *below]
    lines += [[(f"{'':{indent}}{words}", "plain" if is_possible else "muted")] for words in below]
    for text in more:
        last = lines[-1]
        if text is more[0] and len(lines) == 1 and sum(cell_len(part) for part, _ in last) + 2 + len(text) < width:
            last.append((f"  {text}", "muted"))
        else:
            lines += [[(f"{'':{indent}}{words}", "muted")] for words in wrap(text, room)]
    return lines


def _in_columns(entries: Sequence[list[list[StyledText]]], columns: int, width: int) -> Iterator[list[StyledText]]:
    """Yield the lines of entries in columns of about the same height, each entry in one of them."""
    height = -(-sum(map(len, entries)) // columns)
    parts: list[list[list[StyledText]]] = [[]]
    for entry in entries:
        if len(parts[-1]) + len(entry) // 2 >= height and len(parts) < columns and parts[-1]:
            parts.append([])
        parts[-1] += entry
    for beside in zip_longest(*parts, fillvalue=[]):
        line: list[StyledText] = []
        for texts in beside[:-1]:
            blanks = width - sum(cell_len(text) for text, _ in texts)
            line += [*texts, (" " * blanks, "plain")]
        yield [*line, *beside[-1]]


def _keys_of(action: Action) -> str:
    return f"{' '.join(key_text(key) for key in action.keys)} "


FILTER_NOTES: Final[HelpNotes] = (
    "Filters",
    (
        ("jane", "text in the email or the newest note, or a task id's beginning"),
        *((f"{spec.key}{spec.operator}", spec.help) for spec in FIELDS.values()),
        ("status:failed,on_hold -note:later", "any of several values, and not a value"),
        ("is:failed -(tag:vip or due<7d)", "one of the two, or neither"),
    ),
)
"""What the main screen's help says of filters."""


def sign_notes() -> HelpNotes:
    """Return what the main screen's help says of the signs in the table."""
    glyphs = locale_glyphs()
    return "Signs", (
        ("in 6d!", "the service may finish after the due date"),
        (glyphs.fetch, "a result to download; with a percentage, one that is being downloaded"),
        (glyphs.paused, "a download that is paused"),
        (f"{glyphs.fetch} {glyphs.wrong}", "a download that failed"),
        (glyphs.watched, "you are notified when the task finishes"),
    )


def mouse_notes(*, is_on: bool) -> HelpNotes:
    """Return what the main screen's help says of the mouse."""
    if not is_on:
        return "Mouse", (("off", 'here; mouse = "on" in the profile turns it on'),)
    click = ("a click", "acts on rows, headings, views, pages, commands and keys")
    return "Mouse", (click, ("shift", "held down, lets text be selected"))
