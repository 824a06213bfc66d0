"""The main screen: the list of tasks with its details, prompts and form."""
