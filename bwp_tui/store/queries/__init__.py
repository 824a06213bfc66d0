"""Read the history: rows to domain values. `timeline` also appends the events of others' transactions.

- `tasks`: one task, a window of them, counts
- `view_rows`: the task numbers of a view, and their changes
- `orders`, `keyset_page`: the order of a view, and the page around one task
- `filter_sql`, `text_index`: filters and searches in SQL
- `row_mapping`: rows to tasks and downloads
- `task_json`: tasks to JSON objects
- `timeline`: the events of a task
- `columns_from_events`: what the events of a task set its columns to
- `intent_log`: submissions and cancellations
- `service_events`: events received from the service
- `saved_results`: whether downloaded files are still on disk
- `dashboard`, `compliance_report`: figures over many tasks
- `counts_at_path`: counts of another shop's history
"""
