"""Event subscriptions: what is sent, and what each response becomes."""

from __future__ import annotations

import json

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.errors import AccessDenied, BadResponse, NotFound, Rejected
from bwp_tui.api.response_errors import NO_RIGHT_TO_SUBSCRIPTIONS, NO_SUBSCRIPTIONS
from tests.api.server import Reaction, ScriptedServer, graphql

ARN = "arn:aws:events:us-east-1::event-source/aws.partner/buywithprime/shop"
CREATED = graphql(data={"createEventSubscription": {"subscriptionId": "s-1"}})


def _fault(field: str, type_: str, **more: object) -> Reaction:
    error = {"message": "why", "path": [field], "extensions": {"classification": {"type": type_, **more}}}
    return graphql(errors=[error], data=None)


def _page(*ids: str, cursor: str | None = None) -> Reaction:
    info = {"hasNextPage": cursor is not None, "endCursor": cursor, "hasPreviousPage": False}
    return graphql(data={"eventSubscriptions": {"edges": [{"node": {"id": each}} for each in ids], "pageInfo": info}})


def _details(subscription_id: str, event_type: str) -> Reaction:
    details = {"eventType": event_type, "destination": {"arn": ARN}}
    return graphql(data={"eventSubscription": {"subscriptionId": subscription_id, "eventSubscriptionDetails": details}})


async def test_subscribing_sends_the_documented_input(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", CREATED)
    assert await api.subscribe("A_TYPE", "us-east-1", "123456789012", "shop") == "s-1"
    [sent] = server.seen("/graphql")
    source = {"account": "123456789012", "name": "shop"}
    assert json.loads(sent.body)["variables"] == {
        "input": {
            "destination": {"eventBridge": {"region": "us-east-1", "partnerEventSource": source}},
            "eventType": "A_TYPE",
        }
    }


@pytest.mark.parametrize("code", ["SubscriptionAlreadyExists", "DestinationNameAlreadyExists"])
async def test_the_documented_refusals_are_rejections_with_their_code(
    api: PrivacyApi, server: ScriptedServer, code: str
) -> None:
    server.script("/graphql", _fault("createEventSubscription", "ValidationError", code=code))
    with pytest.raises(Rejected) as caught:
        await api.subscribe("A_TYPE", "us-east-1", "123456789012", "shop")
    assert caught.value.code == code
    assert "Correct it" not in str(caught.value), "it has a sentence of its own"


async def test_the_list_is_read_page_by_page_and_each_subscription_once(
    api: PrivacyApi, server: ScriptedServer
) -> None:
    pages = (_page("s-1", "s-2", cursor="c"), _page("s-2", "s-3"))
    server.script("/graphql", *pages, _details("s-1", "A"), _details("s-2", "B"), _details("s-3", "C"))
    found = await api.subscriptions()
    assert [(each.subscription_id, each.event_type, each.arn) for each in found] == [
        ("s-1", "A", ARN),
        ("s-2", "B", ARN),
        ("s-3", "C", ARN),
    ]
    sent = [json.loads(request.body)["variables"] for request in server.seen("/graphql")]
    assert "after" not in sent[0]
    assert sent[1]["after"] == "c"


async def test_a_list_that_never_ends_is_left(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", *[_page(cursor="c")] * 50)
    assert await api.subscriptions() == []
    assert len(server.seen("/graphql")) < 50


async def test_of_a_subscription_that_may_not_be_read_the_id_is_returned(
    api: PrivacyApi, server: ScriptedServer
) -> None:
    denied = _fault("eventSubscription", "AccessDeniedError")
    server.script("/graphql", _page("s-1", "s-2"), denied, denied, _details("s-2", "B"))
    first, second = await api.subscriptions()
    assert (first.subscription_id, first.event_type) == ("s-1", None)
    assert second.event_type == "B"


async def test_a_denied_list_says_that_there_may_be_none(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", *[_fault("eventSubscriptions", "AccessDeniedError")] * 2)
    with pytest.raises(AccessDenied, match=NO_SUBSCRIPTIONS):
        await api.subscriptions()
    server.script("/graphql", *[_fault("createEventSubscription", "AccessDeniedError")] * 2)
    with pytest.raises(AccessDenied, match=NO_RIGHT_TO_SUBSCRIPTIONS):
        await api.subscribe("A_TYPE", "us-east-1", "123456789012", "shop")


async def test_ending_an_unknown_subscription_is_not_found(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", _fault("deleteEventSubscription", "ResourceNotFoundError"))
    with pytest.raises(NotFound, match="subscription"):
        await api.unsubscribe("s-1")


async def test_a_response_without_an_id_cannot_be_read(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", graphql(data={"createEventSubscription": {}}))
    with pytest.raises(BadResponse):
        await api.subscribe("A_TYPE", "us-east-1", "123456789012", "shop")


async def test_foreign_text_is_cleaned(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/graphql", _page("s-1"), _details("s-1", "A\x1b[31m\nB"))
    [found] = await api.subscriptions()
    assert found.event_type is not None
    assert "\x1b" not in found.event_type
    assert "\n" not in found.event_type
