"""Make the text that screens show, cell by cell and line by line, out of values that others have read.

It may import Rich, Textual's styles and strips, the domain, the archive's and the contract's values, the profile with
its theme names, colours and sizes, types and constants of the store's queries and worklog with what labels and orders
them, and of `console.store_access` the type `TaskDetails`; no widget, binding, state of a screen, terminal, action,
command, engine or API.
"""
