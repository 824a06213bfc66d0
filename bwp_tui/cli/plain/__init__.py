"""`bwp-tui --plain`: the commands line by line, for screen readers."""
