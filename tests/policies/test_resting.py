"""Policies that rest: what stands, at which price, and when it is taken off; and what holds whatever the market."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import POLICIES
from policies.passive_then_sweep import PassiveThenSweep
from router.model.ids import AccountId, Asset, ClientOrderId, InstrumentId, ListingId, Nanos, VenueId
from router.model.instruments import FeeIn, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.policies import (
    Envelope,
    IcebergParams,
    LimitOrBetterParams,
    OffsetIn,
    PassiveThenSweepParams,
    PegParams,
    PegTo,
    Placement,
    PolicyParams,
    Refresh,
    Slicing,
)
from router.model.public_trades import TradeCounters
from router.model.rounding import on_grid
from router.model.side import Side
from router.ports.policy import Progress, Quote, Resting, Target
from tests.policies.makers import MS, START, S, fresh, order

TICK = Decimal("0.01")
FOUR = PassiveThenSweepParams(slicing=Slicing(slices=4))


def book(venue: str, bids: str, asks: str) -> ListingView:
    """`99.9:5 99.8:2`, best first."""

    def levels(text: str) -> tuple[Level, ...]:
        return tuple(Level(*map(Decimal, one.split(":"))) for one in text.split())

    account = AccountId(f"{venue}/main")
    listing = Listing(
        id=ListingId(f"{account}:BTC/USD"),
        instrument=InstrumentId("BTC/USD"),
        venue=VenueId(venue),
        account=account,
        symbol="BTC/USD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        tick=TICK,
        step=Decimal("0.01"),
        min_quantity=Decimal("0.01"),
        min_notional=Decimal(1),
        max_quantity=None,
        taker_fee_bps=Decimal(10),
        fee_in=FeeIn.QUOTE,
    )
    return ListingView(listing=listing, bids=levels(bids), asks=levels(asks), book_age_ns=0, book_seq=1)


def market(*books: ListingView) -> MarketView:
    usd = FxMark(asset=Asset("USD"), rate=Decimal(1), age_ns=0, source="reporting currency")
    return MarketView(instrument=InstrumentId("BTC/USD"), at_ns=START, listings=books, fx=(usd,))


TWO = market(book("a", "99.90:5 99.80:5", "100.10:5"), book("b", "99.85:5", "100.20:5"))


def progress(policy: str, params: PolicyParams, quantity: str = "10", **more: Any) -> Progress:
    facts = {name: more.pop(name) for name in tuple(more) if name in Progress.__dataclass_fields__}
    return fresh(order(policy, params, quantity, **more), **facts)


def standing(price: str, left: str, venue: str = "a", since_ns: int = START) -> Resting:
    return Resting(
        client_id=ClientOrderId(f"{venue}{price}"),
        listing_id=ListingId(f"{venue}/main:BTC/USD"),
        price=Decimal(price),
        left=Decimal(left),
        since_ns=Nanos(since_ns),
    )


def with_standing(done: Progress, *resting: Resting) -> Progress:
    return replace(done, resting=resting, working=sum((one.left for one in resting), Decimal(0)))


def asked(done: Progress, after_ms: int = 0, view: MarketView | None = TWO) -> Target:
    return POLICIES[done.order.policy].target(done, Nanos(START + after_ms * MS), view)


def told(target: Target) -> list[str]:
    return [f"{quote.listing_id[0]} {quote.quantity}@{quote.price}" for quote in target.quotes or ()]


# LIMIT_OR_BETTER.


def test_a_limit_does_not_follow_every_touch() -> None:
    """It stands at one place for a while, though another venue's touch is better, and moves only then."""
    limit = progress("LIMIT_OR_BETTER", LimitOrBetterParams(stand_ms=2_000), limit_price=Decimal("99.50"))
    here = with_standing(limit, standing("99.50", "10", "b"))

    assert told(asked(limit)) == ["a 10@99.50"]
    assert told(asked(here, after_ms=1_999)) == ["b 10@99.50"]
    assert told(asked(here, after_ms=2_000)) == []


# ICEBERG.


