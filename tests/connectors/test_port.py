"""The whole port, on each protocol, against a venue on this machine: judged by the venue's own record."""

from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.registry import DIALECTS
from router.model.errors import BadInput
from router.model.ids import ClientOrderId, Nanos, VenueOrderId
from router.model.instruments import FeeIn
from router.model.orders import TimeInForce, VenueOrderStatus
from router.model.outcomes import Accepted, CancelTaken, CancelUnclear, Exists, Found, Missing, NotSent, Refused
from router.model.side import Side
from router.model.terms import Fence
from tests.connectors.rig import (
    ASKS,
    BIDS,
    LAB_VENUES,
    NEVER_UNIQUE,
    SYMBOLS,
    WITH_DEADLINE,
    Notes,
    WallClock,
    approved,
    child,
    place,
    settings_for,
    venue_at,
)
from tests.waiting import eventually


async def test_listings_carry_the_venues_rules_and_our_fees(venue, venue_name, control):
    """Tick, step, minimums and the account's own taker rate."""
    (listing,) = venue._listings.values()
    (told,) = await control.venues()
    assert listing.symbol == SYMBOLS[venue_name]
    assert listing.taker_fee_bps == Decimal(told["taker_fee_bps"])
    assert listing.fee_in is (FeeIn.RECEIVED if venue_name in {"binance", "bybit", "okx"} else FeeIn.QUOTE)
    assert listing.tick == {"kraken": Decimal("0.1"), "okx": Decimal("0.1")}.get(venue_name, Decimal("0.01"))
    assert (listing.min_notional > 0) is (venue_name not in {"okx", "gemini"})  # which has a least quantity only


async def test_a_full_fill_is_found_with_all_its_trades(venue, venue_name, control):
    """An order over two levels: two trades, at the venue's own prices and fees."""
    order = child(venue_name, quantity="1.5", price="60020")
    accepted = await place(venue, order)
    assert isinstance(accepted, Accepted)

    found = (await venue.look_up(order, accepted.venue_order_id)).result

    (record,) = await control.orders(venue_name, client_id=venue.encode_id(order.client_id))
    truth = await control.trades(venue_name)
    assert isinstance(found, Found)
    assert found.order.status is VenueOrderStatus.FILLED
    assert found.order.executed == Decimal(record["executed"]) == Decimal("1.5")
    assert found.order.venue_order_id == accepted.venue_order_id
    assert {(t.price, t.quantity) for t in found.trades} == {
        (Decimal(t["price"]), Decimal(t["quantity"])) for t in truth
    }
    assert sum(fee.amount for t in found.trades for fee in t.fees) == sum(Decimal(t["fee"]) for t in truth)
    assert {t.client_id for t in found.trades} == {order.client_id}
    assert {fee.asset for t in found.trades for fee in t.fees} == {
        order.base if venue_name in {"binance", "bybit", "okx"} else "USD"
    }


async def test_what_an_ioc_does_not_fill_is_over(venue, venue_name):
    """A limit that reaches one level only: the rest ends, and is not left in the book."""
    order = child(venue_name, quantity="3", price="60010")
    await place(venue, order)
    found = (await venue.look_up(order, None)).result
    assert isinstance(found, Found)
    assert found.order.status.ended
    assert found.order.executed == sum(trade.quantity for trade in found.trades) == Decimal(1)
    assert found.order.quantity == Decimal(3)


async def test_a_sale_brings_quote(venue, venue_name, control):
    order = child(venue_name, side=Side.SELL, quantity="0.25", price="60000")
    await place(venue, order)
    found = (await venue.look_up(order, None)).result
    assert isinstance(found, Found)
    assert [trade.side for trade in found.trades] == [Side.SELL]
    assert {fee.asset for trade in found.trades for fee in trade.fees} == {order.quote}


async def test_absence_needs_every_endpoint_and_names_it(venue, venue_name):
    looked = await venue.look_up(child(venue_name), None)
    assert isinstance(looked.result, Missing)
    assert len(looked.result.endpoints) >= 2
    assert looked.result.strangers == ()


async def test_trades_of_named_orders_are_no_strangers(venue, venue_name):
    """Other children traded meanwhile: the venue's records name them, so absence stays provable."""
    lost = child(venue_name)
    for _ in range(3):
        await place(venue, child(venue_name, quantity="0.1"))
    looked = await venue.look_up(lost, None)
    assert isinstance(looked.result, Missing)
    assert looked.result.strangers == ()


