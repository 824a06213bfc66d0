"""Read the history: rows to domain values. `timeline` also appends the events of others' transactions."""
