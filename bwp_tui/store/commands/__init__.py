"""What a person does to the history: each command one transaction."""
