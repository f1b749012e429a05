"""What every implementation of the venue port must do. Judged by what the account itself reads afterwards."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.commands import Seek
from router.model.events import OrderHinted
from router.model.ids import InstrumentId, Nanos
from router.model.orders import ChildOrder, TimeInForce, VenueOrderStatus
from router.model.outcomes import (
    Accepted,
    CancelTaken,
    CancelUnclear,
    Exists,
    Found,
    Missing,
    NotSent,
    PlaceOutcome,
    Refused,
)
from router.model.side import Side
from tests.conformance.seats import seats
from tests.connectors.rig import NEVER_UNIQUE, TTL_NS, approved, child, new_id, pass_gate
from tests.waiting import eventually

_TRADED_BY_DAY = (("ccxt", "kraken"), ("ccxt", "okx"), ("paper", "kraken"))
"""Where strangers trade by day; at night everywhere."""


async def place(seat, order: ChildOrder) -> PlaceOutcome:
    outcome, sent_ns = await seat.port.place(approved(order), Nanos(order.decided_at_ns + TTL_NS), pass_gate)
    assert (sent_ns is None) == isinstance(outcome, NotSent)
    return outcome


def seek(order: ChildOrder) -> Seek:
    return Seek(
        account=order.account,
        client_id=order.client_id,
        parent_id=order.parent_id,
        instrument=InstrumentId("BTC/USD"),
        side=order.side,
        since_ns=Nanos(order.decided_at_ns - 3_600_000_000_000),
    )


async def found(seat, order: ChildOrder) -> Found:
    looked = (await seat.port.look_up(order, None)).result
    assert isinstance(looked, Found)
    return looked


def resting(seat, price: str = "60005", **changes) -> ChildOrder:
    """A buy between the best bid and the best ask."""
    return child(seat.name, price=price, time_in_force=TimeInForce.GTC, **changes)


def hints_of(seat, order: ChildOrder) -> list[OrderHinted]:
    return [hint for hint in seat.notes.hints if hint.client_id == order.client_id]


async def traded(seat) -> Decimal:
    """Base quantity of every trade the account ever made."""
    read = await seat.port.read_account(Nanos(0))
    return sum((trade.quantity for trade in read.trades), Decimal(0))


async def test_a_fill_over_two_levels_is_two_trades_at_the_books_prices(seat):
    """The order's record and its trade list agree, and carry our id."""
    order = child(seat.name, quantity="1.5", price="60020")

    accepted = await place(seat, order)

    assert isinstance(accepted, Accepted)
    told = await found(seat, order)
    assert (await seat.port.seek(seek(order))).result == told  # by our id alone, its size unknown
    assert told.order.status is VenueOrderStatus.FILLED
    assert told.order.venue_order_id == accepted.venue_order_id
    assert told.order.client_id == order.client_id
    assert sorted((trade.price, trade.quantity) for trade in told.trades) == [
        (Decimal(60010), Decimal(1)),
        (Decimal(60020), Decimal("0.5")),
    ]
    assert {(trade.client_id, trade.venue_order_id) for trade in told.trades} == {
        (order.client_id, accepted.venue_order_id)
    }


async def test_what_an_ioc_does_not_fill_is_over(seat):
    """The rest is not left in the book."""
    order = child(seat.name, quantity="3", price="60010")
    await place(seat, order)

    told = await found(seat, order)

    assert told.order.status.ended
    assert told.order.status is not VenueOrderStatus.FILLED
    assert told.order.executed == sum(trade.quantity for trade in told.trades) == Decimal(1)
    assert (await seat.port.read_account(Nanos(0))).open_orders == ()


async def test_a_limit_the_book_does_not_reach_fills_nothing(seat):
    """Accepted, over, and no trade."""
    order = child(seat.name, quantity="1", price="60009")
    assert isinstance(await place(seat, order), Accepted)
    told = await found(seat, order)
    assert told.order.status.ended
    assert told.trades == ()


async def test_balances_move_by_the_trades_and_their_fees(seat):
    """A buy and a sale: what is held changes by exactly what the trade list says."""
    before = {b.asset: b.total for b in (await seat.port.read_account(Nanos(0))).balances}
    buy, sale = child(seat.name, quantity="1.5", price="60020"), child(seat.name, side=Side.SELL, price="59990")
    await place(seat, buy)
    await place(seat, sale)

    read = await seat.port.read_account(Nanos(0))

    expected = dict(before)
    for trade in read.trades:
        expected[buy.base] += trade.side.sign * trade.quantity
        expected[buy.quote] -= trade.side.sign * trade.quantity * trade.price
        for fee in trade.fees:
            expected[fee.asset] -= fee.amount
    held = {b.asset: b.total for b in read.balances}
    assert {trade.side for trade in read.trades} == set(Side)
    assert {asset: held[asset] for asset in (buy.base, buy.quote)} == {
        asset: expected[asset] for asset in (buy.base, buy.quote)
    }
    assert all(b.free == b.total for b in read.balances)


