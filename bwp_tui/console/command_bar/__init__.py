"""The prompt for commands: parse a line, complete it, and start the action or the change of the list that it names."""
