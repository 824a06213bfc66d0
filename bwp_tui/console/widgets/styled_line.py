"""Show styled text: in lines, in paragraphs that wrap, and in a heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Final

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.color import Color
from textual.content import Content, Span
from textual.css.styles import RenderStyles
from textual.geometry import Size
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from bwp_tui.console.bindings.key_names import InvalidKey, parse_key
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.styled_text import HANGING_INDENT, StyledText
from bwp_tui.console.terminal.textual_compat import refresh_layout
from bwp_tui.domain.text import clean, spell_section_signs

ENTRY_GAP: Final = "   "
"""Between the entries of a line that lists keys."""

Place = tuple[int, int]
"""A line and a character in it."""


class StyledWidget(Widget):
    """A widget of styled text. Never give it a `str`: Textual would parse markup in it."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._styles_of: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles_of.clear()

    def style_for(self, role: str) -> Style:
        """Return the style of a role on this widget's background."""
        style = self._styles_of.get(role)
        if style is None:
            role_styles = self.app.get_component_styles(f"role--{role}")
            style = self._styles_of[role] = _blended(self.visual_style, role_styles)
        return style

    def to_content(self, *texts: StyledText) -> Content:
        """Return the texts as content that names the role of each; `with_styles` gives it colours.

        So it outlives a change of the theme. The texts are cleaned once more:
        a history that came from elsewhere may hold what this program never wrote.
        """
        visible = (text for text in texts if text != HANGING_INDENT)
        return Content.assemble(*((_with_known_signs(clean(text)), role) for text, role in visible))

    def with_styles(self, content: Content) -> Content:
        """Return the content of `to_content` with the present styles of its roles."""
        spans = [Span(start, end, self.style_for(str(role))) for start, end, role in content.spans]
        return Content(content.plain, spans, content.cell_length)


def _with_known_signs(text: str) -> str:
    return spell_section_signs(text) if "§" in text and locale_glyphs().ascii_only else text


def _blended(ground: Style, role: RenderStyles) -> Style:
    """Return a role's style over a widget's; automatic colours contrast with that background."""
    background = role.background if role.has_rule("background") else Color(0, 0, 0, 0)
    foreground = role.color if role.has_rule("color") else ground.foreground
    if role.has_rule("auto_color") and role.auto_color:
        foreground = (ground.background + background).get_contrast_text(role.color.a)
    letters = role.text_style
    return ground + Style(
        background, foreground, bold=letters.bold, dim=letters.dim, underline=letters.underline, reverse=letters.reverse
    )


