"""What the engine records: intents, polls, downloads, its own state."""
