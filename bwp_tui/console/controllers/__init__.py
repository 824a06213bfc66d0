"""Carry out the actions of the main screen: ask, record, show the result. They reach the screen by `protocols`.

- `record_controller`, `service_controller`: carry out operations, by the kind of their effect
- `marked_tasks`: marks, and the plan of an action on the marked tasks
- `prompts`: ask for the arguments of an operation
- `undo`: undo the last step
- `filter_prompt`, `list_layout`, `saved_views`: change what the table lists
- `jump`: put the cursor on a task
- `find`: find a text in a page or a list
- `copyable_texts`: copy to the clipboard
- `custom_commands`, `external_programs`: the operator's own commands; editor and pager
"""
