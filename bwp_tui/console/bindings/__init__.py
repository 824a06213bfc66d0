"""Actions, their keys and their descriptions."""
