"""The practice API's events: subscriptions, and the SQS queue that the events of ended tasks come to."""
