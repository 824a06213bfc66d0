"""Copy texts of the task under the cursor, or of the marked ones, a line each."""

from __future__ import annotations

from bwp_tui.console.bindings.actions import CopiedText
from bwp_tui.console.controllers.marked_tasks import MarkedTasks
from bwp_tui.console.protocols import MainScreenProtocol
from bwp_tui.console.terminal.clipboard import copy


async def copy_texts(screen: MainScreenProtocol, marked: MarkedTasks, copied: CopiedText) -> None:
    """Copy the texts of the marked tasks, newest first, or that of the task under the cursor."""
    numbers, current = marked.newest_first, screen.current_task
    tasks = screen.session.reader.window(numbers) if numbers else [current] if current else []
    texts = [
        text for task in sorted(tasks, key=lambda task: -task.number) if (text := copied.text_of(task)) is not None
    ]
    if numbers:
        missing = f" ({len(numbers) - len(texts)} have none yet)" if len(texts) < len(numbers) else ""
        what = f"{len(texts)} {copied.noun}s{missing}"
    elif texts:
        what = f"{copied.noun[0].upper()}{copied.noun[1:]} {texts[0]}"
    else:
        return
    by = await copy("\n".join(texts), screen.app.copy_to_clipboard, screen.session.profile.folder)
    screen.show_status(f"{what}: {by}.")
