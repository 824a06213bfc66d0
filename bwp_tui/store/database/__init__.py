"""The SQLite file: connection, lock, schema, migrations, change detection."""
