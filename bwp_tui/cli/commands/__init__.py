"""One module a command group, named as the command."""
