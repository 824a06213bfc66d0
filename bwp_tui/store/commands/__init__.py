"""Change the history for an operator: one transaction each, and the reasons why it is not possible (`cannot_…`)."""
