"""State of the screens without widgets, and its file between two starts."""
