"""The four operations on event subscriptions, as Amazon documents them."""

from __future__ import annotations

from typing import Any

import pytest

from bwp_tui.contract.events import EVENT_TYPES
from bwp_tui.sandbox.server import Sandbox
from tests.sandbox.client import Client

CREATE = (
    "mutation Create($input: CreateEventSubscriptionInput!) "
    "{ createEventSubscription(input: $input) { subscriptionId } }"
)
DELETE = "mutation Delete($id: String!) { deleteEventSubscription(subscriptionId: $id) { subscriptionId } }"
ONE = (
    "query One($id: String!) { eventSubscription(subscriptionId: $id) { subscriptionId targetId "
    "eventSubscriptionDetails { eventType destination { ... on EventBridgeData { arn } } } } }"
)
PAGE = (
    "query Page($first: Int, $after: String) { eventSubscriptions(first: $first, after: $after) "
    "{ edges { cursor node { id } } pageInfo { endCursor hasNextPage hasPreviousPage } totalCount } }"
)


def create(client: Client, event_type: str, *, region: str = "us-east-1", name: str = "shop") -> dict[str, Any]:
    source = {"account": "123456789012", "name": name}
    bridge = {"region": region, "partnerEventSource": source}
    return client.call(CREATE, {"input": {"destination": {"eventBridge": bridge}, "eventType": event_type}})


def refusal(found: dict[str, Any]) -> dict[str, Any]:
    classification = found["errors"][0]["extensions"]["classification"]
    assert isinstance(classification, dict)
    return classification


def ids(client: Client, **variables: Any) -> list[str]:
    page = client.call(PAGE, variables)["data"]["eventSubscriptions"]
    return [edge["node"]["id"] for edge in page["edges"]]


def test_all_event_types_are_subscribed_to_from_the_start(client: Client) -> None:
    found = [client.call(ONE, {"id": each})["data"]["eventSubscription"] for each in ids(client)]
    details = [each["eventSubscriptionDetails"] for each in found]
    assert {each["eventType"] for each in details} == set(EVENT_TYPES)
    arn = "arn:aws:events:us-east-1::event-source/aws.partner/buywithprime/practice"
    assert {each["destination"]["arn"] for each in details} == {arn}


def test_a_subscription_is_created_once_for_a_type_and_a_destination(client: Client) -> None:
    created = create(client, EVENT_TYPES[0])["data"]["createEventSubscription"]["subscriptionId"]
    found = client.call(ONE, {"id": created})["data"]["eventSubscription"]
    assert found["eventSubscriptionDetails"]["eventType"] == EVENT_TYPES[0]
    again = refusal(create(client, EVENT_TYPES[0]))
    assert (again["type"], again["code"]) == ("ValidationError", "SubscriptionAlreadyExists")
    assert "data" in create(client, EVENT_TYPES[1]), "another type with the same source"


def test_the_name_of_a_source_belongs_to_one_account_and_region(client: Client) -> None:
    create(client, EVENT_TYPES[0])
    taken = refusal(create(client, EVENT_TYPES[1], region="eu-west-1"))
    assert (taken["type"], taken["code"]) == ("ValidationError", "DestinationNameAlreadyExists")


@pytest.mark.parametrize(
    ("event_type", "region", "kind"),
    [("INVALID_EVENT", "us-east-1", "AccessDeniedError"), (EVENT_TYPES[0], "moon-1", "ValidationError")],
)
def test_an_unknown_event_type_or_region_is_refused(client: Client, event_type: str, region: str, kind: str) -> None:
    assert refusal(create(client, event_type, region=region))["type"] == kind


def test_the_list_comes_in_pages(client: Client) -> None:
    first = client.call(PAGE, {"first": 3})["data"]["eventSubscriptions"]
    assert first["totalCount"] == 4
    assert first["pageInfo"]["hasNextPage"] is True
    rest = client.call(PAGE, {"first": 3, "after": first["pageInfo"]["endCursor"]})["data"]["eventSubscriptions"]
    assert rest["pageInfo"]["hasNextPage"] is False
    assert rest["pageInfo"]["hasPreviousPage"] is True
    together = [edge["node"]["id"] for page in (first, rest) for edge in page["edges"]]
    assert together == ids(client)


def test_the_list_is_denied_when_it_is_empty(sandbox: Sandbox, client: Client) -> None:
    for subscription in sandbox.subscriptions.all():
        assert client.call(DELETE, {"id": subscription.subscription_id})["data"]["deleteEventSubscription"]
    assert refusal(client.call(PAGE))["type"] == "AccessDeniedError"


@pytest.mark.parametrize("document", [ONE, DELETE])
def test_an_unknown_subscription_is_not_found(client: Client, document: str) -> None:
    assert refusal(client.call(document, {"id": "none"}))["type"] == "ResourceNotFoundError"
