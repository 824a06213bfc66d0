"""Running the engine: thread, lease, credentials, wake-ups.

- `engine_thread`: acquire the lease and run the engine, or follow another process
- `engine`: the engine: its workers, and when they run
- `engine_config`: the profile, the secret and the client of an engine
- `lease`: which process is the engine
- `headless`, `engine_log`: the engine without a screen, and what it logs
- `run_until`: the engine of a command that waits
- `exit_message`: what a console or plain mode leaves undone at its end
- `service_calls`: calls of commands outside of the engine
- `hook_runner`: run the operator's hooks
- `maintenance_thread`: check and back up the history
- `clock_rollback`: notice that the clock was set back
"""
