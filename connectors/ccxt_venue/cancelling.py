"""Cancels that are asked for at once leave at once: many in one request, where the venue takes orders by name there.

A kill asks for hundreds in one moment, and a venue counts requests. What a venue does for "all orders", of a market or
of the account, is never used: it would end orders that are not ours, and one may come between any look and the call.
A request that was not taken whole is asked again order by order: a filled order among them must not keep the others in
the book. Whatever an answer says, the orders are read again afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.budget import NS_PER_S
from connectors.ccxt_venue.calls import AnswerMissing, CallFailed, VenueSaid
from connectors.ccxt_venue.dialect import Ask, Desk
from connectors.ccxt_venue.mapping import part, row, rows, text_or_none
from router.model.ids import Nanos, VenueOrderId
from router.model.orders import ChildOrder

Json = Any
Spell = Callable[[ChildOrder], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One order that is to be cancelled. `named`: the name the request has for it."""

    child: ChildOrder
    venue_order_id: VenueOrderId | None
    named: str
    told: "asyncio.Future[str | None]" = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """How a venue is asked for several. `taken`: the names an answer confirms, of those asked.

    `by_venue_id`: it knows only its own ids here; a cancel without one goes by itself.
    """

    endpoint: str
    most: int
    params: Callable[[Desk, Sequence[Wish]], Mapping[str, object]]
    taken: Callable[[Json, Sequence[Wish]], frozenset[str]]
    by_venue_id: bool = False


def _okx_taken(answer: Json, _wishes: Sequence[Wish]) -> frozenset[str]:
    listed = rows(part(row(answer), "data"))
    return frozenset(str(each.get("clOrdId")) for each in listed if text_or_none(each, "sCode") == "0")


def _kraken_taken(answer: Json, wishes: Sequence[Wish]) -> frozenset[str]:
    """Told as a number only."""
    count = text_or_none(row(part(row(answer), "result")), "count")
    return frozenset(wish.named for wish in wishes) if count == str(len(wishes)) else frozenset()


def _coinbase_taken(answer: Json, _wishes: Sequence[Wish]) -> frozenset[str]:
    listed = rows(part(row(answer), "results"))
    return frozenset(str(each.get("order_id")) for each in listed if each.get("success") is True)


TOGETHER: Mapping[str, Together] = {
    "okx": Together(
        endpoint="privatePostTradeCancelBatchOrders",
        most=20,
        params=lambda desk, wishes: {
            "orders": [{"instId": desk.names.market_id(wish.child.symbol), "clOrdId": wish.named} for wish in wishes]
        },
        taken=_okx_taken,
    ),
    # "minimum of 2 and maximum 50".
    "kraken": Together(
        endpoint="privatePostCancelOrderBatch",
        most=50,
        params=lambda _, wishes: {"cl_ord_ids": [wish.named for wish in wishes]},
        taken=_kraken_taken,
    ),
    "coinbase": Together(
        endpoint="v3PrivatePostBrokerageOrdersBatchCancel",
        most=50,
        params=lambda _, wishes: {"order_ids": [wish.named for wish in wishes]},
        taken=_coinbase_taken,
        by_venue_id=True,
    ),
}
"""By ccxt's id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ByAge:
    """What cancelling counts against a limit, by the order's age: (younger than so many seconds, units), then nothing.

    `units_most` in one request: more could never be within the limit.
    """

    limit: str
    steps: tuple[tuple[int, int], ...]
    units_most: int

    def units(self, child: ChildOrder, now_ns: Nanos) -> int:
        """Of this order. Its age is taken from the decision, a second late: at the venue it is younger."""
        age_ns = now_ns - child.decided_at_ns - NS_PER_S
        return next((units for younger_s, units in self.steps if age_ns < younger_s * NS_PER_S), 0)


BY_AGE: Mapping[str, ByAge] = {
    # docs.kraken.com, trading rate limits.
    "kraken": ByAge(
        limit="order counter", steps=((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1)), units_most=100
    ),
}
"""By ccxt's id, where a cancel counts by age."""


