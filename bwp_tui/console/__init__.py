"""The console: the Textual app of the operators. It reads and writes the history; only the engine calls the service."""
