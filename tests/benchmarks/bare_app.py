"""The peer: what Textual alone needs for a header, a footer and a table. `python -m tests.benchmarks.bare_app ROWS`."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, Footer, Header

COLUMNS = ("Kind", "Subject", "Status", "Submitted", "Age", "Due", "Note")
LAST = "the note"


class BareApp(App[None]):
    """A table of so many rows, without anything behind it."""

    BINDINGS = [Binding("q", "quit", "Quit"), Binding("n", "new", "New"), Binding("question_mark", "help", "Help")]

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        yield Header()
        yield DataTable[str](cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns(*COLUMNS)
        for row in range(self._rows):
            table.add_row("retrieval", f"jane{row}@example.com", "COMPLETED", "11-20 09:14", "1d", "in 12d", LAST)


if __name__ == "__main__":
    BareApp(int(sys.argv[1])).run()
