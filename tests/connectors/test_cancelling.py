"""Cancels asked for in one moment: together where the venue takes names, one by one where it does not; never all."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.calls import AnswerMissing, AnswerUnusable, CallFailed, VenueSaid
from connectors.ccxt_venue.cancelling import TOGETHER, CancelDesk
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.mapping import Names
from connectors.lab.client import LabControl
from connectors.lab.faults import Call
from connectors.lab.process import Lab
from router.model.ids import AccountId, Nanos, VenueOrderId
from router.model.orders import ChildOrder, TimeInForce, VenueOrderStatus
from router.model.outcomes import Accepted, CancelTaken, CancelUnclear, Found
from tests.connectors.rig import SYMBOLS, Notes, child, place, venue_at
from tests.waiting import eventually

STORM = 200
OLD_NS = 600_000_000_000
SEVERAL = pytest.mark.parametrize("venue_name", sorted(TOGETHER), indirect=True)


def resting(venue_name: str, price: str = "59000", quantity: str = "0.001", **changes: Any) -> ChildOrder:
    return child(venue_name, price=price, quantity=quantity, time_in_force=TimeInForce.GTC, **changes)


def cancels(lab: Lab, venue_name: str) -> int:
    return sum(each.call is Call.CANCEL for each in lab.venues[venue_name].requests)


async def placed(venue: CcxtVenue, order: ChildOrder) -> VenueOrderId:
    outcome = await place(venue, order)
    assert isinstance(outcome, Accepted), outcome
    return outcome.venue_order_id


@SEVERAL
async def test_several_are_one_request_and_nobody_elses_order_ends(
    venue: CcxtVenue, venue_name: str, control: LabControl, lab: Lab
) -> None:
    """By name: what stands beside them at the same account and market goes on standing."""
    orders = [resting(venue_name) for _ in range(4)]
    ids = [await placed(venue, order) for order in orders]
    foreign = await control.place(venue_name, SYMBOLS[venue_name], "BUY", "0.1", "59000")

    outcomes = await asyncio.gather(*(venue.cancel(*each) for each in zip(orders, ids, strict=True)))

    assert outcomes == [CancelTaken()] * 4
    assert cancels(lab, venue_name) == 1
    (left,) = (await venue.read_account(Nanos(0))).open_orders
    assert left.client_id is None
    assert str(foreign["order_id"])


@SEVERAL
async def test_one_that_has_filled_keeps_no_other_in_the_book(
    venue: CcxtVenue, venue_name: str, control: LabControl
) -> None:
    """The request is not taken whole; each is asked for by itself, and told for itself."""
    filled, *others = orders = [resting(venue_name, "60005"), *(resting(venue_name) for _ in range(3))]
    ids = [await placed(venue, order) for order in orders]
    await control.print_trade(venue_name, SYMBOLS[venue_name], "SELL", "0.001", "60000")

    outcomes = await asyncio.gather(*(venue.cancel(*each) for each in zip(orders, ids, strict=True)))

    assert isinstance(outcomes[0], CancelUnclear)
    assert (await venue.read_account(Nanos(0))).open_orders == ()
    for order in (filled, *others):
        looked = (await venue.look_up(order, None)).result
        assert isinstance(looked, Found)
        wanted = VenueOrderStatus.FILLED if order is filled else VenueOrderStatus.CANCELLED
        assert looked.order.status is wanted


class Counter:
    """Stands for the venue: what was asked, at what cost; answers as told, once it may."""

    def __init__(self, ccxt_id: str, answers: Any = None) -> None:
        self.asked: list[tuple[str, Mapping[str, int] | None]] = []
        self.singly: list[ChildOrder] = []
        self.goes = asyncio.Event()
        self.goes.set()
        self._answers = answers
        self.desk = CancelDesk(
            ccxt_id,
            ask=self._ask,
            one=self._one,
            desk=lambda: Desk(
                account=AccountId(f"{ccxt_id}/main"),
                names=Names(symbol_by_id={}, id_by_symbol={SYMBOLS[ccxt_id]: "X"}, asset_by_id={}),
            ),
            spell=lambda order: order.client_id,
            now=lambda: Nanos(time.time_ns()),
        )

    def _ask(self, cost: Mapping[str, int] | None) -> Any:
        async def ask(endpoint: str, params: Mapping[str, Any]) -> Any:
            self.asked.append((endpoint, cost))
            await self.goes.wait()
            if isinstance(self._answers, CallFailed):
                raise self._answers
            return {"error": [], "result": {"count": str(len(params["cl_ord_ids"]))}}

        return ask

    async def _one(self, _ask: Any, order: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        self.singly.append(order)
        return None

    async def all_of(self, orders: list[ChildOrder]) -> list[Any]:
        return await asyncio.gather(*(self.desk.cancel(order, None) for order in orders), return_exceptions=True)


async def test_what_kraken_counts_by_age_is_asked_within_its_counter() -> None:
    """Old ones are free and go fifty a request; of young ones twelve, since thirteen could never be within it."""
    old_ns = Nanos(time.time_ns() - OLD_NS)
    old, young = Counter("kraken"), Counter("kraken")

    await old.all_of([resting("kraken", decided_at_ns=old_ns) for _ in range(STORM)])
    await young.all_of([resting("kraken") for _ in range(25)])

    assert [cost for _, cost in old.asked] == [{"order counter": 0}] * 4
    assert [cost for _, cost in young.asked] == [{"order counter": 96}, {"order counter": 96}]
    assert len(young.singly) == 1  # what is left over goes by itself


async def test_a_refusal_of_the_whole_is_asked_again_one_by_one() -> None:
    """And a request whose answer cannot be read is not: it may have been taken."""
    refused, unread = Counter("kraken", VenueSaid(200, "EOrder:Unknown order", "")), Counter("kraken", AnswerUnusable())

    told = await refused.all_of([resting("kraken") for _ in range(3)])
    assert (told, len(refused.singly)) == ([None] * 3, 3)

    told = await unread.all_of([resting("kraken") for _ in range(3)])
    assert [type(each) for each in told] == [AnswerUnusable] * 3
    assert unread.singly == []


async def test_who_waits_on_one_that_is_stopped_hears_so() -> None:
    """The first of a moment sends for the others: its end is told, and the next moment has a first of its own."""
    venue = Counter("kraken")
    venue.goes.clear()
    first, *others = (asyncio.create_task(venue.desk.cancel(resting("kraken"), None)) for _ in range(3))
    await eventually(lambda: venue.asked)
    first.cancel()

    told = await asyncio.gather(first, *others, return_exceptions=True)

    assert [type(each) for each in told] == [asyncio.CancelledError, AnswerMissing, AnswerMissing]
    venue.goes.set()
    assert await venue.all_of([resting("kraken") for _ in range(2)]) == [None, None]


@pytest.mark.nightly
async def test_two_hundred_cancels_at_the_venues_own_limits(
    venue_name: str, control: LabControl, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """All are taken, never faster than the venue allows. How long it takes is printed: that is what a kill costs."""
    old_ns = Nanos(time.time_ns() - OLD_NS)
    orders = [resting(venue_name, decided_at_ns=old_ns) for _ in range(STORM)]
    boundless, within_limits = (venue_at(lab, venue_name, rate_scale=n, timeout_ms=20_000) for n in (1000, 1))
    await boundless.start(Notes())
    ids = [await placed(boundless, order) for order in orders]
    await within_limits.start(Notes())
    await asyncio.sleep(3)  # what its start counted is past
    before, began = cancels(lab, venue_name), time.monotonic()

    outcomes = await asyncio.gather(*(within_limits.cancel(*each) for each in zip(orders, ids, strict=True)))

    took_s, asked = time.monotonic() - began, cancels(lab, venue_name) - before
    await within_limits.stop()
    assert outcomes == [CancelTaken()] * STORM
    assert (await boundless.read_account(Nanos(0))).open_orders == ()
    await boundless.stop()
    with capsys.disabled():
        print(f"\n{venue_name}: {STORM} cancels in {took_s:.2f} s, {asked} requests")
