"""Submit and cancel requests, and poll tasks, each until the store has the outcome."""
