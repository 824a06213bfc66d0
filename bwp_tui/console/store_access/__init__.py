"""Give the console access to the store: reading snapshots, carrying out actions, noticing ended tasks. No widgets.

- `snapshot_feed`: what the main screen shows, read after each change
- `history_reader`: what the other screens show
- `task_commands`: record actions, and keep what can be undone
- `write_guard`: refuse changes of a read-only profile
- `watch_notifier`: find what an operator is notified of
- `command_process`: run a command line in a process
- `shop_list`: the shops of the config file
"""
