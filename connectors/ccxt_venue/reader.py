"""Asks a venue, within the budget, again where the table says so, and tells what went wrong in our own terms."""

import asyncio
import decimal
from collections.abc import Mapping
from typing import Any

from connectors.budget import Budget
from connectors.ccxt_venue import retry
from connectors.ccxt_venue.calls import (
    AnswerUnusable,
    CallFailed,
    CallKind,
    Forbidden,
    NotReached,
    VenueBusy,
    VenueSaid,
)
from connectors.ccxt_venue.clients import Exchange
from connectors.ccxt_venue.dialect import Dialect
from connectors.ccxt_venue.redaction import name_of
from connectors.ccxt_venue.verdict import Proves
from connectors.ccxt_venue.wire import Transmission, carrying
from router.ports.clock import Clock

Json = Any
_TOO_MANY = frozenset({418, 429})
_SERVER_ERRORS = 500


class Reader:
    """Reads over one ccxt instance, for one kind of call. `cost`: what a call counts, where its name does not say."""

    def __init__(
        self,
        exchange: Exchange,
        dialect: Dialect,
        budget: Budget,
        clock: Clock,
        kind: CallKind,
        cost: Mapping[str, int] | None = None,
    ) -> None:
        self._exchange = exchange
        self._dialect = dialect
        self._budget = budget
        self._clock = clock
        self._kind = kind
        self._cost = cost

    async def __call__(self, endpoint: str, params: Mapping[str, object]) -> Json:
        """The parsed answer; raises `CallFailed`."""
        return await retry.asked(self._kind, lambda: self._once(endpoint, params))

    async def _once(self, endpoint: str, params: Mapping[str, object]) -> Json:
        cost = self._dialect.cost(endpoint, params) if self._cost is None else self._cost
        await self._budget.take(cost, self._kind.urgency)
        transmission = Transmission(self._kind)
        try:
            # ccxt sets rounding and traps of whatever decimal context it finds.
            with carrying(transmission), decimal.localcontext():
                answer = await getattr(self._exchange, endpoint)(dict(params))
        except (asyncio.CancelledError, Forbidden):
            raise
        except Exception as error:  # noqa: BLE001 - parsing code of ccxt may raise anything on a bad answer
            raise self._explained(transmission, error) from None
        if self._dialect.errors(200, answer):
            raise self._explained(transmission, AnswerUnusable("the answer is an error"))
        return answer

    def _explained(self, transmission: Transmission, error: Exception) -> CallFailed:
        if not transmission.reached_wire:
            return NotReached(name_of(error))
        said = [] if transmission.status is None else self._dialect.errors(transmission.status, transmission.answer())
        row = next((row for row in self._dialect.codes if said and row.matches(said[0])), None)
        too_many = row is not None and row.proves is Proves.TOO_MANY
        if too_many or transmission.status in _TOO_MANY or (row is not None and row.proves is Proves.REFUSED_FOR_NOW):
            wait_ms = transmission.retry_after_ms()
            if too_many:
                self._budget.told_off(wait_ms)
            return VenueBusy(said[0].code if said else f"HTTP {transmission.status}", wait_ms)
        if said and transmission.status is not None and transmission.status < _SERVER_ERRORS:
            return VenueSaid(transmission.status, said[0].code, said[0].text)
        return error if isinstance(error, CallFailed) else AnswerUnusable(name_of(error))
