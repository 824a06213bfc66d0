"""Change the history for an operator: one transaction each, and the reasons why it is not possible.

- `requests`: record, send, cancel, resubmit and track requests; ask for downloads and polls
- `request_validation`: refuse requests that the service would refuse
- `csv_import`, `answer_import`: record requests or answers from a CSV file
- `decisions`: approve, settle, decline, and hear an appeal
- `legal_records`: verification, acknowledgement, inquiry, reply, extension, corrected receipt or regulation
- `answers`: answers to shoppers; withdraw a legal record
- `work_records`: notes, tags, assignees, letters, unpacked and packed results
- `undo`: undo a change of records
- `bulk`: apply one of these changes to many tasks
- `download_queue`: pause, resume, cancel, retry, move downloads
- `saved_views`: save and delete views
- `seed_sandbox`: fill an empty history for practice
"""
