"""What a basket's buys may spend, and how far its sides may be apart.

Everything is worked out anew from the legs' children, each time it is asked for: nothing is kept beside them, so that
nothing can be spent twice, and a restart changes nothing. What counts for the basket is only what certainly is
(booked fills of sells, less their fees, at the account that was credited); what counts against it is all that may be:
a buy's whole reservation until it has ended, then what it spent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.balances import spent
from router.model.baskets import BasketTerms, CashConstraint
from router.model.ids import AccountId, Asset, Nanos
from router.model.money import ONE, ZERO, exactly, ratio, roughly
from router.model.orders import ParentOrder
from router.model.rounding import down
from router.model.side import Side
from router.orders.records import Child, Parent

Purse = Mapping[tuple[AccountId, Asset], Decimal]
"""So much of an asset, by account."""
_FINE = Decimal("1E-12")


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One leg and its children."""

    parent: Parent
    children: tuple[Child, ...]

    @property
    def side(self) -> Side:
        """Of the leg."""
        return self.parent.order.side

    @property
    def ended(self) -> bool:
        """Nothing more can come of it, unless its venue said something untrue."""
        return self.parent.state.ended

    @property
    def worth(self) -> Decimal | None:
        """Reporting currency, at the mid it came into; None while its market was not seen."""
        mark = self.mark
        return None if mark is None else self.parent.order.quantity * mark

    @property
    def mark(self) -> Decimal | None:
        """The mid it came into."""
        return None if self.parent.arrival is None else self.parent.arrival.mid


def credited(legs: Iterable[Standing]) -> dict[tuple[AccountId, Asset], Decimal]:
    """What the venues credited for booked fills of sells, net of fees, where they did. Quote currency."""
    found: dict[tuple[AccountId, Asset], Decimal] = {}
    for child in _children(legs, Side.SELL):
        key = (child.order.account, child.order.quote)
        found[key] = found.get(key, ZERO) + child.spent - child.fee_received
    return found


def drawn(legs: Iterable[Standing]) -> dict[tuple[AccountId, Asset], Decimal]:
    """What buys took from the quote currency, or may still take: the worst case of all that has not ended."""
    found: dict[tuple[AccountId, Asset], Decimal] = {}
    for child in _children(legs, Side.BUY):
        key = (child.order.account, child.reserved_asset)
        found[key] = found.get(key, ZERO) + taken(child)
    return found


def taken(child: Child) -> Decimal:
    """What a buy took at most, its fee included; all it reserved where it may have been there after all."""
    settled = child.state.ended and child.suspected_ns is None
    return spent(child) if settled else max(child.reserved, spent(child))


def _children(legs: Iterable[Standing], side: Side) -> Iterable[Child]:
    return (child for leg in legs if leg.side is side for child in leg.children)


@dataclass(frozen=True, kw_only=True, slots=True)
class Funds:
    """What the buys of a basket may draw beyond what they have drawn.

    `own`: unspent proceeds by account and asset; `pool`: what is left of the allowance, by asset, None is no bound;
    `above`: what all accounts hold above the buffer, by asset, only for assets that have one.
    """

    credited: Purse
    drawn: Purse
    own: Purse
    pool: Mapping[Asset, Decimal] | None
    above: Mapping[Asset, Decimal]

    def most(self, key: tuple[AccountId, Asset]) -> Decimal | None:
        """What could be drawn at one account, if nothing were drawn elsewhere; None is no bound."""
        bounds = [self.above[key[1]]] if key[1] in self.above else []
        if self.pool is not None:
            bounds.append(self.own.get(key, ZERO) + self.pool.get(key[1], ZERO))
        return min(bounds, default=None)

    def fits(self, costs: Purse) -> bool:
        """May all of this be drawn?"""
        with exactly():
            for asset in {asset for _, asset in costs}:
                here = {key: cost for key, cost in costs.items() if key[1] == asset}
                over = sum((max(cost - self.own.get(key, ZERO), ZERO) for key, cost in here.items()), ZERO)
                if self.pool is not None and over > self.pool.get(asset, ZERO):
                    return False
                if asset in self.above and sum(here.values(), ZERO) > self.above[asset]:
                    return False
        return True

    def within(self, costs: Purse) -> dict[tuple[AccountId, Asset], Decimal]:
        """The same costs, cut in proportion where they are too much together. They fit then."""
        found: dict[tuple[AccountId, Asset], Decimal] = {}
        with roughly():
            for asset in sorted({asset for _, asset in costs}):
                here = {key: cost for key, cost in costs.items() if key[1] == asset}
                if self.pool is not None:
                    own = {key: min(cost, self.own.get(key, ZERO)) for key, cost in here.items()}
                    over = {key: cost - own[key] for key, cost in here.items()}
                    over = _in_proportion(over, self.pool.get(asset, ZERO))
                    here = {key: own[key] + over[key] for key in here}
                if asset in self.above:
                    here = _in_proportion(here, self.above[asset])
                found.update(here)
        return found


