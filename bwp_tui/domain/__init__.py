"""What a task is: values and rules, without I/O but clocks.

- `task`, `statuses`: tasks, their downloads and requests; statuses and states
- `deadlines`, `regulations`: the dates that a regulation sets, and the regulations
- `times`: instants and days
- `advice`: what to do about a status or an error
- `filter`, `filter_fields`, `filter_completion`: the filter language
- `letters`: letters to shoppers
- `text`, `masking`: foreign text made safe, emails masked, secrets redacted
- `csv_table`: tables of requests, answers and tasks
- `cli_commands`: the commands of `bwp-tui`, and the words that find them
- `shop`, `urls`: identify a shop; check URLs that get secrets
"""
