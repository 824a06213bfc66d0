"""The `:` command line."""
