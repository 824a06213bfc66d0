"""Change the history for an operator: one transaction each. `bwp_tui.actions` declares when they are possible."""
