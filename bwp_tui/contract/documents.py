"""The GraphQL documents this program sends, and the schema they are checked against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Final, NamedTuple

from bwp_tui.domain.task import Kind


class GraphQLOperation(NamedTuple):
    """An operation of the service: its document, and the one field that it selects."""

    document: str
    field: str


def _operation(document: str) -> GraphQLOperation:
    return GraphQLOperation(document, document.partition("{")[2].partition("(")[0].strip())


START: Final = {
    kind: _operation(f"""\
mutation Start{kind.capitalize()}($input: StartPersonalData{kind.capitalize()}TaskInput!) {{
  startPersonalData{kind.capitalize()}Task(input: $input) {{ taskId }}
}}""")
    for kind in Kind
}
CANCEL_DELETION: Final = _operation("""\
mutation CancelDeletion($taskId: String!) {
  cancelPersonalDataDeletionTask(taskId: $taskId) { taskId }
}""")
RETRIEVAL_LINK: Final = _operation("""\
query RetrievalLink($taskId: String!) {
  personalDataRetrievalTask(taskId: $taskId) { taskId status dataRetrievalLink }
}""")
"""Makes a link that lives for `LINK_LIFETIME`: to be sent only when a download begins at once."""

LINK_LIFETIME: Final = timedelta(seconds=60)
"""How long a download may begin after the query that made its link."""

CREATE_SUBSCRIPTION: Final = _operation("""\
mutation CreateSubscription($input: CreateEventSubscriptionInput!) {
  createEventSubscription(input: $input) { subscriptionId }
}""")
DELETE_SUBSCRIPTION: Final = _operation("""\
mutation DeleteSubscription($id: String!) {
  deleteEventSubscription(subscriptionId: $id) { subscriptionId }
}""")
SUBSCRIPTION: Final = _operation("""\
query Subscription($id: String!) {
  eventSubscription(subscriptionId: $id) {
    subscriptionId
    eventSubscriptionDetails { eventType destination { ... on EventBridgeData { arn } } }
  }
}""")
SUBSCRIPTIONS: Final = _operation("""\
query Subscriptions($first: Int, $after: String) {
  eventSubscriptions(first: $first, after: $after) {
    edges { node { id } }
    pageInfo { endCursor hasNextPage hasPreviousPage }
  }
}""")

CLOCK: Final = "query Clock { __typename }"
"""Asks for nothing: any response to it, a refusal too, has a `Date`."""

POLL_FIELDS: Final = {kind: f"personalData{kind.capitalize()}Task" for kind in Kind}
# `dataRetrievalLink` is left out on purpose: each query for it makes a link, and a poll would waste it.
_POLL_SELECTIONS: Final = {
    Kind.RETRIEVAL: "taskId status submissionDate lastUpdatedDate dataSubject { type email } errors { code message }",
    Kind.DELETION: (
        "taskId status submissionDate lastUpdatedDate dataSubject { type email } holdingPeriod errors { code message }"
    ),
}


def poll_document(tasks: Sequence[tuple[Kind, str]]) -> tuple[str, dict[str, str]]:
    """Return one document that queries every task, at least one, and its variables.

    The n-th task is returned under the alias `t<n>`, which is also the name of the variable that holds its task id.
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
