"""The open downloads, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bwp_tui.console.presentation.download_rows import DownloadRowBuilder
from bwp_tui.console.presentation.format import DisplayContext
from bwp_tui.console.presentation.glyphs import locale_glyphs
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.widgets.styled_line import StyledLine
from bwp_tui.domain.task import Download, Task

MAX_SHOWN: Final = 4


class ActiveDownloads(StyledLine):
    """Progress of each open download; no line when there is none."""

    def update(self, downloads: Sequence[tuple[Download, Task]], context: DisplayContext) -> None:
        ids, width = {download.id for download, _ in downloads}, self.app.size.width - 2
        builder = DownloadRowBuilder(downloads[:MAX_SHOWN], width, context, ids, locale_glyphs().fetch)
        texts: list[StyledText] = []
        for row in builder.active():
            texts += [("\n " if texts else " ", "plain"), *row.texts]
        if len(downloads) > MAX_SHOWN:
            texts += [(f"\n   and {len(downloads) - MAX_SHOWN} more: ", "muted"), (context.key("downloads"), "key")]
        self.display = bool(downloads)
        self.show(*texts)
