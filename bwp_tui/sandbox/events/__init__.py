"""The practice API's events: subscriptions, and the SQS queue that the events of ended tasks come to.

- `subscriptions`, `subscription_fields`: the subscriptions, and their GraphQL fields
- `delivery`: send the events of ended tasks to the queue
- `message_queue`: a queue with the rules of SQS
- `sqs_server`, `signature`: serve it over HTTP; check who calls
"""
