"""What an operator can do to tasks: each action once, with its keys, questions, command and plan.

The transactions that carry the actions out are in `store.commands`.

- `operation`: what an action on tasks consists of: keys, arguments, checks, texts
- `service_operations`: download, send, approve, resubmit, cancel, refresh: what the engine carries out
- `record_operations`: note, tag, assign, watch; and all operations that are recorded in the history alone
- `legal_operations`: verify, acknowledge, inquire, reply, extend, answer, correct, and their withdrawals
- `decision_operations`: settle an unconfirmed request, decline, appeal
- `bulk_plan`: what an operation would do to many tasks
- `deadline_effects`: what a plan does to due dates
- `letters`: letters to shoppers
"""
