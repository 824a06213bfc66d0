"""The history: one SQLite file a profile.

`open_store.open_store` opens it to read and write, `Store.open_another` for another thread. `database.open` opens other
files of histories, such as backups.

- `database`: the SQLite file: connection, lock, schema, digests
- `migrations`: the schema, a file a version
- `queries`: read
- `worklog`: what the engine reads and records
- `commands`: what operators change
- `maintenance`: backups, checks, recovery, restore, purge
- `open_store`: open the history
- `errors`: errors of the store
"""
