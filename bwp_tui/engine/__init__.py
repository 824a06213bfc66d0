"""Does what the history says is ready: submits, cancels, polls, downloads. One engine a profile, held by a lease."""
