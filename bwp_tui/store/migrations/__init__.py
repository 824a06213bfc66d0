"""Numbered SQL, one file a version of the schema; `user_version` says which have run."""
