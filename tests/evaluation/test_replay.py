"""What a replayed parent meets: books that moved before its orders came, and what it took itself."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.evaluation.contestants import RIVALS, Sent, this_router
from router.evaluation.history import BookHistory, MarketHistory
from router.evaluation.makers import Makers, seeded
from router.evaluation.replay import Delays, Task, World, clairvoyant, replay
from router.model.ids import Asset, EntityId, InstrumentId, Nanos, ParentId, RefId
from router.model.instruments import Instrument
from router.model.market import FxMark, Level
from router.model.orders import ParentOrder
from router.model.policies import SweepParams
from router.model.side import Side
from tests.split.markets import listing

BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))
DELAYS = Delays(feed_ms={"A": 10, "B": 10}, order_ms={"A": 50, "B": 50}, order_sigma=0.0)
MS = 1_000_000


def levels(text: str) -> tuple[Level, ...]:
    return tuple(Level(*map(Decimal, one.split("x"))) for one in text.split())


def book(venue: str, *moments: tuple[int, str], **rules: str) -> BookHistory:
    found = BookHistory(listing=listing(venue, **rules))
    for at_ms, asks in moments:
        found.add(at_ms * MS, levels("99x10"), levels(asks))
    return found


def market(*books: BookHistory) -> MarketHistory:
    return MarketHistory(
        name="test",
        instrument=BTC_USD,
        books=books,
        fx=(FxMark(asset=Asset("USD"), rate=Decimal(1), age_ns=0, source="test"),),
        begins_ns=Nanos(0),
        ends_ns=Nanos(60_000 * MS),
    )


def task(quantity: str, at_ms: int = 1_000, **params: int) -> Task:
    order = ParentOrder(
        id=ParentId("p"),
        entity=EntityId("e"),
        ref_id=RefId("r"),
        instrument=BTC_USD.id,
        side=Side.BUY,
        quantity=Decimal(quantity),
        limit_price=None,
        policy="SWEEP",
        params=SweepParams(**params),
    )
    return Task(order=order, at_ns=Nanos(at_ms * MS), seed="test")


def test_in_a_market_that_stands_still_a_parent_costs_what_was_planned():
    still = market(book("A", (0, "101x1 102x5")), book("B", (0, "101.5x2")))

    run = replay(still, DELAYS, task("2.5"), this_router(None))

    assert run.cost_bps == run.planned_bps == clairvoyant(still, DELAYS, task("2.5"))
    assert (run.filled, run.left, run.rounds, run.children) == (Decimal("2.5"), 0, 1, 2)


def test_what_has_gone_before_an_order_arrives_is_missed_and_planned_again():
    """The level at 101 goes 30 ms after the decision, 22 ms before the order could reach it."""
    moved = market(book("A", (0, "101x1"), (1_030, "103x1")), book("B", (0, "102x5")))

    run = replay(moved, DELAYS, task("1"), this_router(None))

    assert run.missed == 0.5
    assert run.rounds == 2
    assert run.cost_bps == pytest.approx((102 / 100 - 1) * 1e4)  # the mid at arrival: between 99 and 101


def test_no_fill_is_beyond_an_orders_limit():
    world = World(market(book("A", (0, "101x1 102x5"))), DELAYS, Side.BUY)
    order = Sent(listing_id=world.history.books[0].listing.id, quantity=Decimal(3), limit_price=Decimal("101.9"))

    assert world.trade(order, 500 * MS) == (Decimal(1), Decimal(101))


@pytest.mark.parametrize(("from_top", "shown"), [(False, "100.5x4 102x5"), (True, "100.5x3 102x5")])
def test_what_was_taken_is_missing_for_a_second(from_top, shown):
    """At its own price; or, read harder, from the best that stands there by then. After a second all of it is back."""
    moves = book("A", (0, "101x1 102x5"), (600, "100.5x4 102x5"), (3_000, "101x1 102x5"))
    world = World(market(moves), replace(DELAYS, from_top=from_top), Side.BUY)
    world.trade(Sent(listing_id=moves.listing.id, quantity=Decimal(1), limit_price=Decimal(101)), 500 * MS)

    assert world.view(550 * MS, feed=False).listings[0].asks == levels("102x5")
    assert world.view(700 * MS, feed=False).listings[0].asks == levels(shown)
    assert world.view(1_600 * MS, feed=False).listings[0].asks == levels("100.5x4 102x5")


def test_makers_elsewhere_withdraw_the_share_that_was_duplicated():
    hit = replace(market(book("A", (0, "101x4")), book("B", (0, "101x4"))), duplicated=Decimal("0.25"))
    world = World(hit, DELAYS, Side.BUY)
    world.trade(Sent(listing_id=hit.books[0].listing.id, quantity=Decimal(4), limit_price=Decimal(101)), 500 * MS)

    assert world.view(501 * MS, feed=False).listings[1].asks == levels("101x3")


def test_a_first_round_goes_as_far_as_its_reach_and_the_last_ones_go_all_the_way():
    deep = market(book("A", (0, "100.000x1 100.001x1 100.010x1 100.500x5")))
    run = replay(deep, DELAYS, task("4"), this_router(Decimal("0.2")))

    assert run.filled == Decimal(4)
    assert run.rounds > 2
    assert replay(deep, DELAYS, task("4"), this_router(None)).rounds == 1


def test_dust_ends_a_parent_instead_of_using_up_its_rounds():
    run = replay(market(book("A", (0, "101x5"), step="0.1", minimum="0.1")), DELAYS, task("1.05"), this_router(None))

    assert (run.left, run.rounds) == (Decimal("0.05"), 2)


def test_no_rival_plans_cheaper_on_the_same_view():
    """Without latency it is a theorem: what is planned on a view costs no more than any rival's plan for the same."""
    makers = tuple(
        Makers(
            listing=listing(venue, fee=fee, step=step, tick="0.1"),
            lag_ms=lag,
            requote_bps=0.4,
            redraw_per_s=12,
            half_spread_bps=0.15,
            gap_bps=0.3,
            size=0.6,
        )
        for venue, fee, step, lag in (("A", "4", "0.001", 0), ("B", "5", "0.01", 60))
    )
    lively = seeded("dominance", BTC_USD, makers, seconds=20)
    compared = 0
    for number in range(40):
        one = task(f"{0.05 * (number + 1):.2f}", at_ms=1_000 + 400 * number)
        ours = replay(lively, DELAYS, one, this_router(None)).planned_bps
        for rule in RIVALS.values():
            theirs = replay(lively, DELAYS, one, rule).planned_bps
            if ours is not None and theirs is not None:
                assert ours <= theirs + 1e-9
                compared += 1
    assert compared > 100