async def test_refusals_carry_the_venues_code(venue, venue_name, control):
    """More than we have: refused for good, and nothing at the venue."""
    refused = await place(venue, child(venue_name, quantity="500", price="60030"))
    assert isinstance(refused, Refused)
    assert not refused.transient
    assert await control.orders(venue_name) == []


async def test_a_resting_order_can_be_cancelled_once(venue, venue_name):
    """The second cancel proves nothing, and says so."""
    order = child(venue_name, quantity="0.5", price="59000", time_in_force=TimeInForce.GTC)
    accepted = await place(venue, order)
    assert isinstance(accepted, Accepted)
    read = await venue.read_account(Nanos(order.decided_at_ns))
    assert [each.client_id for each in read.open_orders] == [order.client_id]

    assert isinstance(await venue.cancel(order, accepted.venue_order_id), CancelTaken)
    assert isinstance(await venue.cancel(order, accepted.venue_order_id), CancelUnclear)
    found = (await venue.look_up(order, accepted.venue_order_id)).result
    assert isinstance(found, Found)
    assert found.order.status is VenueOrderStatus.CANCELLED


async def test_a_cancel_without_the_venues_id_finds_its_order(venue, venue_name):
    order = child(venue_name, quantity="0.5", price="59000", time_in_force=TimeInForce.GTC)
    await place(venue, order)
    assert isinstance(await venue.cancel(order, None), CancelTaken)


@pytest.mark.parametrize("venue_name", [name for name in LAB_VENUES if name not in NEVER_UNIQUE], indirect=True)
async def test_an_id_of_an_open_order_exists(venue, venue_name, control):
    """Sent twice while the first is open: there is one order, and the answer is never a refusal."""
    order = child(venue_name, quantity="0.5", price="59000", time_in_force=TimeInForce.GTC)
    first = await place(venue, order)
    second = await place(venue, order)
    assert isinstance(first, Accepted)
    assert isinstance(second, Exists | Accepted)
    if isinstance(second, Accepted):
        assert second.venue_order_id == first.venue_order_id
    assert len(await control.orders(venue_name)) == 1


async def test_the_account_is_read_whole(venue, venue_name, control):
    """Balances, and more trades than fit on a page of any of the venues' lists."""
    start = Nanos(child(venue_name).decided_at_ns)
    await control.set_book(
        venue_name, SYMBOLS[venue_name], bids=BIDS, asks=[(str(60010 + i), "0.01") for i in range(60)]
    )
    await place(venue, child(venue_name, quantity="0.6", price="60100"))

    read = await venue.read_account(start)

    truth = await control.balances(venue_name)
    (held,) = truth.values()
    assert {b.asset: (b.total, b.free) for b in read.balances} == {
        asset: (Decimal(row["total"]), Decimal(row["free"])) for asset, row in held.items()
    }
    assert len(read.trades) == len(await control.trades(venue_name)) == 60
    assert len({trade.trade_id for trade in read.trades}) == 60
    assert list(read.trades) == sorted(read.trades, key=lambda trade: trade.venue_time_ns)


async def test_the_gate_is_asked_at_the_socket(venue, venue_name, control):
    """A gate that shuts stops the copy: nothing was sent, and the venue knows of nothing."""
    outcome, sent = await venue.place(approved(child(venue_name)), None, lambda: "halted")
    assert outcome == NotSent(why="halted", by_gate=True)
    assert sent is None
    assert await control.orders(venue_name) == []


@pytest.mark.parametrize("venue_name", WITH_DEADLINE, indirect=True)
async def test_a_passed_deadline_sends_nothing(venue, venue_name, control):
    """Where none is taken, the gate is what stops a late copy."""
    order = child(venue_name)
    outcome, sent = await venue.place(approved(order), Nanos(order.decided_at_ns - 1), lambda: None)
    assert isinstance(outcome, NotSent)
    assert sent is None


async def test_a_price_off_the_grid_is_not_rounded_by_ccxt(venue, venue_name, control):
    """Rounding half up would buy dearer than asked."""
    assert isinstance(await place(venue, child(venue_name, price="60010.123")), NotSent)
    assert isinstance(await place(venue, child(venue_name, quantity="0.123456789012")), NotSent)
    assert await control.orders(venue_name) == []


