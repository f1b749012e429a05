"""The judge of an order's own terms sees what it is there for: facts in, sentences out."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model import facts as f
from router.model.ids import EntityId, Nanos, ParentId, RefId
from router.model.orders import ParentOrder
from router.model.policies import CatchUp, Envelope, Slicing, Tolerance, TwapParams
from router.model.side import Side
from router.simulate.scene import BTC_USD
from router.simulate.terms import Terms

HOUR_NS = 3_600_000_000_000
ORDER = ParentOrder(
    id=ParentId("P"),
    entity=EntityId("desk"),
    ref_id=RefId("r"),
    instrument=BTC_USD.id,
    side=Side.BUY,
    quantity=Decimal(20),
    limit_price=None,
    policy="TWAP",
    params=TwapParams(slicing=Slicing(slices=20)),
    envelope=Envelope(duration_ms=3_600_000, tolerance=Tolerance.STANDARD),
)


def round_of(due: str, *, at_ns: int) -> f.RoundPlanned:
    return f.RoundPlanned(
        parent_id=ORDER.id,
        round=1,
        at_ns=Nanos(at_ns),
        due=Decimal(due),
        children=(),
        residual=Decimal(due),
        residual_reason=None,
        all_in_cost=None,
        marginal_price=None,
        exclusions=(),
    )


@pytest.mark.parametrize(("due", "seen"), [("6.9", True), ("7.1", False), ("10", False)])
def test_a_round_that_stays_behind_its_band_is_seen(due: str, seen: bool) -> None:
    """At half its time with nothing done: ten, less the band of two, less a slice that may not have come yet."""
    terms = Terms()
    assert list(terms.broken_by(f.ParentTaken(order=ORDER, at_ns=Nanos(0)))) == []
    assert bool(list(terms.broken_by(round_of(due, at_ns=HOUR_NS // 2)))) is seen


def test_an_order_that_makes_up_for_nothing_may_be_behind() -> None:
    """Its owner said so."""
    slicing = Slicing(slices=20, catch_up=CatchUp.NONE)
    terms = Terms()
    list(terms.broken_by(f.ParentTaken(order=replace(ORDER, params=TwapParams(slicing=slicing)), at_ns=Nanos(0))))
    assert list(terms.broken_by(round_of("1", at_ns=HOUR_NS // 2))) == []
