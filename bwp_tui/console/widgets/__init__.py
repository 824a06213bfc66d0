"""The widgets, which show what `presentation` makes; each has its styles in `styles/`.

- `task_table`, `table_updater`: the table of tasks; give it the rows of snapshots
- `virtual_rows`, `virtual_list`: the base of all lists; a list of styled text
- `download_list`, `download_detail`: the downloads, and one of them
- `figure_list`: the figures of the dashboard
- `detail_pane`: the details of a task
- `bars`: header, views, active downloads, status, footer
- `prompt`, `command_list`: ask on one line; the commands that fit
- `request_form`, `text_field`: the form for a request; a field
- `styled_line`: styled text in lines and paragraphs
"""
