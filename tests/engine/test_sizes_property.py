"""Whatever the books: a round for money, or for base after fees, never comes to more than was due."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from router.engine import sizing
from router.engine.asking import split_request
from router.model.ids import EntityId, ParentId, RefId
from router.model.instruments import FeeIn
from router.model.market import ListingView, MarketView
from router.model.money import ONE, ZERO, exactly
from router.model.orders import ParentOrder, QuantityBasis
from router.model.policies import SweepParams
from router.model.rounding import on_grid
from router.model.side import Side
from router.ports import Target
from router.split import check
from router.split.split import split
from tests.engine.desk import BTC_USD, LIMITS, Desk

PRICES = st.integers(9_000, 11_000).map(lambda cents: Decimal(cents).scaleb(-2))
SIZES = st.integers(1, 50_000).map(lambda lots: Decimal(lots).scaleb(-4))
OTHER = st.sampled_from([QuantityBasis.NET, QuantityBasis.VALUE, QuantityBasis.VALUE_NET])


@st.composite
def books(draw: st.DrawFn) -> MarketView:
    desk = Desk()
    for venue in ("kraken", "binance", "coinbase")[: draw(st.integers(1, 3))]:
        asks = sorted(draw(st.lists(st.tuples(PRICES, SIZES), min_size=1, max_size=6, unique_by=lambda one: one[0])))
        bids = [(price - Decimal(30), size) for price, size in reversed(asks)]
        lines = [f"{venue} ask {price} {size}" for price, size in asks]
        lines += [f"{venue} bid {price} {size}" for price, size in bids]
        lines[0] += f" fee {draw(st.integers(0, 80))}bp"
        desk.market("\n".join(lines))
        listing = replace(desk.books[venue].listing, fee_in=draw(st.sampled_from([FeeIn.QUOTE, FeeIn.RECEIVED])))
        desk.books[venue] = replace(desk.books[venue], listing=listing)
    return desk.view()


def order(side: Side, basis: QuantityBasis, asked: Decimal, limit: Decimal | None) -> ParentOrder:
    return ParentOrder(
        id=ParentId("P1"),
        entity=EntityId("acme"),
        ref_id=RefId("r"),
        instrument=BTC_USD.id,
        side=side,
        quantity=ZERO,
        limit_price=limit,
        policy="SWEEP",
        params=SweepParams(),
        quantity_basis=basis,
        asked=asked,
    )


@settings(max_examples=60, deadline=None)
@given(books(), st.sampled_from(Side), OTHER, st.integers(1, 2_000_000), st.none() | PRICES)
def test_no_round_comes_to_more_than_was_due(
    view: MarketView, side: Side, basis: QuantityBasis, cents: int, limit: Decimal | None
) -> None:
    """At its limits and the full fees, on the lots and above the minimums; the independent checker accepts the plan."""
    asked = Decimal(cents).scaleb(-2) if basis.by_value else Decimal(cents).scaleb(-4)
    with exactly():
        parent = sizing.accepted(order(side, basis, asked, limit), LIMITS, view)
        size = sizing.sized(parent, view, asked, parent.quantity)
        request = split_request(parent, view, size, Target(quantity=asked), LIMITS, spendable=None)
        plan = split(request)
        assert check.violations(request, plan) == ()
        sent = base = ZERO
        for line in plan.lines:
            book = next(one for one in view.listings if one.listing.id == line.listing_id)
            assert on_grid(line.quantity, book.listing.step)
            assert line.quantity * line.limit_price >= book.listing.min_notional
            assert limit is None or (line.limit_price - limit) * side.sign <= 0
            sent += _came_to(parent, book, line.quantity, line.limit_price)
            base += line.quantity
    net_buy = basis is QuantityBasis.NET and side is Side.BUY
    assert sent <= asked if not net_buy else sent < asked + Decimal("0.0001")
    assert base <= parent.quantity


def _came_to(parent: ParentOrder, book: ListingView, quantity: Decimal, limit: Decimal) -> Decimal:
    """By hand, with the venue's own fee: what a fill at the limit would count."""
    tau, buys = book.listing.taker_fee_bps.scaleb(-4), parent.side is Side.BUY
    in_base = book.listing.fee_in is FeeIn.RECEIVED and buys
    with_fee = ONE if in_base else ONE + tau if buys else ONE - tau
    match parent.quantity_basis:
        case QuantityBasis.VALUE:
            return quantity * limit
        case QuantityBasis.VALUE_NET:
            return quantity * limit * with_fee
        case _:
            return quantity * (ONE - tau) if in_base else quantity