def iceberg(**more: Any) -> Progress:
    params = more.pop("params", IcebergParams(display_quantity=Decimal(2), refresh_ms=0))
    return progress("ICEBERG", params, limit_price=Decimal("99.50"), **more)


def test_an_iceberg_shows_one_piece_at_its_limit() -> None:
    """And the next once that is filled, until the last, which takes a rest too small to stand by itself."""
    assert told(asked(iceberg())) == ["a 2@99.50"]
    here = with_standing(iceberg(filled=Decimal(1)), standing("99.50", "1"))
    assert told(asked(here)) == ["a 1@99.50"]
    assert told(asked(iceberg(filled=Decimal(2)))) == ["a 2@99.50"]
    assert told(asked(iceberg(filled=Decimal("7.95"), slice_min=Decimal("0.1")))) == ["a 2.05@99.50"]


def test_an_iceberg_waits_for_a_piece_nobody_knows_of() -> None:
    """Two at once would show more than was asked for."""
    assert told(asked(iceberg(in_doubt=Decimal(2)))) == []


def test_an_iceberg_refreshed_by_the_clock_takes_its_piece_off_in_turn() -> None:
    """First withdrawn, then placed."""
    params = IcebergParams(display_quantity=Decimal(2), refresh=Refresh.TIMED, refresh_ms=3_000)
    here = with_standing(iceberg(params=params), standing("99.50", "2"))

    assert asked(here, 2_999).quotes is not None
    assert told(asked(here, 2_999)) == ["a 2@99.50"]
    assert asked(here, 3_000).quotes == ()


# PEG.


@pytest.mark.parametrize(
    ("to", "offset", "unit", "more", "price"),
    [
        (PegTo.NEAR, "0", OffsetIn.PRICE, {}, "99.90"),
        (PegTo.NEAR, "0.25", OffsetIn.PRICE, {}, "99.65"),
        (PegTo.NEAR, "1", OffsetIn.DEPTH, {}, "99.80"),
        (PegTo.MID, "0", OffsetIn.PRICE, {}, "100.00"),
        (PegTo.MID, "10", OffsetIn.BPS, {}, "99.90"),
        (PegTo.FAR, "0", OffsetIn.PRICE, {}, "100.10"),
        (PegTo.FAR, "0", OffsetIn.PRICE, {"envelope": Envelope(passive_only=True)}, "100.09"),
        (PegTo.MID, "0", OffsetIn.PRICE, {"limit_price": Decimal("99.955")}, "99.95"),
    ],
)
def test_a_peg_stands_where_it_should(to: PegTo, offset: str, unit: OffsetIn, more: dict[str, Any], price: str) -> None:
    """On the tick, within its limit; only one that follows the far side may take, and not if it is passive."""
    params = PegParams(peg_to=to, offset=Decimal(offset), offset_in=unit)
    target = asked(progress("PEG", params, **more))

    assert told(target) == [f"a 10@{price}"]
    assert target.quotes is not None
    assert target.quotes[0].post_only is (price != "100.10")


def test_a_peg_moves_when_the_market_has_and_its_time_has_come() -> None:
    """Not before its interval is over, and not for a market that stands where it did."""
    params = PegParams(min_reprice_interval_ms=1_000)
    here = with_standing(progress("PEG", params), standing("99.90", "10"))
    moved = market(book("a", "99.70:5", "100.10:5"))

    assert told(asked(here, 5_000)) == ["a 10@99.90"]
    assert told(asked(here, 999, moved)) == ["a 10@99.90"]
    assert told(asked(here, 1_000, moved)) == ["a 10@99.70"]
    assert asked(here, 5_000, market(book("b", "99.70:5", "100.10:5"))).quotes == ()


# PASSIVE_THEN_SWEEP: an hour in four quarters, each worked from its middle for 70 % of a quarter.

MIDDLE_MS = 450_000
PATIENT_MS = MIDDLE_MS + 630_000


