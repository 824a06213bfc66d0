"""The GraphQL documents this program sends, and the schema they are checked against."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from bwp_tui.domain.task import Kind

START_RETRIEVAL: Final = """\
mutation StartRetrieval($input: StartPersonalDataRetrievalTaskInput!) {
  startPersonalDataRetrievalTask(input: $input) { taskId }
}"""

START_DELETION: Final = """\
mutation StartDeletion($input: StartPersonalDataDeletionTaskInput!) {
  startPersonalDataDeletionTask(input: $input) { taskId }
}"""

CANCEL_DELETION: Final = """\
mutation CancelDeletion($taskId: String!) {
  cancelPersonalDataDeletionTask(taskId: $taskId) { taskId }
}"""

RETRIEVAL_LINK: Final = """\
query RetrievalLink($taskId: String!) {
  personalDataRetrievalTask(taskId: $taskId) { taskId status dataRetrievalLink }
}"""
"""Makes a link that lives for 60 seconds: to be sent only when a download begins at once."""

CREATE_SUBSCRIPTION: Final = """\
mutation CreateSubscription($input: CreateEventSubscriptionInput!) {
  createEventSubscription(input: $input) { subscriptionId }
}"""

DELETE_SUBSCRIPTION: Final = """\
mutation DeleteSubscription($id: String!) {
  deleteEventSubscription(subscriptionId: $id) { subscriptionId }
}"""

SUBSCRIPTION: Final = """\
query Subscription($id: String!) {
  eventSubscription(subscriptionId: $id) {
    subscriptionId
    eventSubscriptionDetails { eventType destination { ... on EventBridgeData { arn } } }
  }
}"""

SUBSCRIPTIONS: Final = """\
query Subscriptions($first: Int, $after: String) {
  eventSubscriptions(first: $first, after: $after) {
    edges { node { id } }
    pageInfo { endCursor hasNextPage hasPreviousPage }
  }
}"""

CLOCK: Final = "query Clock { __typename }"
"""Asks for nothing: any response to it, a refusal too, has a `Date`."""

START_DOCUMENTS: Final = {Kind.RETRIEVAL: START_RETRIEVAL, Kind.DELETION: START_DELETION}
START_FIELDS: Final = {
    Kind.RETRIEVAL: "startPersonalDataRetrievalTask",
    Kind.DELETION: "startPersonalDataDeletionTask",
}
CANCEL_FIELD: Final = "cancelPersonalDataDeletionTask"
LINK_FIELD: Final = "personalDataRetrievalTask"
CREATE_SUBSCRIPTION_FIELD: Final = "createEventSubscription"
DELETE_SUBSCRIPTION_FIELD: Final = "deleteEventSubscription"
SUBSCRIPTION_FIELD: Final = "eventSubscription"
SUBSCRIPTIONS_FIELD: Final = "eventSubscriptions"

POLL_FIELDS: Final = {
    Kind.RETRIEVAL: "personalDataRetrievalTask",
    Kind.DELETION: "personalDataDeletionTask",
}
# `dataRetrievalLink` is left out on purpose: each query for it makes a link, and a poll would waste it.
_POLL_SELECTIONS: Final = {
    Kind.RETRIEVAL: "taskId status submissionDate lastUpdatedDate dataSubject { type email } errors { code message }",
    Kind.DELETION: (
        "taskId status submissionDate lastUpdatedDate dataSubject { type email } holdingPeriod errors { code message }"
    ),
}


def poll_document(tasks: Sequence[tuple[Kind, str]]) -> tuple[str, dict[str, str]]:
    """Return one document that queries every task, and its variables.

    The n-th task is returned under the alias `t<n>`, which is also the name of the variable that holds its task id.

    Raises:
        ValueError: `tasks` is empty; GraphQL has no empty selection.
    """
    if not tasks:
        raise ValueError("A poll needs at least one task.")
    variables = {f"t{place}": task_id for place, (_, task_id) in enumerate(tasks)}
    parameters = ", ".join(f"${alias}: String!" for alias in variables)
    fields = "\n".join(
        f"  {alias}: {POLL_FIELDS[kind]}(taskId: ${alias}) {{ {_POLL_SELECTIONS[kind]} }}"
        for alias, (kind, _) in zip(variables, tasks, strict=True)
    )
    return f"query Poll({parameters}) {{\n{fields}\n}}", variables


def schema_text() -> str:
    """Return the part of the service's schema that this program uses, in SDL."""
    return files("bwp_tui.contract").joinpath("schema.graphql").read_text(encoding="utf-8")
