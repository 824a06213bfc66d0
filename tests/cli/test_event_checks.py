"""What `bwp-tui doctor` finds about the service's events and their queue."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bwp_tui.cli.setup import event_checks
from bwp_tui.cli.setup.event_checks import check_queue, check_subscriptions
from bwp_tui.cli.setup.finding import Level
from bwp_tui.contract.events import EVENT_TYPES
from bwp_tui.contract.payloads import SubscriptionPayload
from bwp_tui.domain.times import utc_now
from bwp_tui.engine.events.sqs_queue import QueueAttributes
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import EventQueue
from tests.cli.conftest import Bwp, queue_variables

STATEMENT = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
SOUND = QueueAttributes(
    depth=0,
    in_flight=0,
    dead_letters=0,
    max_receives=5,
    visibility_s=60,
    policy=json.dumps({"Statement": STATEMENT}),
    service_time=None,
)


def found_with(monkeypatch: pytest.MonkeyPatch, attributes: QueueAttributes) -> list[tuple[Level, str]]:
    monkeypatch.setattr(event_checks, "queue_attributes", lambda _queue: attributes)
    queue = EventQueue(queue_url="https://sqs.us-east-1.amazonaws.com/1/q", region="us-east-1")
    return [(finding.level, finding.sentence) for finding in check_queue(queue)]


def levels(bwp: Bwp, code: int = 0) -> list[str]:
    ended = bwp("doctor", "--json")
    assert ended.code == code, ended.out
    return [finding["level"] for finding in json.loads(ended.out) if finding["check"] == "events"]


def test_without_a_queue_events_are_not_checked(shop: Bwp) -> None:
    assert levels(shop) == []


def test_all_is_well_with_subscriptions_and_a_queue(shop: Bwp, practice: Sandbox) -> None:
    shop.env |= queue_variables(practice)
    assert levels(shop) == ["ok", "ok"]


def test_a_denied_queue_and_no_subscriptions_fail(shop: Bwp, practice: Sandbox) -> None:
    shop.env |= queue_variables(practice)
    practice.faults.set("queue-denied")
    assert levels(shop, code=1) == ["ok", "fail"]
    practice.faults.clear()
    for subscription in practice.subscriptions.all():
        practice.subscriptions.delete(subscription.subscription_id)
    assert levels(shop, code=1) == ["fail", "ok"]


def test_a_missing_credential_is_found_once_and_the_queue_is_still_checked(shop: Bwp, practice: Sandbox) -> None:
    shop.env |= queue_variables(practice)
    del shop.env["BWP_CLIENT_ID"]
    assert levels(shop, code=1) == ["ok"]


def test_missing_types_and_another_region_are_warned_about() -> None:
    arn = "arn:aws:events:eu-west-1::event-source/aws.partner/buywithprime/shop"
    found = [
        SubscriptionPayload(subscription_id="s-1", event_type=EVENT_TYPES[0], arn=arn),
        SubscriptionPayload(subscription_id="s-2", event_type="ORDER_CREATED", arn=arn.replace("eu", "us")),
        SubscriptionPayload(subscription_id="s-3"),
        SubscriptionPayload(subscription_id="s-4", event_type=EVENT_TYPES[0], arn="event-source/odd"),
    ]
    findings = list(check_subscriptions(found, "us-east-1"))
    assert [finding.level for finding in findings] == [Level.WARN, Level.WARN]
    assert all(each in findings[0].sentence for each in EVENT_TYPES[1:])
    assert "eu-west-1" in findings[1].sentence


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"policy": None}, "step 6"),
        ({"max_receives": None, "dead_letters": None}, "step 4"),
        ({"dead_letters": 3}, "3 messages"),
        ({"visibility_s": 5}, "5 s"),
    ],
)
def test_a_doubtful_queue_is_warned_about(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], word: str) -> None:
    [(level, sentence)] = found_with(monkeypatch, SOUND._replace(**change))
    assert level is Level.WARN
    assert word in sentence


def test_a_sound_queue_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [level for level, _ in found_with(monkeypatch, SOUND)] == [Level.OK]


@pytest.mark.parametrize(("ahead", "side"), [(9, "ahead"), (-9, "behind")])
def test_a_clock_that_is_off_is_warned_about(monkeypatch: pytest.MonkeyPatch, ahead: int, side: str) -> None:
    changed = SOUND._replace(service_time=utc_now() - timedelta(minutes=ahead))
    (level, sentence), _ = found_with(monkeypatch, changed)
    assert level is Level.WARN
    assert side in sentence


@pytest.mark.parametrize(
    ("change", "allows"),
    [
        ({}, True),
        ({"Effect": "Deny"}, False),
        ({"Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Principal": "*"}, True),
        ({"Action": ["SQS:Send*", "sqs:ReceiveMessage"]}, True),
        ({"Action": "sqs:ReceiveMessage"}, False),
    ],
)
def test_a_policy_is_read_for_what_it_lets_eventbridge_do(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, object], allows: bool
) -> None:
    for statements in ({**STATEMENT, **change}, [{**STATEMENT, **change}]):
        policy = json.dumps({"Statement": statements})
        [(level, _)] = found_with(monkeypatch, SOUND._replace(policy=policy))
        assert (level is Level.OK) is allows


@pytest.mark.parametrize("policy", ["", "[]", "{", '{"Statement": 5}', '{"Statement": [null, {"Principal": 3}]}'])
def test_a_policy_that_cannot_be_read_allows_nothing(monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    assert [level for level, _ in found_with(monkeypatch, SOUND._replace(policy=policy))] == [Level.WARN]