class StyledLine(StyledWidget, can_focus=False):
    """One or more lines of styled text, repainted only when they differ."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._content = Content()

    def show(self, *texts: StyledText) -> None:
        self.show_content(self.to_content(*texts))

    def show_content(self, content: Content) -> None:
        """Show what `to_content` returned."""
        if content.is_same(self._content):
            return
        before = self._auto_size
        self._content = content
        self.refresh()
        if self._auto_size != before:
            refresh_layout(self)

    @property
    def _auto_size(self) -> tuple[int, int]:
        """Cells and lines that the text takes, each 0 where the style fixes it."""
        width, height = self.styles.width, self.styles.height
        cells = self._content.cell_length if width is not None and width.is_auto else 0
        if height is None or not height.is_auto:
            return cells, 0
        return cells, self.get_content_height(self.container_size, self.app.size, max(1, self.size.width))

    @property
    def content(self) -> Content:
        """What the line shows, with the role of each text."""
        return self._content

    def render(self) -> Content:
        return self.with_styles(self.content)


class KeyLine(StyledLine):
    """A line of keys, each followed by what it does; a click on either is the key."""

    class Clicked(Message):
        """A key was clicked.

        Attributes:
            key: in Textual's spelling.
            is_repeated: whether it is the second click of a double click, or a later one.
        """

        def __init__(self, line: KeyLine, key: str, *, is_repeated: bool) -> None:
            super().__init__()
            self.line = line
            self.key = key
            self.is_repeated = is_repeated

    def on_click(self, event: events.Click) -> None:
        if (key := self.clicked_key(event.x, event.y)) is not None:
            event.stop()
            self.post_message(self.Clicked(self, key, is_repeated=event.chain > 1))

    def clicked_key(self, x: int, y: int) -> str | None:
        return key_at(self.content, x, y)


def in_line_or_columns(entries: Sequence[str], width: int) -> Iterator[StyledText]:
    """Yield the entries, which begin with their keys, on one line, or in columns where they do not fit."""
    widest = max(map(cell_len, entries))
    is_line = cell_len(ENTRY_GAP.join(entries)) <= width
    columns = len(entries) if is_line else max(1, (width + len(ENTRY_GAP)) // (widest + len(ENTRY_GAP)))
    for place, entry in enumerate(entries):
        key, _, meaning = entry.partition(" ")
        if place:
            yield (ENTRY_GAP if place % columns else "\n ", "plain")
        yield (key, "key")
        yield (f" {meaning}{'' if is_line else ' ' * (widest - cell_len(entry))}", "plain")


def key_at(content: Content, x: int, y: int) -> str | None:
    """Return the key that a cell of some lines belongs to, in Textual's spelling, or None.

    Texts of the role `key` name keys; what each does follows, up to the next two blanks.
    """
    lines = content.plain.split("\n")
    if not 0 <= y < len(lines) or x >= cell_len(lines[y].rstrip()):
        return None
    start = sum(len(line) + 1 for line in lines[:y])
    at = start + len(set_cell_size(lines[y], x))
    spans = [span for span in content.spans if span.style == "key" and start <= span.start <= at]
    if not spans or "  " in content.plain[spans[-1].end : at + 1]:
        return None
    span = spans[-1]
    words = list(re.finditer(r"\S+", content.plain[span.start : span.end]))
    clicked = [word for word in words if word.start() <= at - span.start < word.end()]
    for word in (*clicked, *words):
        with suppress(InvalidKey):
            return parse_key(word.group())
    return None


_SEPARATORS: Final = "/\\-_@"
"""Characters behind which a word is broken that is longer than a line, such as a path."""


def break_long_words(line: Content, width: int) -> list[Content]:
    """Divide a line where a word of it has more than `width` cells: behind a separator, else at the width."""
    breaks: list[int] = []
    for word in re.finditer(r"\S+", line.plain):
        if cell_len(word.group()) > width:
            at, end = word.span()
            room = width - cell_len(line.plain[breaks[-1] if breaks else 0 : at]) % width
            while cell_len(line.plain[at:end]) > room:
                fitting = at + max(1, len(set_cell_size(line.plain[at:end], room).rstrip()))
                separator = max(line.plain.rfind(separator, at, fitting) for separator in _SEPARATORS)
                at = separator + 1 if separator >= 0 else fitting if room == width else at
                breaks.append(at)
                room = width
    return line.divide(breaks)


_LEAST_TEXT: Final = 20
"""Cells that a hanging indent leaves to the text; a line with fewer has none."""


def _wrap(line: Content, indent: int, width: int) -> list[Content]:
    """Wrap a line; the second and further ones are indented by as many cells as its first `indent` characters take."""
    if line.cell_length <= width and "\n" not in line.plain:
        return [line]
    label, text = line.divide([indent])
    if width - label.cell_length < _LEAST_TEXT:
        label, text = Content(), line
    room = width - label.cell_length
    first, *more = (part for piece in break_long_words(text, room) for part in piece.wrap(room))
    return [label + first, *(Content(" " * label.cell_length) + part for part in more)]


def _count_letters(text: str) -> int:
    """Count the characters that are no blanks: wrapping keeps them all, in their order."""
    return len("".join(text.split()))


class Paragraphs(StyledWidget, can_focus=False):
    """Lines of styled text that wrap."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Content] = []
        self._indents: list[int] = []
        self._pattern: re.Pattern[str] | None = None
        self._current: Place | None = None
        self.display = False

    @property
    def lines(self) -> list[str]:
        """The text of each line, before it is wrapped."""
        return [line.plain for line in self._lines]

    def underline(self, pattern: re.Pattern[str] | None, current: Place | None) -> None:
        """Underline what matches the pattern, and show the match at the place `current` reversed."""
        if (pattern, current) != (self._pattern, self._current):
            self._pattern, self._current = pattern, current
            self.refresh()

    def y_of(self, line: int, start: int = 0) -> int:
        """Return at which line of the widget a character of a line is shown."""
        *before, whole = zip(self._lines[: line + 1], self._indents, strict=False)
        width = max(1, self.size.width)
        parts = _wrap(*whole, width)
        ends = accumulate(_count_letters(part.plain) for part in parts[:-1])
        letters = _count_letters(self._lines[line].plain[:start])
        return sum(len(_wrap(*above, width)) for above in before) + sum(end <= letters for end in ends)

    def set_lines(self, lines: Iterable[Sequence[StyledText]]) -> None:
        """Show the lines; repaints only when they differ."""
        texts = list(lines)
        before, self._lines = self._lines, [self.to_content(*line) for line in texts]
        self._indents = [self._indent_of(line) for line in texts]
        if not (len(before) == len(self._lines) and all(map(Content.is_same, before, self._lines))):
            self.display = any(line.plain for line in self._lines) or len(self._lines) > 1
            refresh_layout(self)

    def _indent_of(self, line: Sequence[StyledText]) -> int:
        """Return how many characters stand before the text under which further lines begin: a label, or blanks."""
        at = line.index(HANGING_INDENT) if HANGING_INDENT in line else 0
        label = self.to_content(*line[: at or 1]).plain
        return len(label) if at else len(label) - len(label.lstrip(" "))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  as Textual calls it
        return self.lines_at(width)

    def lines_at(self, width: int) -> int:
        return len(self._wrapped(width)) if width and self.display else 0

    def render(self) -> Content:
        return self.with_styles(Content("\n").join(self._wrapped(self.size.width)))

    def _wrapped(self, width: int) -> list[Content]:
        lines = (self._underlined(line, index) for index, line in enumerate(self._lines))
        return [part for whole in zip(lines, self._indents, strict=True) for part in _wrap(*whole, max(1, width))]

    def _underlined(self, line: Content, index: int) -> Content:
        for match in self._pattern.finditer(line.plain) if self._pattern is not None else ():
            role = "found-here" if (index, match.start()) == self._current else "found"
            line = line.stylize(role, *match.span())
        return line


class Heading(StyledLine):
    """A horizontal rule with a title at the left and another at the right."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: list[StyledText] = []
        self._rights: tuple[str, ...] = ()

    def set_text(self, left: list[StyledText], *rights: str) -> None:
        """Show `left`, and at the right end the first of `rights` that fits."""
        if (left, rights) != (self._left, self._rights):
            self._left, self._rights = left, rights
            self.refresh()

    def render(self) -> Content:
        left = self.to_content(("── ", "muted"), *self._left, (" ", "plain"))
        for title in self._rights:
            right = self.to_content((f" {title} ──", "muted"))
            room = self.size.width - left.cell_length - right.cell_length
            if room >= 1:
                return self.with_styles(Content.assemble(left, self.to_content(("─" * room, "muted")), right))
        room = max(0, self.size.width - left.cell_length)
        whole = Content.assemble(left, self.to_content(("─" * room, "muted")))
        return self.with_styles(whole.truncate(self.size.width, ellipsis=True))
