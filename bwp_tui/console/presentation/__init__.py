"""Make the text that screens show, cell by cell and line by line, out of values that others have read.

It may import Rich, Textual's styles and strips, the domain, the archive's and the contract's values, the profile with
its theme names, colours and sizes, types and constants of the store's queries and worklog with what labels and orders
them, and of `console.store_access` the type `TaskDetails`; no widget, binding, state of a screen, terminal, action,
command, engine or API.

- `styled_text`, `format`: text with roles; pieces that several modules share
- `themes`, `glyphs`, `breakpoints`: colours, signs, sizes at which the layout changes
- `task_row_cells`, `task_row_layout`: the table of tasks: its columns, and their places
- `task_detail`, `task_pages`: a task: the details, and the pages of its own screen
- `download_rows`, `download_detail`: the downloads, and one of them
- `archive_preview`: the archive browser
- `dashboard`: the dashboard
- `intent_log`: the log of submissions and cancellations
"""
