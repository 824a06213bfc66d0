"""What the engine reads and records: the work that is ready, and its outcomes.

- `insert_request`: add a request with its intent and client token
- `intents`, `intent_outcomes`: submissions and cancellations to send, and what became of them
- `ready_polls`, `poll_responses`: tasks to poll, and what the service said of them
- `downloads`: downloads to run, their progress and outcomes
- `service_events`: events received from the service
- `join_duplicate`: join two rows of one task
- `answers_at_completion`: answers that a shop counts as given at completion
- `hooks`: occasions on which to run the operator's programs
- `engine_state`: the engine's process, its abilities, the health of the service
"""
