"""What we may spend: the venue's word on what is free, less all of ours it cannot have known of.

The venue's figure is as of when it was asked. A child that had ended before then is inside it; any other is not, or
only partly, and is subtracted in full: its reservation while it lives, what it spent once it has ended. Proceeds
count only when the venue reports them. The error is always on the careful side.

A child that was known to stand at its venue when that was asked is different: what it may spend is locked there, and
so is not in the free figure any more. It is taken off the total instead, which still holds it, and of total and free
the smaller one counts: whatever else is locked, by whomever, stays locked. Once such a child has ended, its lock is
free again, less what it spent.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from router.model.balances import Balance
from router.model.ids import AccountId, Asset, Nanos
from router.model.money import ZERO
from router.model.side import Side
from router.orders.records import Child


@dataclass(kw_only=True, slots=True)
class Holding:
    """One asset of one account as last reported."""

    total: Decimal
    free: Decimal
    asked_ns: Nanos


@dataclass(slots=True)
class Balances:
    """Holdings by account and asset."""

    holdings: dict[AccountId, dict[Asset, Holding]] = field(default_factory=dict)

    def take(self, account: AccountId, asked_ns: Nanos, balances: Iterable[Balance]) -> None:
        """Believe a newer report; an asset it does not name is zero."""
        self.holdings[account] = {
            balance.asset: Holding(total=balance.total, free=balance.free, asked_ns=asked_ns) for balance in balances
        }

    def available(self, account: AccountId, asset: Asset, children: Iterable[Child]) -> Decimal:
        """Spendable now, never negative; zero where nothing was ever reported."""
        holding = self.holdings.get(account, {}).get(asset)
        if holding is None:
            return ZERO
        locked = unseen = released = ZERO
        for child in children:
            if not _draws_on(child, account, asset):
                continue
            owed = _owed(child, holding.asked_ns)
            if not _was_locked(child, holding.asked_ns):
                unseen += owed
                continue
            locked += owed
            if child.state.ended:
                released += max(_given(child) - spent(child), ZERO)
        return max(min(holding.total - locked, holding.free + released) - unseen, ZERO)


def _draws_on(child: Child, account: AccountId, asset: Asset) -> bool:
    return child.order.account == account and child.reserved_asset == asset


def _was_locked(child: Child, asked_ns: Nanos) -> bool:
    """Did it stand at its venue when the report was asked for, so that what it may spend was not free?"""
    known = child.rests and child.acked_ns is not None and child.acked_ns < asked_ns
    return known and (child.ended_ns is None or child.ended_ns >= asked_ns)


def _given(child: Child) -> Decimal:
    """What its venue has surely locked for it: the fee, which some do not lock, is left out."""
    order = child.order
    return order.quantity * order.limit_price if order.side is Side.BUY else order.quantity


def _owed(child: Child, asked_ns: Nanos) -> Decimal:
    """What the report of `asked_ns` may not contain of this child."""
    if not child.state.ended:
        return child.reserved
    if child.ended_ns is not None and child.ended_ns < asked_ns:
        return ZERO
    return spent(child)


def spent(child: Child) -> Decimal:
    """What the child took from the asset it reserved: quote paid with its fees, or base delivered."""
    principal = child.spent if child.order.side is Side.BUY else child.filled
    return principal + child.fee_drawn
