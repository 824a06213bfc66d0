"""What several commands share: sessions, questions, waiting, output.

- `session`: open the profile and the history of a command; find the tasks that it names
- `bulk`: select tasks, confirm a plan, apply a change to each
- `filters`, `days`: read filters, orders and days
- `questions`: ask the operator
- `engine_wait`, `result_downloads`: wait for the engine; download results
- `streams`: stdin, stdout and stderr
- `task_output`, `table`: print tasks and tables
- `progress_line`, `engine_output`: lines on stderr
- `new_text_file`: write private text files
- `ssh_signature`: sign documents
- `systemd_notify`: tell the service manager that the engine works
"""