def _in_proportion(costs: Purse, most: Decimal) -> dict[tuple[AccountId, Asset], Decimal]:
    whole = sum(costs.values(), ZERO)
    if whole <= most:
        return dict(costs)
    return {key: down(ratio(cost * max(most, ZERO), whole), _FINE) for key, cost in costs.items()}


def funds(
    terms: BasketTerms, legs: Sequence[Standing], available: Mapping[Asset, Decimal], *, sells_ended: bool
) -> Funds:
    """As it stands now. `available`: what all accounts may spend of each asset that has a buffer."""
    with exactly():
        came, went = credited(legs), drawn(legs)
        own = {key: max(amount - went.get(key, ZERO), ZERO) for key, amount in came.items()}
        pool = _pool(terms, came, went, sells_ended=sells_ended)
        above = {one.asset: max(available.get(one.asset, ZERO) - one.amount, ZERO) for one in terms.buffer}
    return Funds(credited=came, drawn=went, own=own, pool=pool, above=above)


def _pool(terms: BasketTerms, came: Purse, went: Purse, *, sells_ended: bool) -> dict[Asset, Decimal] | None:
    """What is left of the allowance. With `sell_first` there is none before every sell has ended."""
    waits = terms.sell_first and not sells_ended
    if terms.cash_constraint is CashConstraint.FREE and not waits:
        return None
    stated = () if waits or terms.cash_constraint is not CashConstraint.STATED else terms.cash
    left = {one.asset: one.amount for one in stated}
    for key, amount in went.items():
        over = max(amount - came.get(key, ZERO), ZERO)
        if over:
            left[key[1]] = left.get(key[1], ZERO) - over
    return {asset: max(amount, ZERO) for asset, amount in left.items()}


def share_left(leg: Standing, legs: Sequence[Standing], found: Funds, rates: Mapping[Asset, Decimal]) -> Decimal | None:
    """What a buy may draw more of the whole, in reporting currency, so that all buys are scaled alike when it is short.

    The whole is divided by what the open buys are worth at the mids they came into; None is no bound. Assets without a
    rate are left out on both sides. (W24)
    """
    weight = leg.worth
    if weight is None or (found.pool is None and not found.above):
        return None
    with roughly():
        buys = [one for one in legs if one.side is Side.BUY]
        open_worth = sum((one.worth or ZERO for one in buys if not one.ended), ZERO)
        whole = sum((rate * _budget(found, asset) for asset, rate in rates.items()), ZERO)
        whole -= sum((_value(drawn([one]), rates) for one in buys if one.ended), ZERO)
        mine = whole * ratio(weight, open_worth) - _value(drawn([leg]), rates)
        return max(down(mine, _FINE), ZERO)


def _budget(found: Funds, asset: Asset) -> Decimal:
    """All that buys may draw of an asset from first to last, as far as it is there by now."""
    before = sum((amount for key, amount in found.drawn.items() if key[1] == asset), ZERO)
    bounds = [found.above[asset]] if asset in found.above else []
    if found.pool is not None:
        bounds.append(found.pool.get(asset, ZERO) + sum((a for k, a in found.own.items() if k[1] == asset), ZERO))
    return before + min(bounds, default=ZERO)


