"""Sending what operators asked for: submissions and cancellations, each under its own client token."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.api.errors import ApiError, NotFound, Rejected
from bwp_tui.engine.desk import Bench
from bwp_tui.history import intents, outcomes
from bwp_tui.history.intents import Intent

TOKEN_PROTECTS: Final = timedelta(hours=8)
"""For so long after the first attempt a client token starts no second task (contract: Operations)."""

AT_ONCE: Final = 4


class SubmittingDesk:
    """Sends the intents that are due."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def work(self) -> None:
        """Send all that is due; when the service is in trouble, one alone until it answers."""
        while self._bench.gate.opens_at() is None:
            limit = 1 if self._bench.gate.troubled else AT_ONCE
            due = intents.due(self._bench.history, self._bench.now(), limit, self._bench.focus)
            if not due:
                return
            await asyncio.gather(*(self._settle(intent) for intent in due))

    def next_at(self) -> datetime | None:
        """Return when the next intent may be sent."""
        due = intents.next_at(self._bench.history, self._bench.focus)
        opens = self._bench.gate.opens_at()
        return max(due, opens) if due is not None and opens is not None else due

    @property
    def busy(self) -> bool:
        """Never: `work` awaits all that it begins."""
        return False

    async def close(self) -> None:
        """Nothing is left under way: an intent that was cut off is sent again with its own token."""

    async def _settle(self, intent: Intent) -> None:
        if self._token_has_lapsed(intent):
            outcomes.unconfirmed(self._bench.history, intent.id)
            return
        # On disk before the first byte leaves: after a crash here the same token is sent again.
        if outcomes.sending(self._bench.history, intent.id):
            await (self._submit(intent) if intent.action == "submit" else self._cancel(intent))

    def _token_has_lapsed(self, intent: Intent) -> bool:
        sent = intent.first_sent_at
        return intent.action == "submit" and sent is not None and self._bench.now() - sent >= TOKEN_PROTECTS

    async def _submit(self, intent: Intent) -> None:
        bench = self._bench
        try:
            task_id = await bench.api.start(
                intent.kind, intent.email, intent.client_token, intent.holding_period, intent.reason
            )
        except (Rejected, NotFound) as error:
            bench.gate.succeeded()
            outcomes.refused(bench.history, intent.id, getattr(error, "code", None), str(error))
        except ApiError as error:
            self._put_off(intent, error)
        else:
            bench.gate.succeeded()
            outcomes.accepted(bench.history, intent.id, task_id, bench.pace.first_poll(bench.now()))

    async def _cancel(self, intent: Intent) -> None:
        bench = self._bench
        try:
            await bench.api.cancel(intent.task_id or "")
        except (Rejected, NotFound) as error:
            bench.gate.succeeded()
            outcomes.cancel_refused(bench.history, intent.id, str(error))
        except ApiError as error:
            self._put_off(intent, error)
        else:
            bench.gate.succeeded()
            outcomes.cancelled(bench.history, intent.id)

    def _put_off(self, intent: Intent, error: ApiError) -> None:
        opens_at = self._bench.gate.failed(error)
        outcomes.put_off(self._bench.history, intent.id, str(error), opens_at, never_sent=not error.outcome_unknown)
