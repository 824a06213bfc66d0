"""The console: the Textual program operators work in. It reads the history and records intents, nothing else."""
