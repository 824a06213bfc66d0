"""The bars: header, views, active downloads, status, footer."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message

from bwp_tui.console.presentation.breakpoints import NARROW, WIDE, is_list_alone
from bwp_tui.console.presentation.download_rows import DownloadRowBuilder
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.terminal.textual_compat import CompatApp
from bwp_tui.console.widgets.styled_line import KeyLine, StyledLine
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Task
from bwp_tui.domain.views import View

if TYPE_CHECKING:
    from bwp_tui.console.widgets.prompt import Prompt

_MAX_DOWNLOADS: Final = 4
_THOUSAND: Final = 1_000
_MILLION: Final = 1_000_000

_NO_TEXT: Final[StyledText] = ("", "plain")

_KEY_GAP: Final = 2
"""Cells between two keys of the footer."""

SECOND_CLICK_S: Final = 1.0
"""Seconds in which a second click on the footer is meant for what the first one found there."""

_SECOND_CLICK_CELLS: Final = 2
"""Cells from the first click within which another is a second one."""


class _FooterClick(NamedTuple):
    """A click on a footer: when it was, in which column, and what was shown there."""

    at: float
    x: int
    content: Content


class FooterApp(CompatApp, inherit_bindings=False):
    """An app whose screens have footers.

    Attributes:
        last_footer_click: the last click on any of them: it may have opened a screen with another footer.
    """

    last_footer_click: _FooterClick | None = None


class TwoEndedLine(KeyLine):
    """A line with text at both ends; without room for both it shows the left one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left = Content()
        self._right = Content()

    def show_ends(self, left: Content, right: Content) -> None:
        if not (left.is_same(self._left) and right.is_same(self._right)):
            self._left, self._right = left, right
            self.refresh()

    @property
    def content(self) -> Content:
        room = self.size.width - self._left.cell_length - self._right.cell_length
        if room < bool(self._right):
            return self._left.truncate(self.size.width, ellipsis=True)
        return Content.assemble(self._left, " " * room, self._right)


class HeaderLine(TwoEndedLine):
    """Profile, engine and API trouble."""

    def set_state(
        self,
        profile: StyledText,
        target_id: str | None,
        engine: str,
        trouble: str | None,
        events: StyledText | None,
        notes: Sequence[str],
        position: str,
    ) -> None:
        """Show these texts, as far as there is room.

        Args:
            trouble: what is wrong with the API, in a few words, in place of the engine.
            events: whether they come.
            notes: what is unusual about the list.
            position: the cursor's row, and how many there are.
        """
        width = self.app.size.width
        start: list[StyledText] = [(f" {profile[0]} ", profile[1])]
        if target_id and width >= WIDE:
            start.append((f"  {_short_id(target_id)}", "muted"))
        start += [("  ", "plain"), (f"▲ {trouble}", "bad") if trouble else (engine, "muted")]
        named: list[StyledText] = [(" bwp-tui ", "strong"), (" ", "plain"), *start]
        lefts: list[list[StyledText]] = [named, start]
        if events is not None:
            short = (events[0].partition(" · ")[0], events[1])
            with_events = [[*named, ("  ", "plain"), text] for text in (events, short)]
            lefts = [*with_events, *lefts] if events[1] == "muted" else with_events  # trouble is cut
        texts = ([position, *notes], notes) if position else (notes,)
        rights = [self.to_content((f"{'  '.join(each)} ", "muted")) for each in texts]
        for right, left in product(rights, [self.to_content(*parts) for parts in lefts]):
            if left.cell_length + right.cell_length + 1 < width:
                break
        else:
            left = left.truncate(width - right.cell_length - 1, ellipsis=True)
        self.show_ends(left, right)


def _short_id(target_id: str) -> str:
    return target_id if len(target_id) <= 12 else f"{target_id[:7]}…"


class _ViewForm(Enum):
    """How the views are listed, the longest form first."""

    LONG = auto()
    SHORT = auto()
    TIGHT = auto()  # short, each key at its name
    NAMES = auto()  # tight, and with the count of the view that is shown alone


