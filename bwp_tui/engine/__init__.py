"""Does what the history says is due: submits, cancels, polls, downloads. One engine a profile, held by a lease."""
