"""The command line: the console's actions as commands, and plain mode."""
