"""What we may spend: the venue's word on what is free, less all of ours it cannot have known of.

The venue's figure is as of when it was asked. A child that had ended before then is inside it; any other is not, or
only partly, and is subtracted in full: its reservation while it lives, what it spent once it has ended. Proceeds
count only when the venue reports them. The error is always on the careful side.
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
        owed = sum((_owed(child, holding.asked_ns) for child in children if _draws_on(child, account, asset)), ZERO)
        return max(holding.free - owed, ZERO)


def _draws_on(child: Child, account: AccountId, asset: Asset) -> bool:
    return child.order.account == account and child.reserved_asset == asset


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
