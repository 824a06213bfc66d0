"""The practice API: tokens, GraphQL, pre-signed links and faults over real HTTP on loopback.

- `server`, `http_connection`: the server on loopback; HTTP on one connection
- `service`: route requests to the endpoints
- `tokens`, `graphql`, `archive_server`, `events`: the endpoints: tokens, GraphQL, archives, event queue
- `sandbox_state`: the tasks, client tokens and calls
- `task_outcomes`: what becomes of a task
- `refusals`: the service's GraphQL errors
- `links`, `archives`: signed links; the archives behind them
- `faults`: faults that can be injected
- `seed_history`, `scenarios`: tasks of the past, and what happened to them
"""
