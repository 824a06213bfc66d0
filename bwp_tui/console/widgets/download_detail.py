"""The details of a download: file, hash, requester, timeline."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from bwp_tui.console.presentation.breakpoints import DOWNLOAD_LOW, DOWNLOAD_WIDE, TALL
from bwp_tui.console.presentation.download_detail import events_of, fact_lines, timeline_paragraph
from bwp_tui.console.presentation.format import DisplayContext, email_text
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.presentation.task_detail import task_names, timeline_lines
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs
from bwp_tui.domain.downloads import Download
from bwp_tui.domain.task import Task, TimelineEvent


class DownloadDetail(Vertical):
    """The details of the download under the cursor."""

    def compose(self) -> ComposeResult:
        yield Heading(id="download-heading")
        with Horizontal(id="download-columns"):
            yield Paragraphs(id="download-facts")
            yield Paragraphs(id="download-timeline")

    def set_download(
        self, download: Download, task: Task, events: Sequence[TimelineEvent], context: DisplayContext
    ) -> None:
        """Show a download, of whose task `events` is the timeline."""
        self.query_one(Heading).set_text(
            [(f"{task.kind.lower()} for ", "muted"), (email_text(task, context), "strong")],
            *task_names(task),
        )
        size, events = self.app.size, events_of(download, events)
        is_beside = size.width >= DOWNLOAD_WIDE and size.height >= TALL
        self.set_class(is_beside, "-beside")
        self.set_class(size.height >= TALL, "-tall")
        self.set_class(size.height < DOWNLOAD_LOW, "-low")
        lines: list[Sequence[StyledText]] = list(fact_lines(download, task, context))
        if size.height < DOWNLOAD_LOW:
            # The hash first: keys of their own show name and folder.
            lines.sort(key=lambda line: not line[0][0].startswith("sha256"))
        elif not is_beside:
            lines.append(timeline_paragraph(task, events, context))
        self._paragraphs("download-facts").set_lines(lines)
        self._paragraphs("download-timeline").set_lines(timeline_lines(task, events, context) if is_beside else [])

    def _paragraphs(self, id: str) -> Paragraphs:
        return self.query_one(f"#{id}", Paragraphs)
