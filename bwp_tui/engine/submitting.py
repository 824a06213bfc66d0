"""Sending what operators asked for: submissions and cancellations, each under its own client token."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bwp_tui.api.errors import ApiError, NotFound, Rejected
from bwp_tui.engine.desk import Bench, all_of
from bwp_tui.engine.protection import protects
from bwp_tui.history import intents, outcomes
from bwp_tui.history.intents import Intent

AT_ONCE: Final = 4


class SubmittingDesk:
    """Sends the intents that are due."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def work(self) -> None:
        """Send all that is due; when the service is in trouble, one alone until it answers."""
        bench = self._bench
        while True:
            with bench.gate.reserve(AT_ONCE) as reservation:
                if not reservation.room:
                    return
                due = intents.due(bench.history, bench.now(), reservation.room, bench.focus)
                if not due:
                    return
                await all_of(self._settle(intent) for intent in due)

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
        bench = self._bench
        if intent.action == "submit" and not protects(intent, bench.now(), bench.history.uptime()):
            outcomes.unconfirmed(bench.history, intent.id)
            return
        if not bench.gate.admits():
            return  # it stays due
        # On disk before the first byte leaves: after a crash here the same token is sent again.
        if outcomes.sending(bench.history, intent.id):
            await (self._submit(intent) if intent.action == "submit" else self._cancel(intent))

    async def _submit(self, intent: Intent) -> None:
        bench = self._bench
        try:
            task_id = await bench.api.start(
                intent.kind, intent.email, intent.client_token, intent.holding_period, intent.reason
            )
        except (Rejected, NotFound) as error:
            # What was learned first: where the register fails, all else may be lost.
            outcomes.refused(bench.history, intent.id, getattr(error, "code", None), str(error))
            bench.gate.succeeded()
        except ApiError as error:
            self._put_off(intent, error)
        else:
            outcomes.accepted(bench.history, intent.id, task_id, bench.pace.first_poll(bench.now()))
            bench.gate.succeeded()

    async def _cancel(self, intent: Intent) -> None:
        bench = self._bench
        try:
            await bench.api.cancel(intent.task_id or "")
        except (Rejected, NotFound) as error:
            outcomes.cancel_refused(bench.history, intent.id, str(error))
            bench.gate.succeeded()
        except ApiError as error:
            self._put_off(intent, error)
        else:
            outcomes.cancelled(bench.history, intent.id)
            bench.gate.succeeded()

    def _put_off(self, intent: Intent, error: ApiError) -> None:
        opens_at = self._bench.gate.failed(error)
        outcomes.put_off(self._bench.history, intent.id, str(error), opens_at, never_sent=not error.outcome_unknown)
