"""Mistakes about whose money a basket's buys spend, planted one at a time."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from router import baskets
from router.engine import archiving, completing
from router.model.ids import AccountId, Asset
from router.model.money import ZERO
from router.model.side import Side
from router.orders.records import Child
from tests.simulate.mutants import Mistake, _all

Purse = dict[tuple[AccountId, Asset], Decimal]


def _credited(also: Any) -> Mistake:
    """Proceeds of every sell child as `also` sees them, where it sees any."""
    usual = baskets.credited

    def credited(legs: Sequence[baskets.Standing]) -> Purse:
        found = usual(legs)
        for leg in legs:
            for child in leg.children if leg.side is Side.SELL else ():
                more = also(child)
                if more:
                    key = (child.order.account, child.order.quote)
                    found[key] = found.get(key, ZERO) + more
        return found

    return patch.object(baskets, "credited", credited)


def what_was_ordered_counts_as_proceeds() -> Mistake:
    def ordered(child: Child) -> Decimal:
        return ZERO if child.state.ended else (child.order.quantity - child.filled) * child.order.limit_price

    return _credited(ordered)


def a_sell_in_doubt_funds_buys() -> Mistake:
    def doubted(child: Child) -> Decimal:
        return child.unsettled * child.order.limit_price if child.state.in_doubt else ZERO

    return _credited(doubted)


def a_buy_s_fee_is_forgotten() -> Mistake:
    def taken(child: Child) -> Decimal:
        fee = child.fee_drawn if child.state.ended else ZERO
        full = baskets.spent(child) if child.state.ended else child.order.quantity * child.order.limit_price
        return full - fee

    return patch.object(baskets, "taken", taken)


def a_sell_s_fee_is_forgotten() -> Mistake:
    return _credited(lambda child: child.fee_received)


def a_buy_in_doubt_draws_nothing() -> Mistake:
    usual = baskets.taken
    return patch.object(baskets, "taken", lambda child: ZERO if child.state.in_doubt else usual(child))


def proceeds_are_spendable_anywhere() -> Mistake:
    usual = baskets.Funds.most

    def most(self: baskets.Funds, key: tuple[AccountId, Asset]) -> Decimal | None:
        found = usual(self, key)
        return None if found is None else found + sum(self.own.values(), ZERO)

    return _all(patch.object(baskets.Funds, "most", most), patch.object(baskets.Funds, "fits", lambda *_: True))


def legs_leave_the_state_one_by_one() -> Mistake:
    return patch.object(archiving, "_with_its_legs", lambda _state, parent: (parent,))


def a_basket_never_closes() -> Mistake:
    return patch.object(completing, "_is_stuck", lambda *_: False)
