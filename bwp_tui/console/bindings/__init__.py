"""Bind keys: each action of each screen with its keys, and the commands of the command bar.

The keys of actions on tasks are declared with them, in `bwp_tui.actions`.
"""
