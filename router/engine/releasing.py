"""How far a leg of a basket may go in its next round: as far as the others' settled fills allow.

A leg is an ordinary parent. What binds it to the others is worked out before each of its rounds from the children of
all legs (`router.baskets`), so there is nothing that could be out of step with the journal. The facts here record what
was found: `sor explain` shows them, and the policy's rounds begin anew when others' progress gave a leg more to do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from router.baskets import (
    Funds,
    Standing,
    bound,
    cash_binds,
    doubtful,
    funds,
    pace,
    quantity_within,
    share_left,
)
from router.book.effective import spend_factor
from router.engine import timers
from router.engine.arriving import arrive
from router.engine.draft import Draft
from router.engine.parents import progress
from router.engine.state import State
from router.model import facts as f
from router.model.baskets import BasketTerms, Cash, CashAt, InDoubt, Leg
from router.model.ids import AccountId, Asset, Nanos, ParentId
from router.model.instruments import Listing
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, ratio, roughly
from router.model.orders import ChildState, ParentOrder
from router.model.rounding import down, up
from router.model.side import Side
from router.orders.records import Child, Parent
from router.ports.policy import Policy, Progress
from router.split.plan import Plan, SplitRequest
from router.split.reach import split_within

_FINE = Decimal("1E-12")
_STEP = Decimal("0.05")
"""While sells go on, a buy is let go in steps of this part of its worth: proceeds come in crumbs."""
_READ_EVERY_NS = 1_000_000_000
"""How often an account is read for proceeds that its balances do not show yet."""
_NOT_YET = "nothing has settled yet"
_TOO_LITTLE = "what is left is too little for any venue"
_AHEAD = "its side may not run further ahead of the other"

Key = tuple[AccountId, Asset]


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """How far a leg may go in this round. `share`: reporting currency, of all accounts together."""

    verdict: f.ReleaseVerdict
    quantity: Decimal | None
    funds: Funds | None
    share: Decimal | None

    def allowed(self, done: Progress, due: Decimal) -> Decimal:
        """As much of what is due as may be sent."""
        if self.verdict is not f.ReleaseVerdict.GO:
            return ZERO
        return due if self.quantity is None else max(min(due, self.quantity - done.committed), ZERO)

    def narrowed(self, request: SplitRequest) -> SplitRequest:
        """The same request, each balance cut to what could be drawn at it if nothing were drawn elsewhere."""
        if self.funds is None or request.spendable is None:
            return request
        return replace(
            request,
            spendable={key: min(amount, *self._most(request.view, key)) for key, amount in request.spendable.items()},
        )

    def _most(self, view: MarketView, key: Key) -> Iterator[Decimal]:
        assert self.funds is not None
        most, rate = self.funds.most(key), view.fx_rate(key[1])
        yield from () if most is None else (most,)
        if self.share is not None and rate is not None:
            yield down(ratio(self.share, rate), _FINE)
        yield from (Decimal("Infinity"),)

    def fits(self, view: MarketView, costs: Mapping[Key, Decimal]) -> bool:
        """May all of this be drawn together?"""
        if self.funds is None:
            return True
        return self.funds.fits(costs) and (self.share is None or _value(view, costs) <= self.share)

    def cut(self, request: SplitRequest, costs: Mapping[Key, Decimal]) -> SplitRequest:
        """The same request with balances that fit together, in proportion to what was wanted of each."""
        assert self.funds is not None
        within = self.funds.within(costs)
        if self.share is not None and (value := _value(request.view, within)) > self.share:
            with roughly():
                within = {key: down(cost * ratio(self.share, value), _FINE) for key, cost in within.items()}
        return replace(request, spendable=within)


def _value(view: MarketView, costs: Mapping[Key, Decimal]) -> Decimal:
    with roughly():
        return sum((cost * (view.fx_rate(key[1]) or ZERO) for key, cost in costs.items()), ZERO)


def release(draft: Draft, parent: Parent, view: MarketView, policies: Mapping[str, Policy]) -> Release | None:
    """What a leg may do now, written down where it has changed; None for an order that depends on no other."""
    if not bound(parent.order):
        return None
    arrive(draft, parent, view)
    found, fact = _released(draft, parent, view, policies)
    if not _said_already(parent.released, fact):
        draft.note(fact)
        draft.touch(parent)
    if found.verdict is f.ReleaseVerdict.WAIT:
        _read_soon(draft, standings(draft.state, _leg(parent.order).basket_id))
    return found


def _released(
    draft: Draft, parent: Parent, view: MarketView, policies: Mapping[str, Policy]
) -> tuple[Release, f.LegReleased]:
    state = draft.state
    terms, legs, mine = _terms(parent), *_legs_and(state, parent)
    over = sells_over(state, legs, terms, policies, draft.now_ns)
    basis = _basis(mine, legs, _funds(state, terms, legs, over=over))
    share, room = None, {}
    if basis.funds is not None:
        rates = {mark.asset: mark.rate for mark in view.fx}
        share = share_left(mine, legs, basis.funds, rates)
        whole = Release(verdict=f.ReleaseVerdict.GO, quantity=None, funds=basis.funds, share=share)
        room = {key: min(whole._most(view, key)) for key in _keys(parent, view)}  # noqa: SLF001 - its own class
    verdict, reason = _judged(draft, mine, legs, view, basis.quantity, room, over=over)
    found = Release(verdict=verdict, quantity=basis.quantity, funds=basis.funds, share=share)
    return found, replace(
        basis.fact(parent, draft.now_ns), verdict=verdict, reason=reason, room=_at(_finite(room)) if room else ()
    )


def _finite(room: Mapping[Key, Decimal]) -> dict[Key, Decimal]:
    return {key: amount for key, amount in room.items() if amount.is_finite()}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Basis:
    """What a leg's release rests on beside the market."""

    pace: Decimal | None
    quantity: Decimal | None
    funds: Funds | None
    ended: int

    def fact(self, parent: Parent, at_ns: Nanos) -> f.LegReleased:
        came, went, above = ({}, {}, {}) if self.funds is None else _parts(self.funds)
        return f.LegReleased(
            parent_id=parent.order.id,
            verdict=f.ReleaseVerdict.GO,
            pace=self.pace,
            quantity=self.quantity,
            credited=_at(came),
            drawn=_at(went),
            above=tuple(Cash(asset=asset, amount=amount) for asset, amount in sorted(above.items())),
            room=(),
            ended=self.ended,
            at_ns=at_ns,
            reason="",
        )