async def test_absence_is_named_by_two_witnesses(seat):
    """An order that was never placed."""
    looked = await seat.port.look_up(child(seat.name), None)
    assert isinstance(looked.result, Missing)
    assert len(set(looked.result.endpoints)) >= 2
    assert looked.result.strangers == ()
    sought = (await seat.port.seek(seek(child(seat.name)))).result
    assert isinstance(sought, Missing)
    assert len(set(sought.endpoints)) >= 2


async def test_more_than_we_have_is_refused_for_good(seat):
    refused = await place(seat, child(seat.name, quantity="500", price="60030"))
    assert isinstance(refused, Refused)
    assert not refused.transient
    assert await traded(seat) == 0


async def test_a_price_off_the_grid_is_never_rounded(seat):
    for order in (child(seat.name, price="60010.123"), child(seat.name, quantity="0.123456789012")):
        assert isinstance(await place(seat, order), NotSent | Refused)
    assert await traded(seat) == 0


async def test_a_shut_gate_stops_the_copy(seat):
    """Nothing was sent, and the account knows of nothing."""
    order = child(seat.name)
    outcome, sent_ns = await seat.port.place(approved(order), None, lambda: "halted")
    assert outcome == NotSent(why="halted", by_gate=True)
    assert sent_ns is None
    assert isinstance((await seat.port.look_up(order, None)).result, Missing)


async def test_the_gate_is_asked_once_per_copy(seat):
    asked = []
    order = child(seat.name)
    await seat.port.place(approved(order), Nanos(order.decided_at_ns + TTL_NS), lambda: asked.append("asked"))
    assert asked == ["asked"]


@pytest.mark.parametrize("seat", seats(without=NEVER_UNIQUE), indirect=True)
async def test_an_id_of_an_open_order_makes_no_second_order(seat):
    """The answer is never a refusal. Where ids are not looked at nothing is ever sent twice."""
    order = child(seat.name, price="59000", time_in_force=TimeInForce.GTC)
    first, second = await place(seat, order), await place(seat, order)
    assert isinstance(first, Accepted)
    assert isinstance(second, Exists | Accepted)
    if isinstance(second, Accepted):
        assert second.venue_order_id == first.venue_order_id
    assert len((await seat.port.read_account(Nanos(0))).open_orders) == 1


async def test_a_resting_order_holds_money_until_it_is_cancelled(seat):
    """The second cancel proves nothing, and says so."""
    order = child(seat.name, quantity="0.5", price="59000", time_in_force=TimeInForce.GTC)
    accepted = await place(seat, order)
    assert isinstance(accepted, Accepted)
    read = await seat.port.read_account(Nanos(0))
    assert [each.client_id for each in read.open_orders] == [order.client_id]
    assert all(b.total - b.free >= 29_500 for b in read.balances if b.asset == order.quote)

    assert isinstance(await seat.port.cancel(order, accepted.venue_order_id), CancelTaken)
    assert isinstance(await seat.port.cancel(order, accepted.venue_order_id), CancelUnclear)

    assert (await found(seat, order)).order.status is VenueOrderStatus.CANCELLED
    assert all(b.free == b.total for b in (await seat.port.read_account(Nanos(0))).balances)


@pytest.mark.parametrize("seat", seats(by_day=_TRADED_BY_DAY), indirect=True)
async def test_a_resting_order_fills_in_parts_as_others_trade_through_it(seat):
    """At its own price, told each time by the stream, the reading and the record; then a cancel comes too late."""
    order = resting(seat)
    accepted = await place(seat, order)
    assert isinstance(accepted, Accepted)
    assert (await found(seat, order)).order.status is VenueOrderStatus.OPEN
    await seat.trade("SELL", "3", "60006")  # beside it: nothing
    told_before = len(hints_of(seat, order))

    await seat.trade("SELL", "0.2", "60000")

    await eventually(lambda: len(hints_of(seat, order)) > told_before)
    (listed,) = (await seat.port.read_account(Nanos(0))).open_orders
    told = await found(seat, order)
    assert (listed.client_id, listed.quantity, listed.executed) == (order.client_id, Decimal("0.5"), Decimal("0.2"))
    assert (told.order.status, told.order.executed) == (VenueOrderStatus.OPEN, Decimal("0.2"))
    assert [(trade.price, trade.quantity) for trade in told.trades] == [(Decimal(60005), Decimal("0.2"))]
    assert {trade.maker for trade in told.trades} <= {True, None}
    told_before = len(hints_of(seat, order))

    await seat.trade("SELL", "2", "60000")

    await eventually(lambda: len(hints_of(seat, order)) > told_before)
    assert isinstance(await seat.port.cancel(order, accepted.venue_order_id), CancelUnclear)
    told = await found(seat, order)
    assert (told.order.status, told.order.executed) == (VenueOrderStatus.FILLED, Decimal("0.5"))
    assert sum(trade.quantity for trade in told.trades) == Decimal("0.5") == await traded(seat)


