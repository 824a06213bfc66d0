"""The archive browser: entries of a downloaded archive, previews, and extraction."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from textual import on

from bwp_tui.archive.archive_file import Archive
from bwp_tui.archive.entry import Entry
from bwp_tui.archive.limits import BadArchive
from bwp_tui.archive.preview import Preview, Table, Text, Tree, preview
from bwp_tui.archive.unpack import CannotUnpack, unpack
from bwp_tui.console.background import run_in_background
from bwp_tui.console.bindings.actions import ActionContext, Scope
from bwp_tui.console.controllers.find import ListFilter, TextFinder
from bwp_tui.console.presentation.archive_preview import (
    EntryRows,
    TreeRows,
    columns_of,
    preview_title,
    record_lines,
    table_lines,
    text_lines,
    whole_lines,
)
from bwp_tui.console.presentation.format import mask
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_detail import heading
from bwp_tui.console.screens.front_screens import NO_MORE_COLUMNS, ListScreen
from bwp_tui.console.session import Session
from bwp_tui.console.widgets.bars import FooterLine
from bwp_tui.console.widgets.styled_line import Heading, Place
from bwp_tui.console.widgets.virtual_list import VirtualList
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import counted, format_size
from bwp_tui.store.commands import work_records
from bwp_tui.store.commands.requests import cannot_download
from bwp_tui.store.errors import StoreError
from bwp_tui.store.queries.saved_results import saved_path


class _OpenEntry(NamedTuple):
    """The open entry: its preview, and its tree where it is JSON.

    Of a table, `first_column` is the leftmost column shown, and `record_row` the row whose cells are shown whole.
    """

    entry: Entry
    preview: Preview
    tree: TreeRows | None
    first_column: int = 0
    record_row: int | None = None

    @property
    def table(self) -> Table | None:
        """The table, where its rows are listed."""
        return self.preview if isinstance(self.preview, Table) and self.record_row is None else None


class ArchiveScreen(ListScreen):
    """Browses the archive of one download. Only the action `unpack` writes files; no other program opens an entry."""

    scope = Scope.ARCHIVE

    def __init__(self, session: Session, task: Task, download: Download) -> None:
        super().__init__(session)
        self.handlers |= {
            "choose": self._choose,
            "back": self._back,
            "leave": self._back,
            "left": lambda: self._scroll_columns(-1),
            "right": lambda: self._scroll_columns(1),
            "folder": self._show_folder,
            "unpack": self._unpack,
            "pager": self._page,
            "filter": self._find,
            "next_match": lambda: self._step(1),
            "previous_match": lambda: self._step(-1),
        }
        self._filter = ListFilter(self, self._show_fitting)
        self._finder = TextFinder(self, self.keymap, self, self.update_footer)
        self._archive_task = task
        self._download = download
        self._path = Path(download.path or "")
        self._display_context = session.display_context()
        self._entries: Sequence[Entry] = ()
        self._listed: Sequence[Entry] = ()
        self._totals = ""
        self._opened: _OpenEntry | None = None
        self._entry_row = 0

    def on_mount(self) -> None:
        run_in_background(self, self._list, group="reading")

    @property
    def context(self) -> ActionContext:
        return ActionContext(read_only=self.session.read_only)

    @property
    def _is_listed(self) -> bool:
        """Whether the archive was read: it may be gone, damaged or unsafe."""
        return bool(self._totals)

    def disabled_reason(self, name: str) -> str | None:
        reason, opened = super().disabled_reason(name), self._opened
        if opened is None and name in ("pager", "next_match", "previous_match"):
            return "Open a file first."
        if name in ("left", "right") and (opened is None or opened.table is None):
            return "Only a table has columns to scroll."
        if name != "unpack" or reason:
            return reason
        if not self._is_listed:
            return "The archive is not listed, so it cannot be extracted."
        return "The archive has no files to extract." if all(entry.is_folder for entry in self._entries) else None

    @on(VirtualList.Chosen)
    def _choose(self) -> None:
        row, opened = self.rows.cursor_row, self._opened
        if opened is None:
            if row < len(self._listed):
                self._entry_row = row
                run_in_background(self, partial(self._read_entry, self._listed[row]), group="reading", exclusive=True)
        elif opened.tree is not None:
            self._show_opened(opened, opened.tree.toggle_fold(row))
        elif opened.table is not None and self.rows.row_count:
            self._show_opened(opened._replace(record_row=row + 1), 0)

    def _scroll_columns(self, columns: int) -> None:
        """Show a table from another column on."""
        opened = self._opened
        if opened is not None and opened.table is not None:
            first = opened.first_column + columns
            if 0 <= first < columns_of(opened.table):
                self._show_opened(opened._replace(first_column=first), self.rows.cursor_row)
                self.status.remove_sentence(NO_MORE_COLUMNS)
            else:
                self.show_notice(NO_MORE_COLUMNS)

    def _back(self) -> None:
        opened = self._opened
        if opened is None:
            if not self._filter.clear():
                self.dismiss(None)
        elif self._finder.clear():
            pass
        elif opened.record_row is not None:
            self._show_opened(opened._replace(record_row=None), opened.record_row - 1)
        else:
            self._show_remarks()
            self._show_opened(None, self._entry_row)

    async def _show_folder(self) -> None:
        folder = str(self._path.parent)
        self.show_status(f"{self._mask(folder)}  {await self.copied(folder)}")

    async def _list(self) -> None:
        try:
            if await asyncio.to_thread(saved_path, self._download) is None:
                raise BadArchive("The file is gone or changed")
            self._entries, self._totals = await asyncio.to_thread(_list_entries, self._path)
        except BadArchive as error:
            await self._show_error(error)
        else:
            self._show_remarks()
        self._show_fitting()

    def _show_remarks(self) -> None:
        self.show_status(self._mask(" ".join(self._download.remarks)), "warn")

    async def _show_error(self, error: BadArchive) -> None:
        is_gone = await asyncio.to_thread(saved_path, self._download) is None
        now = self.session.reader.current(self._archive_task.number)
        can_repeat = now is not None and cannot_download(now) is None
        key = self.session.offered_key("download") if can_repeat else ""
        again = f" Press {key} on the task to download it again." if key else ""
        if now is not None and now.is_purged:
            again = " Its task was purged."
        elif now is not None and now.download is not None and now.download.id != self._download.id:
            again = " It was asked for again since."
        gone = f"{self._path.name} is gone or changed.{again}"
        self.show_status(self._mask(gone if is_gone else str(error)), "bad")

    async def _read_entry(self, entry: Entry) -> None:
        try:
            content = await asyncio.to_thread(_preview, self._path, entry)
        except BadArchive as error:
            await self._show_error(error)
            return
        tree = TreeRows(content, locale_glyphs(), self._mask) if isinstance(content, Tree) else None
        key = self.session.offered_key("unpack")
        more = f"Preview truncated.{f' Press {key} to extract the archive.' if key else ''}"
        self.show_status(more if content.is_cut else "", "muted")
        self._show_opened(_OpenEntry(entry, content, tree), 0)

    async def _page(self) -> None:
        """Show the open entry, as far as it is previewed, in the operator's pager."""
        from bwp_tui.console.controllers.external_programs import page_text  # rarely used

        if self._opened is not None:
            await page_text(self, "\n".join(whole_lines(self._opened.preview, self._mask)))

    async def _unpack(self) -> None:
        if not await self.prompt.ask_yes_no(f"Extract {self._totals} into a new folder beside the archive?"):
            return
        session = self.session
        try:
            folder = await asyncio.to_thread(_extract, self._path)
        except BadArchive as error:
            await self._show_error(error)
            return
        except CannotUnpack as error:
            self.show_status(self._mask(str(error)), "bad")
            return
        shown = self._mask(str(folder))
        try:
            await asyncio.to_thread(
                work_records.record_unpacked,
                *(session.write_guard.store, self._archive_task.number, folder, session.actor),
            )
        except StoreError as error:
            self.show_status(f"Extracted, but not recorded: {error}  {shown}", "bad")
        else:
            self.show_status(f"Extracted to {shown}  {await self.copied(str(folder))}", "good")

    def _show_fitting(self) -> None:
        """List the entries whose names have the words of the filter; the cursor stays on its entry."""
        current = self._listed[self.rows.cursor_row :][:1]
        self._listed = [entry for entry in self._entries if self._filter.fits(self._mask(entry.name))]
        self._show_opened(None, next((row for row, entry in enumerate(self._listed) if entry in current), 0))

    def _show(self) -> None:
        self._show_opened(self._opened, self.rows.cursor_row)

    def _show_opened(self, opened: _OpenEntry | None, cursor: int) -> None:
        """Show an entry, or for None the list, at the present width."""
        self._opened = opened
        self.update_footer()
        if opened is None:
            self._show_list(cursor)
        else:
            self._show_entry(opened, cursor)

    def _show_list(self, cursor: int) -> None:
        listed = self._listed
        rows = EntryRows(listed, self.rows.text_width, self._mask)
        number = f"#{self._archive_task.number}"
        title = f"{self._filter.title(len(listed))}{self._totals} · {number}" if self._is_listed else number
        self.query_one(Heading).set_text(
            heading(self._archive_task, self._display_context, ("archive", "strong")), title, number
        )
        if self._is_listed and not self._entries:
            self._show_lines(["The archive is empty."], "", 0)
            return
        self.rows.show(rows.header, len(listed), rows.line, cursor=cursor)

    def _show_entry(self, opened: _OpenEntry, cursor: int) -> None:
        entry, content, tree = opened.entry, opened.preview, opened.tree
        self.query_one(Heading).set_text(
            [(self._mask(entry.name), "strong"), (f" · {preview_title(content)}{_position(opened)}", "muted")],
            format_size(entry.size),
        )
        match content:
            case Tree() if tree:
                self.rows.show((), len(tree), tree.line, cursor=cursor)
            case Table() if opened.record_row is not None:
                self._show_lines(record_lines(content, opened.record_row, self.rows.text_width, self._mask), "", cursor)
            case Table():
                titles, *lines = table_lines(content, self.rows.text_width, self._mask, opened.first_column)
                self._show_lines(lines, titles, cursor)
            case Text():
                self._show_lines(text_lines(content, self.rows.text_width, self._mask), "", cursor)
        self._finder.update()

    # What `TextFinder` searches: all columns of a table, and what is folded too

    def matches(self, pattern: re.Pattern[str]) -> Sequence[Place]:
        opened, rows = self._opened, self.rows
        if opened is not None and opened.tree is not None:
            self._unfold(opened.tree, pattern)
        elif opened is not None and opened.table is not None:
            return [
                (row, column)
                for row, cells in enumerate(opened.table.rows[1:])
                for column, cell in enumerate(cells)
                if pattern.search(self._mask(cell))
            ]
        return [(row, 0) for row in range(rows.row_count) if pattern.search(rows.text_of(row))]

    def place(self, current: Place | None) -> Place:
        row = self.rows.cursor_row
        return current if current is not None and current[0] == row else (row, 0)

    def go_to(self, place: Place) -> None:
        (row, column), opened, rows = place, self._opened, self.rows
        rows.go_to(row)
        if opened is not None and opened.table is not None:
            cell = self._mask(opened.table.rows[row + 1][column])[: rows.text_width]
            if cell not in rows.text_of(row)[: rows.text_width]:
                self._show_opened(opened._replace(first_column=column), row)

    def underline(self, pattern: re.Pattern[str] | None, current: Place | None) -> None:  # noqa: ARG002  it is the cursor
        if pattern is None and self._opened is not None and self._opened.tree is not None:
            self._unfold(self._opened.tree, None)
        self.rows.underline(pattern)

    def _unfold(self, tree: TreeRows, pattern: re.Pattern[str] | None) -> None:
        """Unfold what has matches inside; without a pattern all is folded as before."""
        cursor = tree.unfold_matches(pattern, self.rows.cursor_row)
        self.rows.show((), len(tree), tree.line, cursor=cursor)

    async def _find(self) -> None:
        await (self._filter.ask() if self._opened is None else self._finder.ask())

    def _step(self, matches: int) -> None:
        if self._opened is not None:
            self._finder.step(matches)

    def _show_keys(self) -> None:
        hint = self.keymap.hint
        first: Sequence[StyledText] = (hint("find", "filter"),)
        match self._opened:
            case None:
                opens = (hint("open", "choose"),) if self._listed else ()
                filters = (hint("filter", "filter"),) if self._entries else ()
                first = (*opens, *filters, hint("folder", "folder"))
            case _OpenEntry(tree=TreeRows()):
                first = (hint("fold", "choose"), *first)
            case _OpenEntry(preview=Table(), record_row=None):
                first = (hint("whole row", "choose"), *first, hint("columns", "left", "right"))
        unpack = () if self.disabled_reason("unpack") else (hint("extract", "unpack"),)
        keys = self._finder.with_keys(*first, *unpack, hint("help", "help"))
        self.query_one(FooterLine).show_keys(*keys)

    def _show_lines(self, lines: Sequence[str], titles: str, cursor: int) -> None:
        self.rows.show([(titles, "accent")], len(lines), lambda row: [(lines[row], "plain")], cursor=cursor)

    def _mask(self, text: str) -> str:
        return mask(text, self._archive_task, self._display_context)


def _position(opened: _OpenEntry) -> str:
    """Return which part of a table is shown."""
    if not isinstance(opened.preview, Table):
        return ""
    if opened.record_row is not None:
        return f", row {opened.record_row}"
    return f", from column {opened.first_column + 1} of {columns_of(opened.preview)}" if opened.first_column else ""


def _list_entries(path: Path) -> tuple[Sequence[Entry], str]:
    """Return the entries, and in words how many files there are and how large they are."""
    with Archive(path) as archive:
        files = sum(not entry.is_folder for entry in archive.entries)
        return archive.entries, f"{counted(files, 'file')}, {format_size(archive.inflated_bytes)}"


def _preview(path: Path, entry: Entry) -> Preview:
    with Archive(path) as archive:
        if entry not in archive.entries:
            raise BadArchive("The archive has changed since it was listed; go back and open it again")
        return preview(archive, entry)


def _extract(path: Path) -> Path:
    with Archive(path) as archive:
        return unpack(archive, path)
