"""Reading the history: rows to domain values."""
