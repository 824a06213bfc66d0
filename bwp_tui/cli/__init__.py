"""The console's actions for scripts and for those who like to type: a file a group of commands."""
