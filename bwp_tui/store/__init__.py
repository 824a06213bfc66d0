"""The history: one SQLite file a profile.

`open_store.open_store` opens it to read and write, `Store.open_another` for another thread. `database.open` opens other
files of histories, such as backups.
"""
