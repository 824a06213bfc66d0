"""The prompt for commands."""
