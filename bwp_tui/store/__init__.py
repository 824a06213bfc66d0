"""The history: one SQLite file a profile."""
