"""The console: the Textual app of the operators. It reads and writes the history; only the engine calls the service.

Its packages and modules; each imports only those above it:

- `terminal`: the terminal below Textual
- `store_access`: the console's access to the store
- `bindings`: keys, actions and the commands of the prompt
- `state`: what a screen remembers
- `presentation`: the text that screens show
- `session`: the parts that all screens share
- `background`: work that waits for the operator or the disk
- `widgets`: show what `presentation` makes
- `protocols`: the screens, for controllers and handlers
- `controllers`: carry out the actions of the main screen
- `command_bar`: the prompt for commands
- `screens`: put widgets together, and pass keys on
- `app`, `run`: the app; run it
"""
