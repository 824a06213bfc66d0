"""The actions and commands of the console, with their keys and descriptions."""
