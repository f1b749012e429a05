"""A venue account in virtual time, as the live shell sees it: the port over a simulated venue and its wire.

What is at the venue or on the way there belongs to no process: a request survives whoever sent it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from connectors.sim import Journey
from router.model.commands import Seek
from router.model.errors import SorError
from router.model.ids import AccountId, ClientOrderId, Nanos, VenueOrderId
from router.model.instruments import Listing
from router.model.orders import Approved, ChildOrder
from router.model.outcomes import (
    AccountRead,
    CancelOutcome,
    CancelUnclear,
    LookUp,
    LookUpResult,
    Lost,
    NotSent,
    PlaceOutcome,
    Unclear,
)
from router.model.terms import VenueTerms
from router.ports import Clock, Gate, VenueSink
from router.simulate.agenda import Whose
from router.simulate.loop import VirtualLoop
from router.simulate.shell import TIMEOUT_NS, World, travel, without_engine

T = TypeVar("T")


class VenueUnreachable(SorError):
    """No answer, or none that can be used."""


class VenueClock(Clock, Protocol):
    """A process's clock, and what it knows of the venues'."""

    def at_venue(self, deadline_ns: Nanos) -> Nanos:
        """A deadline in venue time."""
        ...


class Around(Protocol):
    """The process a port belongs to, and the places where it may be struck."""

    @property
    def clock(self) -> VenueClock:
        """Its own."""
        ...

    @property
    def whose(self) -> Whose:
        """The process, as far as time is concerned."""
        ...

    async def at_point(self, name: str) -> None:
        """A kill, a pause or a cancellation may strike exactly here."""
        ...

    def passed_gate(self, order: ChildOrder) -> None:
        """The last gate has just let this copy pass."""
        ...


class SimPort:
    """`VenuePort` over a `SimVenue`."""

    def __init__(self, listing: Listing, terms: VenueTerms, world: World, loop: VirtualLoop, around: Around) -> None:
        self.account: AccountId = listing.account
        self.terms = terms
        self._listing = listing
        self._world = world
        self._venue = world.venue(listing.account)
        self._loop = loop
        self._around = around

    async def start(self, sink: VenueSink) -> tuple[Listing, ...]:  # noqa: ARG002 - the world feeds it
        """See the port. Books are fed by the world."""
        return await self._asked(lambda: (self._listing, *self._venue.others))

    async def stop(self) -> None:
        """See the port."""
        await asyncio.sleep(0)

    async def place(
        self, order: Approved[ChildOrder], deadline_ns: Nanos | None, gate: Gate
    ) -> tuple[PlaceOutcome, Nanos | None]:
        """See the port. Between the gate and the first byte a process may still stand still."""
        child = order.value
        await self._back(self._world.build_ns(), None)
        why = gate()
        if why is not None:
            return NotSent(why=why, by_gate=True), None
        gated_ns = self._world.agenda.now_ns
        self._around.passed_gate(child)
        await self._around.at_point("gated")
        sent_ns = self._around.clock.now()
        journey = self._world.wire(self.account).journey()
        if journey.fails is not None:
            self._world.count(f"order {journey.fails}")
            outcome = await self._back(journey.back_ns or 0, without_engine(journey.fails))
            return outcome, None if isinstance(outcome, NotSent) else sent_ns
        self._world.leaves(child, gated_ns)
        answer = self._answer(Lost(why="no answer"))
        travel(
            self._world,
            child,
            None if deadline_ns is None else self._around.clock.at_venue(deadline_ns),
            journey,
            lambda outcome, back_ns: self._loop.after(back_ns, answer, outcome, self._around.whose),
        )
        return await answer, sent_ns

    async def cancel(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> CancelOutcome:  # noqa: ARG002 - found by our id
        """See the port."""

        def at_venue() -> CancelOutcome:
            outcome = self._venue.cancel(order, self._world.agenda.now_ns)
            self._world.at_venue(self.account)
            return outcome

        try:
            return await self._asked(at_venue)
        except VenueUnreachable as error:
            return CancelUnclear(why=str(error))

    async def look_up(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> LookUp:  # noqa: ARG002 - as above
        """See the port."""
        asked_ns = self._around.clock.now()
        result: LookUpResult
        try:
            result = await self._asked(lambda: self._venue.look_up(order, self._world.agenda.now_ns))
        except VenueUnreachable as error:
            result = Unclear(why=str(error))
        return LookUp(asked_ns=asked_ns, result=result)

    async def seek(self, wanted: Seek) -> LookUp:
        """See the port."""
        asked_ns = self._around.clock.now()
        result: LookUpResult
        try:
            result = await self._asked(lambda: self._venue.seek(wanted.client_id, self._world.agenda.now_ns))
        except VenueUnreachable as error:
            result = Unclear(why=str(error))
        return LookUp(asked_ns=asked_ns, result=result)

    async def read_account(self, trades_since_ns: Nanos) -> AccountRead:
        """See the port. Three questions, one after the other: the world moves between them."""
        agenda, venue = self._world.agenda, self._venue
        asked_ns = self._around.clock.now()
        return AccountRead(
            account=self.account,
            asked_ns=asked_ns,
            balances=await self._asked(venue.balances),
            open_orders=await self._asked(lambda: venue.open_orders(agenda.now_ns)),
            trades=await self._asked(lambda: venue.trades(trades_since_ns, agenda.now_ns)),
        )

    async def dead_man(self, seconds: int | None) -> str | None:  # noqa: ARG002 - it has none
        """See the port."""
        return "this venue has no timer"

    def encode_id(self, client_id: ClientOrderId) -> str:
        """See the port."""
        return client_id

    async def _asked(self, at_venue: Callable[[], T]) -> T:
        """A question that changes nothing by being lost."""
        journey = self._world.wire(self.account).journey()
        if journey.fails is not None or not journey.arrives:
            raise VenueUnreachable(await self._back(journey.back_ns or TIMEOUT_NS, journey.fails or "no answer"))
        answer = self._answer(VenueUnreachable("no answer"))
        self._world.agenda.after(journey.arrives[0], lambda: self._set_out(at_venue(), journey, answer))
        result = await answer
        if isinstance(result, VenueUnreachable):
            raise result
        return result  # type: ignore[no-any-return]

    def _set_out(self, result: object, journey: Journey, answer: "asyncio.Future[Any]") -> None:
        if journey.back_ns is not None:
            told = result if journey.usable else VenueUnreachable("the answer cannot be used")
            self._loop.after(journey.back_ns, answer, told, self._around.whose)

    def _answer(self, otherwise: object) -> "asyncio.Future[Any]":
        """Whatever comes first: the answer, or this when it is waited for no longer."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._loop.after(TIMEOUT_NS, answer, otherwise, self._around.whose)
        return answer

    async def _back(self, after_ns: int, result: T) -> T:
        answer: asyncio.Future[T] = self._loop.create_future()
        self._loop.after(after_ns, answer, result, self._around.whose)
        return await answer