def _parts(found: Funds) -> tuple[Mapping[Key, Decimal], Mapping[Key, Decimal], Mapping[Asset, Decimal]]:
    return found.credited, found.drawn, found.above


def _at(purse: Mapping[Key, Decimal]) -> tuple[CashAt, ...]:
    return tuple(
        CashAt(account=account, asset=asset, amount=amount) for (account, asset), amount in sorted(purse.items())
    )


def _basis(leg: Standing, legs: tuple[Standing, ...], found: Funds | None) -> _Basis:
    """A leg whose own market was not seen has nothing to keep pace with: it can send nothing anyway."""
    terms = _terms(leg.parent)
    most = None if leg.mark is None else pace(terms, leg.side, legs)
    return _Basis(
        pace=most,
        quantity=None if most is None else quantity_within(most, leg, legs),
        funds=found if leg.side is Side.BUY and cash_binds(terms) else None,
        ended=sum(1 for one in legs if one.ended),
    )


def _funds(state: State, terms: BasketTerms, legs: tuple[Standing, ...], *, over: bool) -> Funds | None:
    """What all buys may draw; None where cash does not bind them."""
    if not cash_binds(terms):
        return None
    available = {one.asset: _spendable(state, one.asset) for one in terms.buffer}
    return funds(terms, legs, available, sells_ended=over)


def _spendable(state: State, asset: Asset) -> Decimal:
    """What all accounts may spend of an asset."""
    return sum((state.available(terms.account, asset) for terms in state.settings.terms), ZERO)


