"""The baskets people ask for, and what the venues know of what their buys have spent."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connectors.lab.core import OrderRecord
from connectors.sim import SimVenue
from router.book.effective import spend_factor
from router.model import events as e
from router.model import facts as f
from router.model.baskets import BasketTerms, Cash, CashConstraint, InDoubt, Leg
from router.model.ids import AccountId, Asset, ClientOrderId, ParentId, RefId
from router.model.instruments import Listing
from router.model.money import ZERO
from router.model.orders import ChildOrder, ParentOrder, ParentState
from router.model.policies import Envelope, PolicyParams, Slicing, SweepParams, TwapParams
from router.model.side import Side
from router.orders.client_ids import leg_id, parent_id
from router.simulate.scene import BTC_USD, DEPLOYMENT, ENTITY, ETH_USD, S, size_of

_ETHER_PER_COIN = 20.0
_USD = Asset("USD")


def basket_of(number: int, draws: random.Random) -> tuple[ParentOrder, ...]:
    """One leg sells and the other buys, or both do the same; of about the same worth, or not."""
    ref_id = RefId(f"b{number}")
    basket_id = parent_id(deployment=DEPLOYMENT, entity=ENTITY, ref_id=ref_id)
    first = draws.choice((Side.BUY, Side.SELL))
    same = draws.random() < 0.1  # noqa: PLR2004 - seldom
    coins = draws.uniform(0.1, 1.8)
    terms = _terms(draws, both=not same)
    if same and first is Side.BUY and terms.cash_constraint is CashConstraint.SELF_FUNDING:
        terms = BasketTerms(cash_constraint=CashConstraint.FREE)
    sizes = (coins, coins * _ETHER_PER_COIN * draws.uniform(0.5, 1.5))
    orders = []
    for position, (instrument, size) in enumerate(zip((BTC_USD, ETH_USD), sizes, strict=True), start=1):
        policy, params, envelope = _worked(draws)
        side = first if same or position == 1 else Side.SELL if first is Side.BUY else Side.BUY
        orders.append(
            ParentOrder(
                id=leg_id(basket_id, position),
                entity=ENTITY,
                ref_id=RefId(f"{ref_id}/{position}"),
                instrument=instrument.id,
                side=side,
                quantity=size_of(size),
                limit_price=None,
                policy=policy,
                params=params,
                envelope=envelope,
                leg=Leg(basket_id=basket_id, ref_id=ref_id, number=position, legs=2, terms=terms),
            )
        )
    return tuple(orders)


def _terms(draws: random.Random, *, both: bool) -> BasketTerms:
    constraint = draws.choice(tuple(CashConstraint))
    stated = (Cash(asset=_USD, amount=Decimal(draws.randint(0, 100_000))),)
    share = Decimal(draws.choice((1, 2, 5))) / 10 if both and draws.random() < 0.2 else None  # noqa: PLR2004 - some
    return BasketTerms(
        cash_constraint=constraint,
        cash=stated if constraint is CashConstraint.STATED else (),
        buffer=(Cash(asset=_USD, amount=Decimal(draws.randint(1, 1_000_000))),) if draws.random() < 0.2 else (),  # noqa: PLR2004
        sell_first=draws.random() < 0.5,  # noqa: PLR2004 - a coin
        max_imbalance_share=share,
        when_in_doubt=draws.choice(tuple(InDoubt)),
    )


def _worked(draws: random.Random) -> tuple[str, PolicyParams, Envelope]:
    if draws.random() < 0.7:  # noqa: PLR2004 - most
        return "SWEEP", SweepParams(rounds_max=draws.randint(3, 20), round_wait_ms=500), Envelope()
    slicing = Slicing(slices=draws.randint(1, 6), round_wait_ms=500)
    return "TWAP", TwapParams(slicing=slicing), Envelope(duration_ms=draws.randint(2_000, 60_000))


def second_thoughts_on(legs: tuple[ParentOrder, ...], draws: random.Random) -> Iterator[tuple[int, e.Event]]:
    """So many ns after the basket: stop it, or let it wait and go on."""
    leg = legs[0].leg
    assert leg is not None
    after_ns, later_ns = (int(draws.uniform(0.05, 20) * S) for _ in range(2))
    chance = draws.random()
    if chance < 0.1:  # noqa: PLR2004 - some
        yield after_ns, e.CancelAsked(parent_id=leg.basket_id, principal="people")
    elif chance < 0.2:  # noqa: PLR2004 - some
        yield after_ns, e.PauseAsked(parent_id=leg.basket_id, resume=False, principal="people")
        yield after_ns + later_ns, e.PauseAsked(parent_id=leg.basket_id, resume=True, principal="people")


@dataclass(slots=True)
class Seen:
    """Situations of baskets, as the journal tells them."""

    let_go: set[ClientOrderId] = field(default_factory=set)
    """Buys whose cash was let go, and no copy of which has left yet."""
    _orders: dict[ParentId, ParentOrder] = field(default_factory=dict)
    _short: set[ParentId] = field(default_factory=set)
    """Baskets one of whose sells ended short."""

    def follow(self, facts: Iterable[f.Fact]) -> Iterator[str]:
        """Facts that have become durable together; what they show."""
        released = {fact.parent_id for fact in facts if isinstance(fact, f.LegReleased) and fact.verdict == "GO"}
        for fact in facts:
            match fact:
                case f.ParentTaken(order=order) if order.leg is not None:
                    self._orders[order.id] = order
                case f.ChildIntended(order=child) if child.parent_id in released and child.side is Side.BUY:
                    self.let_go.add(child.client_id)
                case f.LegReleased(verdict=f.ReleaseVerdict.WAIT, reason=reason):
                    yield "buy waits for a sell in doubt" if "in doubt" in reason else "buy waits for balances"
                case f.ParentMoved(parent_id=parent_id) if parent_id in self._orders and fact.state.ended:
                    yield from self._ended(self._orders[parent_id], fact)
                case f.BasketEnded(state=state):
                    yield f"basket {state}"
                case _:
                    pass

    def _ended(self, order: ParentOrder, fact: f.ParentMoved) -> Iterator[str]:
        assert order.leg is not None
        if order.side is Side.SELL and fact.state is not ParentState.FILLED:
            self._short.add(order.leg.basket_id)
        elif order.side is Side.BUY and "scaled to" in fact.reason and order.leg.basket_id in self._short:
            yield "buy scaled because a sell ended short"


@dataclass(slots=True)
class Funding:
    """I21: whatever is in doubt, buys spend no more than allowed cash and the proceeds at their venue.

    Knows the terms and the children's ids from the journal; what was spent and what came in, from the venues alone.
    """

    venues: Mapping[AccountId, SimVenue]
    legs: dict[ParentId, Leg] = field(default_factory=dict)
    odd: set[AccountId] = field(default_factory=set)
    """Accounts that charge otherwise than they say: no reservation covers that."""
    ended: dict[ParentId, int] = field(default_factory=dict)
    _children: dict[ParentId, list[ChildOrder]] = field(default_factory=lambda: defaultdict(list))

    def follow(self, fact: f.Fact) -> Iterator[str]:
        """A fact that has become durable; what it breaks."""
        match fact:
            case f.ParentTaken(order=order) if order.leg is not None:
                self.legs[order.id] = order.leg
            case f.ChildIntended(order=child) if child.parent_id in self.legs:
                self._children[self.legs[child.parent_id].basket_id].append(child)
            case f.BasketEnded(basket_id=basket_id):
                self.ended[basket_id] = self.ended.get(basket_id, 0) + 1
                if self.ended[basket_id] > 1:
                    yield f"{basket_id} ends {self.ended[basket_id]} times"
            case _:
                pass

    def overspent(self, child: ChildOrder, late: set[ClientOrderId]) -> Iterator[str]:
        """A venue has accepted a child: have the buys of its basket too much now?"""
        leg = self.legs.get(child.parent_id)
        if leg is None or child.side is Side.SELL:
            return
        children = self._children[leg.basket_id]
        if any(one.client_id in late or one.account in self.odd for one in children):
            return
        allowed = self._allowed(leg, children)
        if allowed is None:
            return
        came, went = self._sums(children)
        over = sum((max(spent - came.get(account, ZERO), ZERO) for account, spent in went.items()), ZERO)
        if over > allowed:
            yield f"{leg.basket_id} has drawn {went} of {came} and of {allowed} beside it"

    def _allowed(self, leg: Leg, children: list[ChildOrder]) -> Decimal | None:
        """Cash beside proceeds; None is no bound. With `sell_first` there is none while a sell stands anywhere."""
        standing = any(
            one.side is Side.SELL and any(not record.status.ended for record in self._records(one)) for one in children
        )
        if leg.terms.sell_first and standing:
            return ZERO
        if leg.terms.cash_constraint is CashConstraint.FREE:
            return None
        return sum((one.amount for one in leg.terms.cash), ZERO)

    def _sums(self, children: list[ChildOrder]) -> tuple[dict[AccountId, Decimal], dict[AccountId, Decimal]]:
        came: dict[AccountId, Decimal] = {}
        went: dict[AccountId, Decimal] = {}
        for child in children:
            records = self._records(child)
            fees = sum((record.fees.get(child.quote, ZERO) for record in records), ZERO)
            value = sum((record.cost for record in records), ZERO) + child.side.sign * fees
            if child.side is Side.SELL:
                came[child.account] = came.get(child.account, ZERO) + value
                continue
            factor = spend_factor(self._listing(child), Side.BUY)
            open_ = sum((one.remaining for one in records if not one.status.ended), ZERO)
            went[child.account] = went.get(child.account, ZERO) + value + open_ * child.limit_price * factor
        return came, went

    def _records(self, child: ChildOrder) -> tuple[OrderRecord, ...]:
        return self.venues[child.account].exchange.find(child.account, client_id=child.client_id)

    def _listing(self, child: ChildOrder) -> Listing:
        venue = self.venues[child.account]
        return next(one for one in (venue.listing, *venue.others) if one.symbol == child.symbol)
