"""Record what the engine does: intents, poll responses, downloads, events received, its own state."""