def test_a_slice_rests_at_the_touches_and_is_taken_when_its_patience_is_over() -> None:
    """Equal parts at the best two; what stands is withdrawn before it is taken."""
    done = progress("PASSIVE_THEN_SWEEP", FOUR)
    assert asked(done).not_before_ns == START + MIDDLE_MS * MS
    assert told(asked(done, MIDDLE_MS)) == ["a 1.25@99.90", "b 1.25@99.85"]

    here = with_standing(done, standing("99.90", "1.25"), standing("99.85", "1.25", "b"))
    assert told(asked(here, MIDDLE_MS + 1_000)) == ["a 1.25@99.90", "b 1.25@99.85"]
    assert asked(here, PATIENT_MS, None).quotes == ()
    late = asked(replace(done, filled=Decimal("1.5")), PATIENT_MS)
    assert (late.quotes, late.quantity) == (None, Decimal("2.5"))


def test_a_touch_that_moved_away_is_followed_and_one_that_ran_away_is_taken() -> None:
    """By a few ticks it is quoted anew; by `stop_ticks` its slice is over with waiting."""
    since_ns = START + MIDDLE_MS * MS
    stood = standing("99.70", "2.5", since_ns=since_ns)
    done = progress("PASSIVE_THEN_SWEEP", replace(FOUR, stop_ticks=30, venues_max=1))

    assert asked(with_standing(done, stood), MIDDLE_MS + 1_000).quotes == ()
    followed = asked(replace(done, last_rested=stood), MIDDLE_MS + 2_000)
    assert told(followed) == ["a 2.50@99.90"]
    ran = asked(replace(done, last_rested=replace(stood, price=Decimal("99.60"))), MIDDLE_MS + 2_000)
    assert (ran.quotes, ran.quantity) == (None, Decimal("2.50"))


def test_one_that_may_not_take_goes_on_resting() -> None:
    """Its patience never ends."""
    passive = Envelope(duration_ms=3_600_000, passive_only=True)
    done = progress("PASSIVE_THEN_SWEEP", FOUR, envelope=passive)

    assert told(asked(done, PATIENT_MS)) == ["a 1.25@99.90", "b 1.25@99.85"]


def test_queues_are_weighed_where_it_is_asked_for_and_their_speed_is_known() -> None:
    """A short queue that moves gets more than a long one that hardly does; without a tape it is equal parts."""
    begun = Nanos(START - 600 * S)

    def taped(one: ListingView, sold: str) -> ListingView:
        return replace(
            one, trades=TradeCounters(begun, 9, Decimal(sold), Decimal(sold), Decimal(0), Decimal(sold), START)
        )

    def venues(first: str, second: str) -> MarketView:
        fast, slow = book("a", f"99.90:{first}", "100.10:5"), book("b", "99.90:40", "100.10:5")
        return market(taped(fast, "60"), taped(slow, second))

    asks = replace(FOUR, placement=Placement.QUEUES)
    view = venues("2", "1")
    weighed = asked(
        progress("PASSIVE_THEN_SWEEP", asks, last_round_ns=Nanos(START + MIDDLE_MS * MS)), MIDDLE_MS + 1, view
    )
    even = asked(progress("PASSIVE_THEN_SWEEP", FOUR), MIDDLE_MS, view)

    assert told(even) == ["a 1.25@99.90", "b 1.25@99.90"]
    assert {one.listing_id[0] for one in weighed.quotes or ()} == {"a"}
    assert told(asked(progress("PASSIVE_THEN_SWEEP", asks), MIDDLE_MS)) == ["a 1.25@99.90", "b 1.25@99.85"]


# Whatever the market.

PRICES = st.integers(9_900, 10_100).map(lambda cents: Decimal(cents) / 100)
SIZES = st.integers(1, 2_000).map(lambda lots: Decimal(lots) / 100)
PARAMS = st.sampled_from(
    [
        ("LIMIT_OR_BETTER", LimitOrBetterParams()),
        ("ICEBERG", IcebergParams(display_quantity=Decimal("0.5"), variance_pct=50)),
        ("PEG", PegParams()),
        ("PEG", PegParams(peg_to=PegTo.MID, offset=Decimal(3), offset_in=OffsetIn.BPS)),
        ("PEG", PegParams(peg_to=PegTo.FAR, offset=Decimal("0.02"))),
        ("PASSIVE_THEN_SWEEP", FOUR),
    ]
)


