"""Commands that set the program up and check it: configuration, events, diagnosis."""
