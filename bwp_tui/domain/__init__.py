"""What a task is: values and rules, without I/O but clocks.

- `task`, `downloads`, `statuses`: tasks and requests; downloads; statuses and states
- `deadlines`, `regulations`: the dates that a regulation sets, and the regulations
- `times`: instants and days
- `advice`: what to do about a status or an error
- `filter`, `filter_fields`: the filter language
- `views`: views of the list of tasks
- `letters`: letters to shoppers
- `text`, `masking`: foreign text made safe, emails masked, secrets redacted
- `csv_table`: tables of requests, answers and tasks
- `cli_commands`: the commands of `bwp-tui`, and the words that find them
- `urls`: identify a shop; check URLs that get secrets

What says no, in all packages:

- Functions `cannot_…` and attributes `…_reason` return the reason why an action is not possible, or None.
- Functions `…_mistake` return what is wrong with a value that was typed, or None.
- Functions `…_warning` return what is unlikely of a value that is possible, or None.
- Functions `check_…` raise an error. So does `refuse`, with a reason. The checks of `doctor` return findings.
"""