@pytest.mark.parametrize("seat", seats(by_day=_TRADED_BY_DAY), indirect=True)
async def test_a_cancelled_rest_is_filled_by_nobody(seat):
    """What had filled by then stays."""
    order = resting(seat)
    accepted = await place(seat, order)
    await seat.trade("SELL", "0.2", "60000")
    await eventually(lambda: len(hints_of(seat, order)) > 1)

    assert isinstance(await seat.port.cancel(order, accepted.venue_order_id), CancelTaken)
    await seat.trade("SELL", "2", "60000")

    read = await seat.port.read_account(Nanos(0))
    told = await found(seat, order)
    assert read.open_orders == ()
    assert (told.order.status, told.order.executed) == (VenueOrderStatus.CANCELLED, Decimal("0.2"))
    assert [trade.quantity for trade in read.trades] == [Decimal("0.2")]
    assert all(b.free == b.total for b in read.balances)


async def test_a_post_only_order_rests_or_does_nothing(seat):
    """What would take is refused for that, or ends at once without a fill; a tick away from the market it rests.

    Of one that may neither take nor rest no venue hears.
    """
    told = await place(seat, child(seat.name, price="59000", post_only=True))
    assert isinstance(told, NotSent | Refused)
    assert "may not rest" in (told.why if isinstance(told, NotSent) else told.text)
    crossing, beside = resting(seat, price="60010", post_only=True), resting(seat, post_only=True)

    refused = await place(seat, crossing)
    assert isinstance(await place(seat, beside), Accepted)

    if isinstance(refused, Accepted):
        told = await found(seat, crossing)
        assert told.order.status.ended
        assert (told.order.status is VenueOrderStatus.FILLED, told.order.executed, told.trades) == (False, 0, ())
    else:
        assert isinstance(refused, Refused)
        assert (refused.would_cross, refused.transient) == (True, False)
    read = await seat.port.read_account(Nanos(0))
    assert [each.client_id for each in read.open_orders] == [beside.client_id]
    assert read.trades == ()


async def test_a_cancel_of_an_unknown_order_proves_nothing(seat):
    assert isinstance(await seat.port.cancel(child(seat.name), None), CancelUnclear)


async def test_reports_become_hints_under_both_ids(seat):
    """A reason to look."""
    order = child(seat.name)
    accepted = await place(seat, order)
    assert isinstance(accepted, Accepted)
    await eventually(lambda: [h for h in seat.notes.hints if h.client_id == order.client_id])
    hints = [hint for hint in seat.notes.hints if hint.client_id == order.client_id]
    assert {(hint.account, hint.venue_order_id) for hint in hints} == {(seat.port.account, accepted.venue_order_id)}


async def test_what_we_take_is_gone_from_the_book_we_are_shown(seat):
    """However often the book is lost and made anew meanwhile."""
    assert isinstance(await place(seat, child(seat.name, quantity="0.25")), Accepted)
    await eventually(lambda: [asks.get(60010.0) for asks in seat.notes.asks.values()] == [0.75])


async def test_a_stranger_who_moves_the_book_is_seen(seat):
    (listing,) = seat.notes.asks
    await seat.control.set_book(seat.name, child(seat.name).symbol, asks=[("60005", "0.5")], replace=False)
    await eventually(lambda: seat.notes.asks[listing].get(60005.0) == 0.5)


async def test_a_restart_forgets_nothing(seat):
    """The order, its trades, the balances and what still rests are as they were."""
    filled = child(seat.name, quantity="1.5", price="60020")
    resting = child(seat.name, price="59000", time_in_force=TimeInForce.GTC)
    await place(seat, filled)
    await place(seat, resting)
    before, told = await seat.port.read_account(Nanos(0)), await found(seat, filled)

    await seat.restart()

    after = await seat.port.read_account(Nanos(0))
    assert replace(after, asked_ns=before.asked_ns, key=before.key) == before  # the key was asked anew
    assert await found(seat, filled) == told
    assert isinstance(await seat.port.cancel(resting, None), CancelTaken)


async def test_trades_are_listed_since_a_time(seat):
    """And in their order."""
    await place(seat, child(seat.name, quantity="0.1"))
    (first,) = (await seat.port.read_account(Nanos(0))).trades
    late = replace(child(seat.name, quantity="0.2"), client_id=new_id())
    await place(seat, late)
    (of_late,) = (await found(seat, late)).trades
    trades = (await seat.port.read_account(Nanos(of_late.venue_time_ns))).trades
    assert (trades[-1].trade_id, trades[-1].quantity) == (of_late.trade_id, Decimal("0.2"))
    assert [trade.venue_time_ns for trade in trades] == sorted(trade.venue_time_ns for trade in trades)
    assert first.trade_id != trades[-1].trade_id


def test_an_id_is_spelled_the_same_every_time(seat):
    """A pure function, with no two ids spelled alike."""
    one, other = new_id(), new_id()
    assert seat.port.encode_id(one) == seat.port.encode_id(one) != seat.port.encode_id(other)
