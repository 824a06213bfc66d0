"""Backups, integrity checks, recovery, restore and purge of a history.

A recovery and a restore write a new file: `recover` or `restore` > `rebuild` > `merge` > `merged_rows` > `replay`.

- `backups`: write and list backups
- `purge`: remove personal data of finished tasks
- `integrity`: check a file for damage
- `chain_check`: compare timelines and rows with their digests; note what has changed
- `recover`: write what can be read of a damaged history to a new one
- `recovery_report`: report what a recovery kept, repaired and lost
- `salvage`: read rows from the pages of a damaged file without SQLite
- `restore`: put a backup in the place of the history
- `lost_tasks`: add the tasks of which no row is left, from timelines and indexes
- `rebuild`: make a history of the rows of others, and restore its invariants
- `merging`: make one history of two
- `task_rows`: read and write rows of tasks; append to their timelines what was repaired
- `replay`: set columns of a row to what the timeline says; correct damaged values
- `intent_repair`: make sure that no intent is sent twice, to another task, or never
- `atomic_swap`: put the new file in place of the old one, which is set aside
"""
