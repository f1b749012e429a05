"""Implementation shortfall: what an order cost against the paper portfolio that traded it all at its decision.

Perold's measure with Wagner's parts. Cost is positive on either side. Prices are reporting currency per unit of base;
every part is exact, and the parts add up to the whole by a second route.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.money import ZERO, bps_of, exactly
from router.model.side import Side


class Basis(StrEnum):
    """Which quantity the delay is charged to. The total is the same.

    `ORDER`: all that was ordered (Kissell), so that what was missed is charged from arrival on. `EXECUTED`: what was
    done (Wagner), so that what was missed is charged from the decision on.
    """

    ORDER = "ORDER"
    EXECUTED = "EXECUTED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """A fill, valued. `quantity` > 0 of base at `price` in its quote.

    `mark`: the quote in reporting currency at its time; `arrival_mark`: at arrival. `fee` in reporting currency, at the
    fee asset's mark of its time; a rebate is negative.
    """

    quantity: Decimal
    price: Decimal
    mark: Decimal
    arrival_mark: Decimal
    fee: Decimal = ZERO


@dataclass(frozen=True, kw_only=True, slots=True)
class Mids:
    """The consolidated mid at the decision, at arrival (the first routing decision) and at the order's end."""

    decision: Decimal
    arrival: Decimal
    final: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortfall:
    """In reporting currency: `delay + trading + fx + opportunity + fees == total`, to the last digit.

    `trading` is at the marks of arrival, `fx` what the quotes' own moves since then added.
    """

    basis: Basis
    ordered: Decimal
    done: Decimal
    decision_mid: Decimal
    delay: Decimal
    trading: Decimal
    fx: Decimal
    opportunity: Decimal
    fees: Decimal
    total: Decimal

    def bps(self, part: Decimal) -> Decimal:
        """A part of it in basis points of the paper portfolio: what was ordered at the decision's mid."""
        with exactly():
            paper = self.ordered * self.decision_mid
        return bps_of(part, paper)


def shortfall(
    side: Side, ordered: Decimal, mids: Mids, executions: Sequence[Execution], basis: Basis = Basis.ORDER
) -> Shortfall:
    """Of an order of `ordered` > 0 of base that has ended. What is filled beyond it counts as done, at its price."""
    sign = side.sign
    with exactly():
        done = sum((one.quantity for one in executions), ZERO)
        paid = sum((one.quantity * one.price * one.mark for one in executions), ZERO)
        paid_at_arrival = sum((one.quantity * one.price * one.arrival_mark for one in executions), ZERO)
        fees = sum((one.fee for one in executions), ZERO)
        missed = ordered - done
        delayed, missed_from = (ordered, mids.arrival) if basis is Basis.ORDER else (done, mids.decision)
        found = Shortfall(
            basis=basis,
            ordered=ordered,
            done=done,
            decision_mid=mids.decision,
            delay=sign * delayed * (mids.arrival - mids.decision),
            trading=sign * (paid_at_arrival - done * mids.arrival),
            fx=sign * (paid - paid_at_arrival),
            opportunity=sign * missed * (mids.final - missed_from),
            fees=fees,
            total=sign * (paid - done * mids.decision) + sign * missed * (mids.final - mids.decision) + fees,
        )
        assert found.delay + found.trading + found.fx + found.opportunity + found.fees == found.total
    return found
