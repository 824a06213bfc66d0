"""What an operator can do to tasks: each action once, with its keys, questions, command and plan.

The transactions that carry the actions out are in `store.commands`.
"""
