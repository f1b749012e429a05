"""SWEEP: everything at once, round by round."""

from dataclasses import replace
from decimal import Decimal

import pytest

from policies.sweep import Sweep
from router.model.ids import EntityId, InstrumentId, Nanos, ParentId, RefId
from router.model.orders import ParentOrder
from router.model.policies import SweepParams
from router.model.side import Side
from router.ports.policy import Progress

MS = 1_000_000
START = Nanos(1_000_000_000)
ORDER = ParentOrder(
    id=ParentId("P"),
    entity=EntityId("acme"),
    ref_id=RefId("P1"),
    instrument=InstrumentId("BTC/USD"),
    side=Side.BUY,
    quantity=Decimal(10),
    limit_price=None,
    policy="SWEEP",
    params=SweepParams(rounds_max=3, round_wait_ms=100),
)
FRESH = Progress(
    order=ORDER,
    accepted_ns=START,
    filled=Decimal(0),
    working=Decimal(0),
    in_doubt=Decimal(0),
    rounds=0,
    last_round_ns=None,
    last_round_sent=False,
)


def test_all_of_it_is_due_at_once() -> None:
    """Nothing is held back."""
    assert Sweep().target(FRESH, START, None).quantity == 10


def test_a_round_that_is_out_is_waited_for() -> None:
    """No second round beside it."""
    out = replace(FRESH, rounds=1, working=Decimal(4), last_round_sent=True, last_round_ns=START)

    assert Sweep().target(out, START, None).quantity == 4


def test_a_child_in_doubt_does_not_hold_up_the_rest() -> None:
    """Its quantity stays counted, the rest is due."""
    doubtful = replace(FRESH, rounds=1, in_doubt=Decimal(4), last_round_sent=True, last_round_ns=START)

    assert Sweep().target(doubtful, START, None).quantity == 10


def test_an_empty_round_is_followed_by_a_pause() -> None:
    """The market gets time to change."""
    empty = replace(FRESH, rounds=1, last_round_ns=START)

    waiting = Sweep().target(empty, Nanos(START + 99 * MS), None)
    after = Sweep().target(empty, Nanos(START + 100 * MS), None)

    assert (waiting.quantity, waiting.not_before_ns) == (0, START + 100 * MS)
    assert after.quantity == 10


@pytest.mark.parametrize(("filled", "finished"), [(Decimal(10), True), (Decimal(4), True)])
def test_it_finishes_when_filled_or_when_the_rounds_are_used_up(filled: Decimal, finished: bool) -> None:
    """Whatever is left then stays undone, and the reason says so."""
    done = replace(FRESH, rounds=3, filled=filled, last_round_sent=True, last_round_ns=START)

    assert Sweep().target(done, START, None).finished is finished
