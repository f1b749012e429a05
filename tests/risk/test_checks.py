"""Each check refuses for its one reason, and only then."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    Nanos,
    ParentId,
    RefId,
    VenueId,
    listing_id,
)
from router.model.instruments import FeeIn, Listing
from router.model.market import Level, ListingView
from router.model.orders import Approved, ChildOrder, ParentOrder, TimeInForce
from router.model.policies import SweepParams
from router.model.side import Side
from router.model.terms import Fence, RiskLimits, VenueTerms
from router.risk import CHECKS, Refusal, RiskView, approve_copy, review

NOW = Nanos(1_000_000_000_000)
ACCOUNT = AccountId("kraken/main")
LISTING = Listing(
    id=listing_id(ACCOUNT, "BTC/USD"),
    instrument=InstrumentId("BTC/USD"),
    venue=VenueId("kraken"),
    account=ACCOUNT,
    symbol="BTC/USD",
    base=Asset("BTC"),
    quote=Asset("USD"),
    tick=Decimal("0.1"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.01"),
    min_notional=Decimal(10),
    max_quantity=Decimal(5),
    taker_fee_bps=Decimal(10),
    fee_in=FeeIn.QUOTE,
)
ORDER = ChildOrder(
    client_id=ClientOrderId("0" * 32),
    parent_id=ParentId("P"),
    entity=EntityId("acme"),
    number=1,
    venue=LISTING.venue,
    account=ACCOUNT,
    listing_id=LISTING.id,
    symbol="BTC/USD",
    base=Asset("BTC"),
    quote=Asset("USD"),
    side=Side.BUY,
    quantity=Decimal(1),
    limit_price=Decimal(1000),
    time_in_force=TimeInForce.IOC,
    decided_at_ns=NOW,
    deadline_ns=None,
)
VIEW = RiskView(
    limits=RiskLimits(
        parent_quantity_max=Decimal(10),
        parent_notional_max=Decimal(100_000),
        child_notional_max=Decimal(5_000),
        day_notional_max=Decimal(50_000),
        collar_bps=Decimal(100),
        book_age_ms_max=2_000,
    ),
    terms=VenueTerms(
        account=ACCOUNT,
        fence=Fence.DEADLINE,
        request_ttl_ms=1,
        engine_wait_ms=1,
        read_lag_ms=1,
        look_up_wait_ms=1,
        quarantine_after_ms=1,
        outstanding_max=2,
    ),
    parent=ParentOrder(
        id=ParentId("P"),
        entity=EntityId("acme"),
        ref_id=RefId("P1"),
        instrument=InstrumentId("BTC/USD"),
        side=Side.BUY,
        quantity=Decimal(3),
        limit_price=Decimal(1005),
        policy="SWEEP",
        params=SweepParams(),
    ),
    listing=LISTING,
    book=ListingView(
        listing=LISTING, bids=(Level(Decimal(999), Decimal(1)),), asks=(), book_age_ns=1_000_000, book_seq=1
    ),
    fx_rate=Decimal(1),
    collar_price=Decimal(1010),
    exposure=Decimal(2),
    available=Decimal(1001),
    reserves=Decimal(1001),
    notional=Decimal(1000),
    day_notional=Decimal(49_000),
    outstanding=1,
    gate_open=True,
    halted=False,
    halt_epoch=7,
    now_ns=NOW,
)


def test_at_every_bound_a_child_still_passes() -> None:
    """What passes carries when it was approved, and in which halt epoch."""
    approved = review(ORDER, VIEW, CHECKS)

    assert approved == Approved(ORDER, approved_at_ns=NOW, halt_epoch=7)


@pytest.mark.parametrize(
    ("order", "view", "reason"),
    [
        ({}, {"halted": True}, "halted"),
        ({}, {"gate_open": False}, "not open"),
        ({}, {"exposure": Decimal("2.001")}, "of a parent of 3"),
        ({"limit_price": Decimal("1005.1")}, {}, "beyond the parent's 1005"),
        ({}, {"collar_price": Decimal("999.9")}, "beyond the collar"),
        ({}, {"book": replace(VIEW.book, book_age_ns=2_000_000_001)}, "ms old"),
        ({}, {"book": replace(VIEW.book, unusable="gap")}, "unusable: gap"),
        ({"quantity": Decimal("0.0105")}, {}, "off the step"),
        ({"limit_price": Decimal("1000.05")}, {}, "off the tick"),
        ({"quantity": Decimal("0.009")}, {}, "below the minimum 0.01"),
        ({"quantity": Decimal(6)}, {"exposure": Decimal(-5)}, "above the maximum"),
        ({"quantity": Decimal("0.01"), "limit_price": Decimal(900)}, {}, "notional is below"),
        ({}, {"notional": Decimal(5001)}, "child notional"),
        ({}, {"day_notional": Decimal(49_001)}, "day's notional"),
        ({}, {"available": Decimal(1000)}, "may spend 1000"),
        ({}, {"outstanding": 2}, "outstanding"),
    ],
)
def test_each_bound_refuses_by_its_own_reason(order: dict[str, object], view: dict[str, object], reason: str) -> None:
    """One step over, one sentence."""
    verdict = review(replace(ORDER, **order), replace(VIEW, **view), CHECKS)  # type: ignore[arg-type]

    assert isinstance(verdict, Refusal)
    assert reason in verdict.reason


def test_a_sell_s_collar_is_below_the_market() -> None:
    """Worse for a sell is lower."""
    parent = replace(VIEW.parent, side=Side.SELL, limit_price=None)
    low = replace(ORDER, side=Side.SELL, limit_price=Decimal("989.9"))
    fine = replace(low, limit_price=Decimal(990))
    view = replace(VIEW, parent=parent, collar_price=Decimal(990))

    assert isinstance(review(low, view, CHECKS), Refusal)
    assert isinstance(review(fine, view, CHECKS), Approved)


def test_another_copy_is_asked_only_what_can_have_changed() -> None:
    """Its limits were counted with the first."""
    assert isinstance(approve_copy(ORDER, gate_open=True, halted=False, halt_epoch=1, now_ns=NOW), Approved)
    assert isinstance(approve_copy(ORDER, gate_open=True, halted=True, halt_epoch=1, now_ns=NOW), Refusal)
    assert isinstance(approve_copy(ORDER, gate_open=False, halted=False, halt_epoch=1, now_ns=NOW), Refusal)
