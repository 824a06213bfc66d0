"""Commands of operators: one transaction each."""
