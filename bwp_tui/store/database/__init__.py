"""The SQLite file.

- `open`: connect to it, for writing or for reading
- `connection`: read, and write in transactions that each raise the revision
- `error_translation`: make errors of SQLite and of the system errors of the store
- `shared_sql`: conditions and updates that several modules use
- `file_lock`: keep others out during a recovery
- `change_monitor`: notice commits of other processes
- `schema_check`: tell another program's file, a newer schema and a damaged one apart
- `migrate`: bring an older file to this program's schema
- `shop_binding`: refuse the settings of another shop
- `digest_chain`: chain the events of a task by digests
- `high_water_mark`: notice that an older copy was put in the file's place
- `damage_flag`: have the next process check the file
- `future_times`: correct times after the clock was set back
- `copy`: copy the file while others write to it
"""