def _judged(
    draft: Draft,
    mine: Standing,
    legs: tuple[Standing, ...],
    view: MarketView,
    quantity: Decimal | None,
    room: Mapping[Key, Decimal],
    *,
    over: bool,
) -> tuple[f.ReleaseVerdict, str]:
    parent, terms = mine.parent, _terms(mine.parent)
    doubted = [one.parent for one in legs if one.side is Side.SELL and doubtful(one)]
    if mine.side is Side.BUY and terms.when_in_doubt is InDoubt.WAIT and doubted:
        return f.ReleaseVerdict.WAIT, f"leg {_leg(doubted[0].order).number} is in doubt"
    done = progress(draft.state, parent)
    books = [book for book in view.listings if parent.order.may_use(book.listing.venue)]
    if quantity is not None:
        smallest = min((_smallest(book, _price(book, mine, view)) for book in books), default=done.slice_min)
        if quantity - done.committed < min(smallest, done.open_quantity):
            return f.ReleaseVerdict.SPENT, _AHEAD
    if not room:
        return f.ReleaseVerdict.GO, ""
    enough = [book for book in books if room[_key(book.listing)] >= _least(book, mine, view, done, over=over)]
    if not enough and terms.buffer and (behind := _behind(draft.state, legs)):
        return f.ReleaseVerdict.WAIT, _unread(behind[0])
    if not enough:
        nothing = not any(room.values())
        return f.ReleaseVerdict.SPENT, _NOT_YET if nothing and not over else _TOO_LITTLE
    behind = _behind(draft.state, legs)
    unseen = [book.listing.account for book in enough if _is_short(draft.state, book, mine, view, done, over=over)]
    if len(unseen) == len(enough) and all(account in behind for account in unseen):
        return f.ReleaseVerdict.WAIT, _unread(unseen[0])
    return f.ReleaseVerdict.GO, ""


def _unread(account: AccountId) -> str:
    return f"the proceeds at {account} are not in its balances yet"


def _behind(state: State, legs: tuple[Standing, ...]) -> list[AccountId]:
    """Accounts whose balances do not show yet all that sells brought: those that were not read since it came."""
    sold = (child for one in legs if one.side is Side.SELL for child in one.children if child.filled)
    late = {child.order.account for child in sold if not _is_inside(state, child)}
    return sorted(account for account in late if state.terms(account) is not None)


def _is_inside(state: State, child: Child) -> bool:
    """Had it ended when its account's balances were asked for?"""
    return child.ended_ns is not None and child.ended_ns < state.watermarks.get(child.order.account, 0)


def _is_short(state: State, book: ListingView, mine: Standing, view: MarketView, done: Progress, *, over: bool) -> bool:
    """Do its balances show too little for the least that is worth sending?"""
    return state.available(*_key(book.listing)) < _least(book, mine, view, done, over=over)


def _least(book: ListingView, mine: Standing, view: MarketView, done: Progress, *, over: bool) -> Decimal:
    """The least that is worth sending there, in quote currency with its fee."""
    listing, price = book.listing, _price(book, mine, view)
    factor = spend_factor(listing, Side.BUY)
    with roughly():
        least = _smallest(book, price) * price * factor
        if over or mine.worth is None or (rate := view.fx_rate(listing.quote)) is None:
            return least
        return max(least, min(ratio(mine.worth * _STEP, rate), done.open_quantity * price * factor))


def _price(book: ListingView, mine: Standing, view: MarketView) -> Decimal:
    """What a unit costs there now, as far as anybody knows."""
    side = book.asks if mine.side is Side.BUY else book.bids
    if side:
        return side[0].price
    rate = view.fx_rate(book.listing.quote)
    return ZERO if mine.mark is None or not rate else ratio(mine.mark, rate)


def _smallest(book: ListingView, price: Decimal) -> Decimal:
    """The smallest quantity it takes at this price."""
    listing = book.listing
    worth = up(ratio(listing.min_notional, price), listing.step) if price else ZERO
    return max(worth, up(listing.min_quantity, listing.step), listing.step)


def _keys(parent: Parent, view: MarketView) -> Iterator[Key]:
    return (_key(book.listing) for book in view.listings if parent.order.may_use(book.listing.venue))


def _key(listing: Listing) -> Key:
    return listing.account, listing.quote


def _said_already(before: f.LegReleased | None, now: f.LegReleased) -> bool:
    """Is it what was written down last, as far as it matters? What is drawn matters where nothing more may be."""
    if before is None or (before.verdict, before.reason) != (now.verdict, now.reason):
        return False
    same = _new_money(before) == _new_money(now)
    return same and (now.verdict is not f.ReleaseVerdict.SPENT or _rest(before) == _rest(now))


def _new_money(fact: f.LegReleased) -> tuple[object, ...]:
    return fact.credited, fact.ended, fact.pace


def _rest(fact: f.LegReleased) -> tuple[object, ...]:
    return *_new_money(fact), fact.quantity, fact.drawn, fact.above


