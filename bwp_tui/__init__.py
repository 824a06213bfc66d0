"""A terminal console for privacy requests with Amazon's Buy with Prime API.

Its packages; each imports only those above it:

- `file_access`: files and folders that one user or a team can use
- `domain`: what a task is: values and rules
- `archive`: look into downloaded archives
- `contract`: the service's API as Amazon documents it
- `settings`: the config file, the environment and the secret
- `crashlog`: reports of faults
- `api`: HTTP calls of the service, and transfers
- `store`: the history, one SQLite file a profile
- `actions`: what an operator can do to tasks
- `engine`: submits, cancels, polls and downloads
- `console`: the Textual app
- `sandbox`: the practice API
- `cli`: the command line
- `__main__`: the entry point
"""

from typing import Final

VERSION: Final = "0.2.0"