async def test_an_unknown_symbol_is_named_in_a_sentence(lab, venue_name):
    account = venue_at(lab, venue_name, symbols={"BTC/XYZ": "BTC/USD"})
    with pytest.raises(BadInput, match=f"{venue_name} has no spot market BTC/XYZ; it trades BTC/USD"):
        await account.start(Notes())


async def test_private_reports_become_hints(venue, venue_name, notes):
    """Under our id and the venue's: a reason to look."""
    order = child(venue_name)
    accepted = await place(venue, order)
    assert isinstance(accepted, Accepted)
    await eventually(lambda: [h for h in notes.hints if h.client_id == order.client_id])
    ids = {hint.venue_order_id for hint in notes.hints if hint.client_id == order.client_id}
    assert ids == {VenueOrderId(accepted.venue_order_id)}


async def test_books_follow_the_venue(venue, venue_name, notes, control):
    """What we take from the venue's book is gone from ours, too."""
    await place(venue, child(venue_name, quantity="0.25"))
    (listing,) = notes.asks
    await eventually(lambda: notes.asks[listing].get(60010.0) == 0.75)
    truth = await control.book(venue_name, SYMBOLS[venue_name])
    assert notes.bids[listing] == {float(price): float(size) for price, size in truth["bids"]}
    assert notes.asks[listing] == {float(price): float(size) for price, size in truth["asks"]}
    assert {float(price) for price, _ in ASKS} == set(notes.asks[listing])


async def test_ids_of_others_are_not_ours(venue, venue_name, lab):
    """An order placed by other software is read, and carries no id of ours."""
    order = child(venue_name, quantity="0.5", price="59000", time_in_force=TimeInForce.GTC)
    venue._dialect.encode_id = lambda _client_id: "web1"
    await place(venue, order)
    read = await venue.read_account(Nanos(order.decided_at_ns))
    assert [each.client_id for each in read.open_orders] == [None]
    assert ClientOrderId("web1") not in {each.client_id for each in read.open_orders}


@pytest.mark.parametrize("venue_name", [name for name in LAB_VENUES if DIALECTS[name].dedupes_for_ever], indirect=True)
async def test_a_second_copy_at_a_venue_that_dedupes_for_ever_is_the_first_order(lab, venue, venue_name, control):
    """A filled order's id, sent again: Coinbase brings the first order back, Bitstamp refuses. Others fill again."""
    order = child(venue_name, quantity="0.1")
    first, second = await place(venue, order), await place(venue, order)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted | Exists)
    assert second.venue_order_id in {first.venue_order_id, None if venue_name in {"bitstamp", "bybit"} else ""}
    assert len(await control.orders(venue_name)) == 1


@pytest.mark.parametrize(
    ("name", "fence", "licensed", "fits"),
    [
        ("binance", Fence.DEADLINE, False, True),
        ("kraken", Fence.DEADLINE, False, True),
        ("coinbase", Fence.DEADLINE, False, False),
        ("coinbase", Fence.PERMANENT_DEDUPE, False, False),
        ("coinbase", Fence.PERMANENT_DEDUPE, True, True),
        ("binance", Fence.PERMANENT_DEDUPE, True, False),
        ("bybit", Fence.DEADLINE, False, True),
        ("bybit", Fence.PERMANENT_DEDUPE, False, False),
        ("bybit", Fence.PERMANENT_DEDUPE, True, True),
        ("coinbase", Fence.NONE, False, True),
        ("okx", Fence.DEADLINE, False, True),
        ("okx", Fence.PERMANENT_DEDUPE, True, False),
        ("bitstamp", Fence.DEADLINE, False, False),
        ("bitstamp", Fence.PERMANENT_DEDUPE, False, False),
        ("bitstamp", Fence.PERMANENT_DEDUPE, True, True),
        ("bitstamp", Fence.NONE, False, True),
        ("gemini", Fence.DEADLINE, False, False),
        ("gemini", Fence.PERMANENT_DEDUPE, True, False),
        ("gemini", Fence.NONE, False, True),
    ],
)
def test_a_fence_the_venue_has_not_is_refused(name, fence, licensed, fits):
    settings = settings_for(name, None, {}, dedupe_licensed=licensed)
    settings = replace(settings, terms=replace(settings.terms, fence=fence))
    if fits:
        CcxtVenue(settings, WallClock())
        return
    with pytest.raises(BadInput, match=f"{name} has no fence"):
        CcxtVenue(settings, WallClock())
