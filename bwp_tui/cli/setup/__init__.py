"""Commands that set the program up and check it: configuration, events, diagnosis.

- `config`: show and check the settings
- `login`, `secret_places`: set up a profile; places for its secret
- `doctor`, `terminal_check`, `finding`: check all that answering requests needs; the result of one check
- `bundle`: collect what a report of a fault needs
- `events`, `event_setup`, `event_status`, `event_checks`: the service's events and their queue
- `completion`: completion in a shell
- `systemd_unit`: a unit that runs the engine
- `manual`, `build_hook`: the manual page, and its place in the wheel
"""