def _read_soon(draft: Draft, legs: tuple[Standing, ...]) -> None:
    """Have the accounts read whose balances are behind, each not more often than is good for it."""
    for account in _behind(draft.state, legs):
        due_ns = Nanos(max(draft.now_ns, draft.state.watermarks.get(account, 0) + _READ_EVERY_NS))
        if draft.state.timers.get(timers.account(account), due_ns + 1) > due_ns:
            draft.wake(timers.account(account), due_ns)


def planned(found: Release | None, request: SplitRequest, reach_bps: Decimal | None) -> tuple[SplitRequest, Plan]:
    """The split, and what it was asked. What several accounts share is divided as a first split wanted it."""
    if found is None or found.funds is None:
        return request, split_within(request, reach_bps)
    request = found.narrowed(request)
    plan = split_within(request, reach_bps)
    if not found.fits(request.view, _costs(request, plan)):
        request = found.cut(request, _costs(request, plan))
        plan = split_within(request, reach_bps)
        assert found.fits(request.view, _costs(request, plan))
    return request, plan


def _costs(request: SplitRequest, plan: Plan) -> dict[Key, Decimal]:
    """What a buy's plan takes at most, by account: each line at its limit, with its fee."""
    listings = {book.listing.id: book.listing for book in request.view.listings}
    found: dict[Key, Decimal] = {}
    for line in plan.lines:
        listing = listings[line.listing_id]
        key = _key(listing)
        cost = line.quantity * line.limit_price * spend_factor(listing, Side.BUY)
        found[key] = found.get(key, ZERO) + cost
    return found


def held(parent: Parent, now: f.LegReleased | None) -> bool:
    """Was it found that it may send nothing more, and has nothing happened since? `now`: what holds of it now."""
    said = parent.released
    if said is None or now is None or said.verdict is not f.ReleaseVerdict.SPENT:
        return False
    return _rest(said) == _rest(now)


def renewed(parent: Parent, now: f.LegReleased | None) -> bool:
    """Did others' progress give it more to do than it knew of?"""
    return now is not None and (parent.released is None or _new_money(parent.released) != _new_money(now))


def holding(
    state: State, basket_id: ParentId, policies: Mapping[str, Policy], now_ns: Nanos
) -> dict[ParentId, f.LegReleased]:
    """What the release of each open leg that depends on others would rest on now; whether it goes is not judged."""
    legs = standings(state, basket_id)
    waiting = [one for one in legs if not one.ended and bound(one.parent.order)]
    if not waiting:
        return {}
    terms = _terms(waiting[0].parent)
    over = sells_over(state, legs, terms, policies, now_ns)
    found = _funds(state, terms, legs, over=over)
    return {one.parent.order.id: _basis(one, legs, found).fact(one.parent, now_ns) for one in waiting}


def standings(state: State, basket_id: ParentId) -> tuple[Standing, ...]:
    """The legs and their children, by number."""
    return tuple(
        Standing(parent=leg, children=tuple(state.blotter.children_of(leg))) for leg in state.blotter.legs(basket_id)
    )


def waits_for_a_person(leg: Standing) -> bool:
    """Under SCALE: is all that lives of it in quarantine?"""
    living = [child for child in leg.children if not child.state.ended]
    scales = _terms(leg.parent).when_in_doubt is InDoubt.SCALE
    return scales and bool(living) and all(child.state is ChildState.QUARANTINED for child in living)


def finished(state: State, parent: Parent, policies: Mapping[str, Policy], now_ns: Nanos) -> bool:
    """Does its policy want nothing more?"""
    return policies[parent.order.policy].target(progress(state, parent), now_ns, None).finished


def sells_over(
    state: State, legs: tuple[Standing, ...], terms: BasketTerms, policies: Mapping[str, Policy], now_ns: Nanos
) -> bool:
    """Will no sell bring anything more, by itself?"""
    scales = terms.when_in_doubt is InDoubt.SCALE
    return all(
        one.ended or (scales and waits_for_a_person(one) and finished(state, one.parent, policies, now_ns))
        for one in legs
        if one.side is Side.SELL
    )


def _leg(order: ParentOrder) -> Leg:
    assert order.leg is not None
    return order.leg


def _terms(parent: Parent) -> BasketTerms:
    return _leg(parent.order).terms


def _legs_and(state: State, parent: Parent) -> tuple[tuple[Standing, ...], Standing]:
    legs = standings(state, _leg(parent.order).basket_id)
    return legs, next(one for one in legs if one.parent is parent)
