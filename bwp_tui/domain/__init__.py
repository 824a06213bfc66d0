"""What a task is: kinds, statuses, deadlines, the filter language, cleaning of foreign text. No I/O but clocks."""
