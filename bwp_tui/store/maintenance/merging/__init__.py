"""Make one history of two: of this one (`main`) and of another, attached as `other`.

- `merge`: merge the other history into this one
- `matching`: find the tasks of both that are the same, and requests that both sent or imported
- `merged_rows`: make one row of the two that a task has in both
- `disputes`: choose what counts where people recorded different things
- `task_copies`: take values from both rows of a task where these say more than the timelines
- `contradicted_values`: do not take what the digests of the other history contradict
- `merged_intents`: take the intents of the other history
- `task_ids`: keep each task id in one row
"""