class CancelDesk:
    """Gathers the cancels of one turn of the loop. `ask`: a way to ask, at a cost of its own where one is given."""

    def __init__(
        self,
        ccxt_id: str,
        *,
        ask: Callable[[Mapping[str, int] | None], Ask],
        one: Callable[[Ask, ChildOrder, VenueOrderId | None], Awaitable[str | None]],
        desk: Callable[[], Desk],
        spell: Spell,
        now: Callable[[], Nanos],
    ) -> None:
        self._together = TOGETHER.get(ccxt_id)
        self._by_age = BY_AGE.get(ccxt_id)
        self._ask = ask
        self._one = one
        self._desk = desk
        self._spell = spell
        self._now = now
        self._wishes: list[Wish] = []

    async def cancel(self, child: ChildOrder, venue_order_id: VenueOrderId | None) -> str | None:
        """None when the venue took it; else why it did not, or why that is not known. Raises `CallFailed`."""
        together = self._together
        if together is None or (together.by_venue_id and venue_order_id is None):
            return await self._singly(child, venue_order_id)
        named = str(venue_order_id) if together.by_venue_id else self._spell(child)
        told: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._wishes.append(Wish(child=child, venue_order_id=venue_order_id, named=named, told=told))
        if len(self._wishes) == 1:
            await self._lead(together, told)
        return await told

    async def _lead(self, together: Together, mine: "asyncio.Future[str | None]") -> None:
        """The first of a turn sends for all of it. Should it be stopped, the others hear so: nobody waits for ever."""
        wishes: list[Wish] = []
        try:
            await asyncio.sleep(0)
            wishes, self._wishes = self._wishes, []
            await asyncio.gather(*(self._send(together, some) for some in self._requests(together, wishes)))
        finally:
            mine.cancel()  # where it is not told by now, nobody asks any more
            if not wishes:
                wishes, self._wishes = self._wishes, []
            for wish in wishes:
                _fail(wish, AnswerMissing("whoever sent it with others was stopped"))

    def _requests(self, together: Together, wishes: Sequence[Wish]) -> Iterator[list[Wish]]:
        some: list[Wish] = []
        units = 0
        for wish in wishes:
            own = 0 if self._by_age is None else self._by_age.units(wish.child, self._now())
            if len(some) == together.most or (self._by_age is not None and units + own > self._by_age.units_most):
                yield some
                some, units = [], 0
            some.append(wish)
            units += own
        yield some

    async def _send(self, together: Together, wishes: Sequence[Wish]) -> None:
        taken: frozenset[str] = frozenset()
        if len(wishes) > 1:
            try:
                params = together.params(self._desk(), wishes)
                answer = await self._ask(self._cost([wish.child for wish in wishes]))(together.endpoint, params)
                taken = together.taken(answer, wishes)
            except VenueSaid:
                pass  # not whole: below, one by one
            except CallFailed as error:
                for wish in wishes:
                    _fail(wish, error)
                return
        await asyncio.gather(*(self._tell(wish, taken=wish.named in taken) for wish in wishes))

    async def _tell(self, wish: Wish, *, taken: bool) -> None:
        try:
            why_not = None if taken else await self._singly(wish.child, wish.venue_order_id)
        except CallFailed as error:
            _fail(wish, error)
            return
        if not wish.told.done():
            wish.told.set_result(why_not)

    async def _singly(self, child: ChildOrder, venue_order_id: VenueOrderId | None) -> str | None:
        return await self._one(self._ask(self._cost([child])), child, venue_order_id)

    def _cost(self, children: Sequence[ChildOrder]) -> Mapping[str, int] | None:
        if self._by_age is None:
            return None
        return {self._by_age.limit: sum(self._by_age.units(child, self._now()) for child in children)}


def _fail(wish: Wish, error: CallFailed) -> None:
    if not wish.told.done():
        wish.told.set_exception(error)
