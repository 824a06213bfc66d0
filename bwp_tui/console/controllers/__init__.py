"""Carry out the actions of the main screen: ask, record, show the result. They reach the screen by `protocols`."""
