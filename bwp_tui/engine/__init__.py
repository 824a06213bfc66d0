"""Does what the history says is ready: submits, cancels, polls, downloads. One engine a profile, held by a lease.

- `worker`: the interface of the workers
- `daemon_thread`: blocking calls in a thread
- `resilience`: when calls may be made
- `requests`, `downloads`, `events`: the workers: submitting and polling, downloading, receiving events
- `runtime`: run them: thread, lease, credentials
"""
