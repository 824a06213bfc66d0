"""What a task is: kinds, statuses, deadlines, the filter language, cleaning of foreign text. Pure: no I/O."""
