from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bwp_tui.api.client import PrivacyApi
from bwp_tui.api.service_clock import FRESH_FOR_S, ServiceClock
from bwp_tui.domain.times import Uptime
from tests.api.server import Reaction, ScriptedServer, answer, graphql

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DATED = format_datetime(NOW, usegmt=True)


class _Machine:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> Uptime:
        return Uptime("this", self.seconds)


def test_it_goes_on_with_the_machine_from_the_last_date() -> None:
    machine = _Machine()
    clock = ServiceClock(machine)
    assert (clock.now(), clock.is_fresh) == (None, False)
    clock.record_response(NOW)
    machine.seconds += 10
    clock.record_response(None)
    assert (clock.now(), clock.is_fresh) == (NOW + timedelta(seconds=10), True)
    machine.seconds += FRESH_FOR_S
    assert (clock.now(), clock.is_fresh) == (NOW + timedelta(seconds=10 + FRESH_FOR_S), False)


async def test_any_answer_tells_the_time(api: PrivacyApi, server: ScriptedServer) -> None:
    server.script("/token", graphql(200, DATED, access_token="token-1"))
    assert api.service_now() is None
    await api.refresh_clock(if_stale=False)
    told = api.service_now()
    assert told is not None
    assert timedelta(0) <= told - NOW < timedelta(minutes=1)
    assert server.seen("/graphql") == []


@pytest.mark.parametrize("reaction", [graphql(data={"__typename": "Query"}), answer(400, b"<html>"), answer(500)])
async def test_the_service_is_asked_again_where_its_last_answer_is_old(
    api: PrivacyApi, server: ScriptedServer, reaction: Reaction
) -> None:
    server.script("/graphql", reaction)
    await api.refresh_clock(if_stale=True)
    assert server.seen("/graphql") == [], "the token was just issued"
    api._transport.clock._response_at -= FRESH_FOR_S
    await api.refresh_clock(if_stale=True)
    assert len(server.seen("/graphql")) == 1
    await api.refresh_clock(if_stale=True)
    assert len(server.seen("/graphql")) == 1
