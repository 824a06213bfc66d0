"""Carry out the actions of the downloads screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from textual.app import App

from bwp_tui.console.presentation.format import result_sentence
from bwp_tui.console.presentation.task_detail import DisplayContext, mask, subject
from bwp_tui.console.screens.archive import ArchiveScreen
from bwp_tui.console.terminal.clipboard import copy
from bwp_tui.console.widgets.download_list import DownloadList
from bwp_tui.console.widgets.prompt import Prompt
from bwp_tui.console.workers import StatusReporter, Work, run_in_thread_and_report
from bwp_tui.domain.task import Download, Task
from bwp_tui.domain.text import format_size
from bwp_tui.store.commands import download_queue
from bwp_tui.store.commands.download_queue import QueueResult, cannot_cancel


class DownloadsScreenProtocol(StatusReporter, Protocol):
    """The downloads screen, for its handlers. `current_download` is the download under the cursor."""

    marks: frozenset[int]

    @property
    def app(self) -> App[object]: ...
    @property
    def rows(self) -> DownloadList: ...
    @property
    def prompt(self) -> Prompt: ...
    @property
    def current_download(self) -> tuple[Download, Task] | None: ...
    @property
    def listed(self) -> Sequence[tuple[Download, Task]]: ...
    @property
    def display_context(self) -> DisplayContext: ...

    def reload(self, current: int | None = None) -> None: ...
    def mark(self, ids: frozenset[int]) -> None: ...
    def start_worker(self, work: Work) -> None: ...
    def close(self) -> None: ...


class DownloadHandlers:
    """Carries out the actions of the downloads screen, on the marked downloads or on the one under the cursor.

    Attributes:
        by_name: what each action does.
    """

    def __init__(self, screen: DownloadsScreenProtocol) -> None:
        self._screen = screen
        self.by_name: dict[str, Callable[[], None]] = {
            "open": self._open_archive,
            "mark": self._mark,
            "mark_all": self._mark_all,
            "back": self._back,
            "downloads": screen.close,
            **{
                name: partial(screen.start_worker, work)
                for name, work in {
                    "folder": self._show_folder,
                    "copy": self._copy_hash,
                    "pause": self._toggle_pause,
                    "cancel": self._cancel,
                    "retry": lambda: self._apply("retry", self._chosen()),
                    "move_up": lambda: self._move(-1),
                    "move_down": lambda: self._move(1),
                    "move_first": lambda: self._move(-len(screen.listed)),
                }.items()
            },
        }

    def _chosen(self) -> list[Download]:
        """Return the marked downloads, or the one under the cursor, in the order of the screen."""
        screen = self._screen
        if screen.marks:
            return [download for download, _ in screen.listed if download.id in screen.marks]
        return [] if screen.current_download is None else [screen.current_download[0]]

    async def _toggle_pause(self) -> None:
        """Pause what can be paused; where nothing can, let go on what is paused. Each press counts, however fast."""
        screen, session, chosen = self._screen, self._screen.session, self._chosen()
        ids = [download.id for download in chosen]
        turned = await run_in_thread_and_report(
            screen, lambda: download_queue.toggle_pause(session.guard.store, ids, session.actor)
        )
        if turned is None:
            return
        action, results = turned
        if screen.marks and all(result.refused for result in results):
            screen.show_status("Of the marked downloads none can be paused or resumed.", "warn")
            return
        done = {result.id for result in results}
        self._report(action, [download for download in chosen if download.id in done], results)

    async def _cancel(self) -> None:
        possible = [download for download in self._chosen() if cannot_cancel(download) is None]
        if not possible:
            self._screen.show_status("Of the marked downloads none is left to cancel.", "warn")
            return
        kept = sum(download.bytes for download in possible)
        which = self._named(possible[0]) if len(possible) == 1 else f"{len(possible)} downloads"
        removed = f" and remove the {format_size(kept)} fetched so far" if kept else ""
        if await self._screen.prompt.ask_yes_no(f"Cancel {which}{removed}?", for_good=True):
            await self._apply("cancel", possible)

    async def _apply(self, action: str, downloads: Sequence[Download]) -> None:
        session, ids = self._screen.session, [download.id for download in downloads]
        command = download_queue.retry if action == "retry" else download_queue.cancel
        results = await run_in_thread_and_report(self._screen, lambda: command(session.guard.store, ids, session.actor))
        if results is not None:
            self._report(action, downloads, results)

    def _report(self, action: str, downloads: Sequence[Download], results: Sequence[QueueResult]) -> None:
        screen = self._screen
        refused = [result for result in results if result.refused]
        if screen.marks:
            screen.mark(frozenset(result.id for result in refused))
        screen.reload(results[0].resulting_id if len(results) == 1 else None)
        screen.show_status(self._result_sentence(action, downloads, results), "warn" if refused else "plain")

    def _result_sentence(self, action: str, downloads: Sequence[Download], results: Sequence[QueueResult]) -> str:
        reasons = [result.refused for result in results if result.refused]
        if len(results) == 1:
            result_text, _ = _DONE[action]
            return reasons[0] if reasons else f"{_begun(self._named(downloads[0]))} {result_text}."
        return result_sentence(f"{len(results) - len(reasons)} {_DONE[action][1]}.", reasons)

    async def _move(self, places: int) -> None:
        screen, session = self._screen, self._screen.session
        if screen.current_download is None:
            return
        moved = screen.current_download[0].id
        await run_in_thread_and_report(
            screen, lambda: download_queue.move(session.guard.store, moved, places, session.actor)
        )
        screen.reload(moved)

    def _mark(self) -> None:
        screen = self._screen
        if screen.current_download is not None:
            screen.mark(screen.marks ^ {screen.current_download[0].id})
            screen.rows.move(1)

    def _mark_all(self) -> None:
        markable = frozenset(download.id for download, _ in self._screen.listed if download.is_open)
        self._screen.mark(frozenset() if markable <= self._screen.marks else markable | self._screen.marks)

    def _open_archive(self) -> None:
        if self._screen.current_download is not None:
            download, task = self._screen.current_download
            self._screen.app.push_screen(ArchiveScreen(self._screen.session, task, Path(download.path or "")))

    async def _show_folder(self) -> None:
        if self._screen.current_download is not None:
            download, task = self._screen.current_download
            folder = str(Path(download.path or "").parent)
            self._screen.show_status(
                f"{mask(folder, task, self._screen.display_context)}  {await self._copied(folder)}"
            )

    async def _copy_hash(self) -> None:
        if self._screen.current_download is not None:
            sha256 = self._screen.current_download[0].sha256 or ""
            self._screen.show_status(f"sha256 {sha256}: {await self._copied(sha256)}.")

    async def _copied(self, text: str) -> str:
        screen = self._screen
        return await copy(text, screen.app.copy_to_clipboard, screen.session.profile.folder)

    def _back(self) -> None:
        if self._screen.marks:
            self._screen.mark(frozenset())
        else:
            self._screen.close()

    def _named(self, download: Download) -> str:
        task = next((task for found, task in self._screen.listed if found.id == download.id), None)
        subject_text = f" for {subject(task, self._screen.display_context)}" if task else ""
        return f"the download of #{download.task_number}{subject_text}"


def _begun(text: str) -> str:
    """Return `text` with a capital first letter; `capitalize` would alter the address in it."""
    return text[:1].upper() + text[1:]


_DONE: Final = {
    "pause": ("is paused; a partial file is kept", "paused"),
    "resume": ("is queued again", "resumed"),
    "cancel": ("is cancelled; a partial file is deleted", "cancelled"),
    "retry": ("is asked for again", "asked for again"),
}
"""What came of an action: to one download, and to some."""
