"""The console's screens: each puts widgets together and passes keys and snapshots on to them.

- `action_screen`: the base of all screens: keys are actions
- `main`, `main_panels`, `main_handlers`: the main screen, the panels around its table, what its actions do
- `front_screens`: the bases of the screens in front of the main one
- `task`, `letter`, `archive`: one task, its letters, its archive
- `downloads`, `intent_log`, `dashboard`: the downloads, what was submitted and cancelled, figures of all tasks
- `profiles`, `missing_credentials`: the shops; how to set credentials
- `command_output`: the output of a command line
- `messages`, `help`: what status lines have said; the keys
"""
