"""Running the engine: thread, lease, credentials, wake-ups."""
