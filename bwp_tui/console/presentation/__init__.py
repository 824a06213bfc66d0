"""Make the text that screens show, cell by cell and line by line, out of values that others have read.

It may import Rich, Textual's styles and strips, the domain, the archive's and the contract's values, the profile with
its theme names, colours and sizes, of the store's queries and worklog what they return and name, and of
`console.services` the type `TaskDetails`; no widget, binding, state of a screen, terminal, action, command, engine or
API.
"""