class ViewsLine(TwoEndedLine):
    """The views with their counts, and the filter, which a view stands for where there is no room for both.

    Args:
        key: returns the key of an action, by its name.
    """

    def __init__(self, key: Callable[[str], str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._key = key

    def set_views(
        self,
        views: Sequence[View],
        counts: Sequence[int],
        current: int | None,
        filter_text: str,
        match_count: int | None,
        trouble: str = "",
    ) -> None:
        """Show the views' counts, which of them is shown (an index, None for none), and the filter.

        Args:
            match_count: how many tasks match the filter; None while they are counted.
            trouble: what is wrong with the engine or the service; shown where the list alone has no header.
        """
        filter_parts: list[StyledText] = []
        if filter_text:
            count = "…" if match_count is None else short_count(match_count)
            filter_parts = [(f"{self._key('filter')} ", "key"), (filter_text, "plain"), (f"  {count} ", "muted")]
        right, width = self.to_content(*filter_parts), self.app.size.width
        for form in _ViewForm if width >= NARROW else list(_ViewForm)[1:]:
            left = self.to_content(*self._views(views, counts, current, form))
            if current is not None and left.cell_length + right.cell_length >= width:
                right = Content()  # the view stands for its filter
            if left.cell_length + right.cell_length < width:
                break
        else:
            if current is not None and is_list_alone(self.app.size):
                left = self._current_view(views, counts, current)
            elif current is None:
                right = self.to_content((f"{self._key('back')} ", "key"), ("all tasks ", "muted"))
                left = self._filter(filter_parts, width - right.cell_length - 1)
        if trouble and is_list_alone(self.app.size):
            if current is not None:
                left = self._current_view(views, counts, current)
            else:
                left = self._filter(filter_parts, width // 2)
            right = self.to_content((f"▲ {trouble} ", "bad"))
            right = right.truncate(width - left.cell_length - 1, ellipsis=True)
        self.show_ends(left, right)

    def _current_view(self, views: Sequence[View], counts: Sequence[int], current: int) -> Content:
        entries = list(self._views(views, counts, current, _ViewForm.LONG))
        return self.to_content((" ", "plain"), *entries[3 * current + 1 : 3 * current + 3])

    def _filter(self, filter_parts: Sequence[StyledText], width: int) -> Content:
        """Return the filter and its count in at most `width` cells: the end of the filter is cut."""
        key, (text, role), count = filter_parts
        room = width - 1 - cell_len(key[0]) - cell_len(count[0])
        cut = Content(text).truncate(max(1, room), ellipsis=True).plain
        return self.to_content((" ", "plain"), key, (cut, role), count)

    def _views(
        self, views: Sequence[View], counts: Sequence[int], current: int | None, form: _ViewForm
    ) -> Iterator[StyledText]:
        for index, view in enumerate(views):
            count = short_count(counts[index]) if index < len(counts) else "…"
            role = "current" if index == current else "muted" if count == "0" else "plain"
            is_long = form is _ViewForm.LONG
            yield ("   " if is_long and index else " ", "plain")
            space = "" if form in (_ViewForm.TIGHT, _ViewForm.NAMES) else " "  # else a key looks like a count
            yield (f"{self._key(f'view_{index + 1}')}{space}", "key")
            name, is_counted = (
                view.name if is_long else view.short_name,
                form is not _ViewForm.NAMES or index == current,
            )
            yield (f"{name} {count}" if is_counted else name, role)


def short_count(count: int) -> str:
    """Return a count in at most five characters."""
    if count >= _MILLION:
        return f"{count / _MILLION:.1f}M"
    return f"{count / _THOUSAND:.0f}k" if count >= 10 * _THOUSAND else str(count)


class ActiveDownloads(KeyLine):
    """Progress of each open download; no line when there is none."""

    def update(self, downloads: Sequence[tuple[Download, Task]], context: DisplayContext) -> None:
        ids, width = {download.id for download, _ in downloads}, self.app.size.width - 2
        builder = DownloadRowBuilder(downloads[:_MAX_DOWNLOADS], width, context, ids, locale_glyphs().fetch)
        texts: list[StyledText] = []
        for row in builder.active_rows():
            texts += [("\n " if texts else " ", "plain"), *row.texts]
        if len(downloads) > _MAX_DOWNLOADS:
            texts += [
                (f"\n   and {len(downloads) - _MAX_DOWNLOADS} more: ", "muted"),
                (context.key("downloads"), "key"),
            ]
        self.display = bool(downloads)
        self.show(*texts)


class StatusLine(StyledLine):
    """What came of the last action, and behind it the latest notice, on as many lines as both need.

    A notice is about something that happened without an action. Neither replaces the other.

    Args:
        in_shell: returns a sentence as it is shown: with the profile in the commands for the shell that it names.
    """

    def __init__(self, *, id: str, in_shell: Callable[[str], str] = str) -> None:
        super().__init__(id=id, classes="-empty")
        self._in_shell = in_shell
        self._sentence: StyledText = _NO_TEXT
        self._notice: StyledText = _NO_TEXT

    @property
    def sentence(self) -> str:
        """What came of the last action."""
        return self._sentence[0]

    @property
    def notice(self) -> str:
        return self._notice[0]

    class Shown(Message):
        """Another sentence is shown."""

        def __init__(self, sentence: str, role: str) -> None:
            super().__init__()
            self.sentence = sentence
            self.role = role

    def set_sentence(self, sentence: str, role: str = "plain") -> None:
        """Show what came of an action, which must be clean; an empty sentence removes the notice too."""
        self._set((sentence, role), self._notice if sentence else _NO_TEXT)

    def update_sentence(self, sentence: str, *, is_settled: bool) -> None:
        """Show what has become of the sentence that is shown; the list of messages gets what it ends as."""
        has_news = not self.sentence.startswith(sentence)  # it may only be shorter: what it waited for is over
        self._set((sentence, self._sentence[1]), self._notice, is_new=is_settled and has_news)

    def set_notice(self, sentence: str, role: str = "plain") -> None:
        """Show a notice, which must be clean, instead of the earlier one; an error stays until a key is pressed."""
        if self._notice[1] == "bad" and role != "bad" and sentence:
            self.app.post_message(self.Shown(sentence, role))  # the list of messages has it
        else:
            self._set(self._sentence, (sentence, role))

    def update_notice(self, sentence: str) -> None:
        """Show more beside the notice that is shown; the list of messages keeps that one."""
        self._set(self._sentence, (sentence, self._notice[1]), is_new=False)

    def remove_sentence(self, sentence: str) -> None:
        """Remove a sentence where it is still shown."""
        kept, notice = (_NO_TEXT if text[0] == sentence else text for text in (self._sentence, self._notice))
        self._set(kept, notice)

    def _set(self, sentence: StyledText, notice: StyledText, *, is_new: bool = True) -> None:
        before, self._sentence, self._notice = (self._sentence, self._notice), sentence, notice
        texts = [text for text in {text[0]: text for text in (sentence, notice)}.values() if text[0]]
        for text, role in texts:
            if is_new and self.id == "status" and (text, role) not in before:
                # One that its screen makes would not bubble beyond that.
                self.app.post_message(self.Shown(self._in_shell(text), role))
        self.set_class(not texts, "-empty")
        shown = [(self._in_shell(text), role) for text, role in texts]
        shown[1:1] = [(" ", "plain")] * (len(texts) - 1)
        self.show(*shown or [_NO_TEXT])


class FooterLine(KeyLine):
    """The keys that there is room for, and what each does."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: Sequence[StyledText] = ()
        self._always = 0

    def clicked_key(self, x: int, y: int) -> str | None:
        """Return the key of a cell; not that which has just come there, where a double click began on another."""
        app, click = cast("FooterApp", self.app), _FooterClick(time.monotonic(), x, self.content)
        before, app.last_footer_click = app.last_footer_click, click
        if (
            before is not None
            and click.at - before.at < SECOND_CLICK_S
            and abs(click.x - before.x) <= _SECOND_CLICK_CELLS
            and click.content != before.content
        ):
            return None
        return super().clicked_key(x, y)

    def show_keys(self, *keys: StyledText, always: int = 1) -> None:
        """Show keys with their labels; the last ones `always`."""
        self._entries, self._always = keys, always
        self.set_class(False, "-pointing")
        self._fit()

    def on_resize(self) -> None:
        if self._entries:
            self._fit()

    def _fit(self) -> None:
        entries, gap = self._entries, _KEY_GAP
        optional = len(entries) - self._always
        width = self.size.width or self.app.size.width  # before the layout: the first frame is to have the keys
        widths = [cell_len(key) + 1 + cell_len(label) + gap for key, label in entries]
        room = width - 1 + gap - sum(widths[optional:])
        texts: list[StyledText] = [(" ", "plain")]
        for place, (key, label) in enumerate(entries):
            if place < optional:
                if widths[place] > room:
                    continue
                room -= widths[place]
            texts += [(key, "key"), (f" {label}{'':{gap}}", "plain")]
        self.show(*texts)

    def show_prompt(self, prompt: Prompt) -> None:
        """Show what is wrong with what is typed into a prompt, or the keys that answer."""
        if prompt.mistake is None:
            self.show_keys(*prompt.footer_keys)
        else:
            self.show_mistake(*prompt.mistake)

    def show_mistake(self, x: int, width: int, sentence: str) -> None:
        """Show what is wrong with the text above: marks under it, and a sentence beside them or else below."""
        self._entries = ()
        self.set_class(True, "-pointing")
        room = self.size.width
        marks = "^" * min(width, max(1, room - x))
        right = x + len(marks)
        if right + len(sentence) + 2 <= room:
            self.show((" " * x, "plain"), (marks, "bad"), (f" {sentence}", "bad"))
        elif len(sentence) + 2 <= x:
            self.show((" " * (x - len(sentence) - 1), "plain"), (f"{sentence} {marks}", "bad"))
        else:
            lines = textwrap.wrap(sentence, max(room - 1, 1), break_on_hyphens=False)
            self.show(("\n".join([*([f"{' ' * x}{marks}"] if marks else []), *(f" {line}" for line in lines)]), "bad"))
