"""What is written to the terminal: of what Textual paints, the cells that changed."""