@st.composite
def books(draw: st.DrawFn, venue: str) -> ListingView:
    bid = draw(PRICES)
    ask = bid + draw(st.integers(1, 50)) * TICK
    return book(venue, f"{bid}:{draw(SIZES)}", f"{ask}:{draw(SIZES)}")


@settings(max_examples=150, deadline=None)
@given(
    which=PARAMS,
    side=st.sampled_from(Side),
    limit=st.integers(98_000, 102_000).map(lambda tenths: Decimal(tenths) / 1_000),
    quantity=SIZES,
    filled=st.integers(0, 100),
    at_ms=st.sampled_from((0, 460_000, 1_000_000, 3_200_000, 3_599_999)),
    first=books("a"),
    second=books("b"),
    chance=st.booleans(),
)
def test_whatever_the_market_nothing_stands_where_it_must_not(
    which: tuple[str, PolicyParams],
    side: Side,
    limit: Decimal,
    quantity: Decimal,
    filled: int,
    at_ms: int,
    first: ListingView,
    second: ListingView,
    chance: bool,
) -> None:
    """On the tick, never beyond the limit, post-only short of the other side; no more than is left in all."""
    envelope = Envelope(duration_ms=3_600_000, passive_only=chance)
    done = progress(which[0], which[1], str(quantity), side=side, limit_price=limit, envelope=envelope)
    done = replace(done, filled=(quantity * filled / 101).quantize(Decimal("0.01")), slice_min=Decimal("0.02"))
    view = market(first, second)

    target = POLICIES[which[0]].target(done, Nanos(START + at_ms * MS), view)

    assert target.quantity <= max(done.order.quantity, done.committed)
    quotes = target.quotes or ()
    assert sum((one.quantity for one in quotes), Decimal(0)) <= done.open_quantity
    for one in quotes:
        _holds(one, side, limit, next(each for each in view.listings if each.listing.id == one.listing_id))
    if chance and target.quotes is None:
        assert done.due(target) == 0  # one that may not take never takes


def _holds(one: Quote, side: Side, limit: Decimal, where: ListingView) -> None:
    assert one.quantity > 0
    assert on_grid(one.price, TICK)
    assert (one.price - limit) * side.sign <= 0
    if one.post_only:
        against = where.asks if side is Side.BUY else where.bids
        assert (one.price - against[0].price) * side.sign < 0


@settings(max_examples=60, deadline=None)
@given(quantity=SIZES, slices=st.integers(1, 6), rested=st.lists(st.integers(0, 100), min_size=6, max_size=6))
def test_a_schedule_that_rests_and_takes_comes_to_exactly_all(
    quantity: Decimal, slices: int, rested: list[int]
) -> None:
    """Whatever part of each slice fills while it rests: the rest is taken, no slice is below the least, all is done."""
    params = PassiveThenSweepParams(slicing=Slicing(slices=slices), patience_pct=50)
    done = progress("PASSIVE_THEN_SWEEP", params, str(quantity), slice_min=Decimal("0.05"))
    policy, window_ms = PassiveThenSweep(), 3_600_000 // slices
    for number in range(slices):
        begins_ms = window_ms * number + (window_ms // 2 if slices > 1 else 0)
        quotes = policy.target(done, Nanos(START + (begins_ms + 1) * MS), TWO).quotes or ()
        assert all(one.quantity >= min(Decimal("0.05"), done.open_quantity) for one in quotes)
        part = sum((one.quantity for one in quotes), Decimal(0)) * rested[number] / 100
        done = replace(done, filled=done.filled + part.quantize(Decimal("0.01"), rounding="ROUND_FLOOR"))
        taken = policy.target(done, Nanos(START + (begins_ms + window_ms // 2 + 1) * MS), TWO)
        if taken.quotes is None and not taken.finished:
            done = replace(done, filled=max(taken.quantity, done.filled))

    assert done.filled == quantity
