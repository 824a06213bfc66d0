"""The console: the Textual app of the operators. It reads the history and records intents, nothing else."""
