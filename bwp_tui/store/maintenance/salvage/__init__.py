"""The rows of a damaged history, read from its pages without SQLite."""