def _value(purse: Purse, rates: Mapping[Asset, Decimal]) -> Decimal:
    return sum((amount * rates[key[1]] for key, amount in purse.items() if key[1] in rates), ZERO)


def cash_binds(terms: BasketTerms) -> bool:
    """May buys be short of cash by the basket's own terms?"""
    return terms.cash_constraint is not CashConstraint.FREE or bool(terms.buffer) or terms.sell_first


def bound(order: ParentOrder) -> bool:
    """Does what it may do depend on other legs?"""
    if order.leg is None:
        return False
    terms = order.leg.terms
    return imbalance_binds(terms) or (order.side is Side.BUY and cash_binds(terms))


def ends_with_others(parent: Parent, now_ns: Nanos) -> bool:
    """Is it for the basket to say when it has done what it can? Not once its own time, or its one round, is over."""
    if not bound(parent.order) or parent.order.envelope.in_force.one_round:
        return False
    ends_ns = parent.order.envelope.ends_ns(parent.accepted_ns)
    return ends_ns is None or now_ns < ends_ns


def imbalance_binds(terms: BasketTerms) -> bool:
    """Must the sides keep pace?"""
    return terms.max_imbalance_share is not None or terms.max_imbalance_notional is not None


def pace(terms: BasketTerms, side: Side, legs: Sequence[Standing]) -> Decimal | None:
    """How much of a side, in reporting currency, may be filled or filling, so that it is not too far ahead.

    None is no bound; nothing where a leg's market was not seen yet.
    """
    if not imbalance_binds(terms):
        return None
    if any(one.worth is None for one in legs):
        return ZERO
    mine = [one for one in legs if one.side is side]
    others = [one for one in legs if one.side is not side]
    with roughly():
        return _side_most(terms, mine, others)


def quantity_within(most: Decimal, leg: Standing, legs: Sequence[Standing]) -> Decimal:
    """What the rest of its side leaves a leg of `most`, in base: all that may be filled, working or in doubt."""
    if leg.mark is None:
        return ZERO
    with roughly():
        ahead = sum((_exposed(one) for one in legs if one.side is leg.side), ZERO) - _exposed(leg)
        lot = leg.parent.arrival.lot if leg.parent.arrival is not None else None
        return max(down(ratio(most - ahead, leg.mark), lot or _FINE), ZERO)


def _side_most(terms: BasketTerms, mine: Sequence[Standing], others: Sequence[Standing]) -> Decimal:
    done = sum((_filled(one) for one in others), ZERO)
    bounds: list[Decimal] = []
    if terms.max_imbalance_notional is not None:
        bounds.append(done + terms.max_imbalance_notional)
    if terms.max_imbalance_share is not None:
        whole = sum((one.worth or ZERO for one in mine), ZERO)
        their = sum((one.worth or ZERO for one in others), ZERO)
        bounds.append(whole * min(ratio(done, their) + terms.max_imbalance_share, ONE))
    return min(bounds)


def _filled(leg: Standing) -> Decimal:
    return sum((child.filled for child in leg.children), ZERO) * (leg.mark or ZERO)


def _exposed(leg: Standing) -> Decimal:
    return sum((child.exposure for child in leg.children), ZERO) * (leg.mark or ZERO)


def doubtful(leg: Standing) -> bool:
    """Is the outcome of any of its children unknown?"""
    return any(child.state.in_doubt or child.suspected_ns is not None for child in leg.children)


def buy_budget(cash: Decimal, buffer: Decimal, sells: Iterable[Decimal], fee: Decimal) -> Decimal:
    """Notional that can be bought once sells of these notionals have settled, each side paying `fee` (10 bps: 0.001).

    To 60 digits: for plans and estimates. (W24)
    """
    with roughly():
        return max(ratio(cash - buffer + sum(sells, ZERO) * (ONE - fee), ONE + fee), ZERO)


def scale_of(budget: Decimal, wanted: Decimal) -> Decimal:
    """The part of all buys that a budget is enough for: 1 at most."""
    return ONE if wanted <= budget else max(ratio(budget, wanted), ZERO)
