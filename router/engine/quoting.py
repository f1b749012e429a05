"""One round of a parent that rests: what should stand is held against what does.

First whatever should not stand is withdrawn; only once nothing is on its way any more is anything placed, so that no
quantity stands twice. What is placed is priced to the tick on the passive side, never beyond the order's limits, cut to
what may be sent, and looked at by risk like every child.
"""

from collections.abc import Mapping
from decimal import Decimal

from router.book.collar import collar_prices
from router.book.effective import all_in_at_most_here, effective_price, expected_fee, spend_factor
from router.engine import access, timers
from router.engine.asking import places_left
from router.engine.bounds import bounded, venue_caps
from router.engine.draft import Draft
from router.engine.intending import Line, Reviewed, intend, record, reviewed
from router.engine.ours import would_meet
from router.engine.parents import living
from router.engine.resting import kept, on_its_way, resting_of, withdraw
from router.engine.state import State
from router.model import facts as f
from router.model.ids import AccountId, Asset, ListingId, Nanos
from router.model.instruments import Listing
from router.model.market import ListingView, MarketView
from router.model.money import ONE, ZERO, plain, ratio
from router.model.orders import ParentOrder, TimeInForce
from router.model.rounding import down, limit_price
from router.model.side import Side
from router.orders.records import Parent
from router.ports.policy import Quote, Resting, Target
from router.split.plan import PlanLine

_AGAIN_NS = 1_000_000_000
"""How long after a round that could place nothing the next one comes at the earliest."""


def quote(draft: Draft, parent: Parent, view: MarketView, target: Target) -> None:
    """Withdraw what should not stand, or place what does not stand yet, or leave all as it is."""
    assert target.quotes is not None
    state, order = draft.state, parent.order
    standing = resting_of(state, parent)
    wanted = [priced(order, view, target, one) for one in target.quotes]
    keep = kept([one for one in standing if _allowed(order, view, one)], [one for one in wanted if one is not None])
    if withdraw(draft, parent, keep.keys()):
        return
    missing = [one for one in wanted if one is not None and one not in keep.values()]
    if missing and not on_its_way(state, parent) and not _just_failed(parent, draft.now_ns):
        _place(draft, parent, view, target, missing)
    elif target.not_before_ns is not None:
        draft.wake(timers.parent(order.id), target.not_before_ns)


def _just_failed(parent: Parent, now_ns: Nanos) -> bool:
    if parent.last_round_ns is None or parent.last_round_sent or not parent.last_round_rests:
        return False
    return now_ns < parent.last_round_ns + _AGAIN_NS


def _place(draft: Draft, parent: Parent, view: MarketView, target: Target, quotes: list[Quote]) -> None:
    state, order = draft.state, parent.order
    within = bounded(order, view)
    lines, held_back = _lines(state, parent, within, target, quotes, draft.now_ns)
    collars = collar_prices(view, order.side, state.limits.collar_bps)
    if not collars and lines:
        held_back += [_held(line.plan.listing_id, "no mid anywhere to hold its price against") for line in lines]
        lines = []
    found = reviewed(draft, parent, view, lines, collars)
    due = sum((one.quantity for one in quotes), ZERO)
    record(draft, parent, _round(draft, parent, within, quotes, found, (*held_back, *found.refused), due))
    intend(draft, parent, found)
    if found.approved:
        draft.touch(parent)
        return
    again_ns = Nanos(draft.now_ns + _AGAIN_NS)
    next_ns = again_ns if target.not_before_ns is None else max(target.not_before_ns, again_ns)
    draft.touch(parent) if parent.dust is not None else draft.wake(timers.parent(order.id), next_ns)


def _lines(
    state: State, parent: Parent, view: MarketView, target: Target, quotes: list[Quote], now_ns: Nanos
) -> tuple[list[Line], list[f.Exclusion]]:
    """Each quote as an order of what may be sent of it now; and what may not, with the reason."""
    order = parent.order
    books = {book.listing.id: book for book in view.listings}
    blocked = access.blocked(state, parent, view, now_ns)
    money = access.spendable(state, view, order.side)
    room = {cap.listings: cap.quantity for cap in venue_caps(order, view, access.got(state, parent))}
    left = order.quantity - state.blotter.exposure(parent)
    places = places_left(order, target, living(state, parent))
    lines: list[Line] = []
    held_back: list[f.Exclusion] = []
    for one in quotes:
        book = books.get(one.listing_id)
        why = "has no book" if book is None else blocked.get(one.listing_id)
        why = why or access.bouncing(parent, one.listing_id, now_ns)
        if would_meet(state, order.side, one.listing_id, one.price):
            why = why or "an order of ours could trade with it"
        if places is not None and len(lines) >= places:
            why = why or f"{order.envelope.max_children_outstanding} children are out, the most"
        if book is None or why is not None:
            held_back.append(_held(one.listing_id, why or ""))
            continue
        quantity = _sized(state, order, view, book, one, min(one.quantity, left), money)
        for listings, most in room.items():
            if one.listing_id in listings and most is not None:
                quantity = min(quantity, down(most, book.listing.step))
                room[listings] = most - quantity
        if quantity <= 0:
            held_back.append(_held(one.listing_id, "nothing may be spent there"))
            continue
        if _too_small(book, quantity, one.price):
            held_back.append(_held(one.listing_id, f"{plain(quantity)} is less than what may be sent there"))
            continue
        left -= quantity
        asset = book.listing.quote if order.side is Side.BUY else book.listing.base
        key = (book.listing.account, asset)
        money = {**money, key: money[key] - _reserves(book.listing, order.side, quantity, one.price)}
        lines.append(
            Line(
                plan=_plan_line(view, book.listing, order.side, quantity, one.price),
                time_in_force=TimeInForce.GTC,
                post_only=one.post_only,
            )
        )
    return lines, held_back


def _sized(
    state: State,
    order: ParentOrder,
    view: MarketView,
    book: ListingView,
    one: Quote,
    quantity: Decimal,
    money: Mapping[tuple[AccountId, Asset], Decimal],
) -> Decimal:
    """No more than a child may be of or worth, nor than the account can pay for."""
    listing, rate = book.listing, view.fx_rate(book.listing.quote)
    assert rate is not None
    most = [quantity, ratio(state.limits.child_notional_max, one.price * rate)]
    if listing.max_quantity is not None:
        most.append(listing.max_quantity)
    asset = listing.quote if order.side is Side.BUY else listing.base
    most.append(ratio(money[listing.account, asset], _reserves(listing, order.side, ONE, one.price)))
    return down(max(min(most), ZERO), listing.step)


def _reserves(listing: Listing, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
    given = quantity * price if side is Side.BUY else quantity
    return given * spend_factor(listing, side)


def _plan_line(view: MarketView, listing: Listing, side: Side, quantity: Decimal, price: Decimal) -> PlanLine:
    """As dear as a taker's: what a maker pays is not listed, and nothing here flatters."""
    rate = view.fx_rate(listing.quote)
    assert rate is not None
    fee = expected_fee(listing, side, quantity, quantity * price)
    return PlanLine(
        listing_id=listing.id,
        quantity=quantity,
        limit_price=price,
        expected_price=price,
        effective_price=effective_price(listing, side, price, rate),
        expected_fee=fee.amount,
        fee_asset=fee.asset,
    )


def _held(listing_id: ListingId, why: str) -> f.Exclusion:
    return f.Exclusion(listing_id=listing_id, reason=why)


def _round(
    draft: Draft,
    parent: Parent,
    view: MarketView,
    quotes: list[Quote],
    found: Reviewed,
    exclusions: tuple[f.Exclusion, ...],
    due: Decimal,
) -> f.RoundPlanned:
    planned = [candidate.line for _, candidate in found.approved]
    reasons = [f"{one.listing_id} {one.reason}" for one in exclusions]
    dust = not planned and all(
        _too_small(book, quote.quantity, quote.price) for book in view.listings for quote in quotes
    )
    return f.RoundPlanned(
        parent_id=parent.order.id,
        round=parent.rounds + 1,
        at_ns=draft.now_ns,
        due=due,
        children=found.children,
        residual=due - found.quantity,
        residual_reason="; ".join(reasons) or None,
        all_in_cost=sum((line.quantity * line.effective_price for line in planned), ZERO) if planned else None,
        marginal_price=None,
        exclusions=exclusions,
        dust=dust,
        rests=True,
    )


def _too_small(book: ListingView, quantity: Decimal, price: Decimal) -> bool:
    listing = book.listing
    return quantity < max(listing.step, listing.min_quantity) or quantity * price < listing.min_notional


def priced(order: ParentOrder, view: MarketView, target: Target, one: Quote) -> Quote | None:
    """The quote no further than the order's limits allow, on the tick; None without a book or a mark for it."""
    book = next((book for book in view.listings if book.listing.id == one.listing_id), None)
    rate = None if book is None else view.fx_rate(book.listing.quote)
    if book is None or rate is None:
        return None
    edges = [one.price, *_edges(order, target, book.listing, rate)]
    price = min(edges) if order.side is Side.BUY else max(edges)
    price = limit_price(order.side, price, book.listing.tick)
    if price <= 0 or one.quantity <= 0:
        return None
    return Quote(listing_id=one.listing_id, price=price, quantity=one.quantity, post_only=one.post_only)


def _edges(order: ParentOrder, target: Target | None, listing: Listing, rate: Decimal) -> list[Decimal]:
    """The order's limits as prices of this listing: the raw one, the policy's stricter one, and the one all in."""
    raw = [order.limit_price, None if target is None else target.limit_price]
    edges = [ratio(limit, rate) for limit in raw if limit is not None]
    most = order.envelope.all_in_limit_price
    if most is not None:
        edges.append(ratio(most, all_in_at_most_here(listing, order.side, ONE, rate)))
    return edges


def _allowed(order: ParentOrder, view: MarketView, one: Resting) -> bool:
    """Is what stands still within the order's limits? The mark of its currency may have moved since."""
    book = next((book for book in view.listings if book.listing.id == one.listing_id), None)
    rate = None if book is None else view.fx_rate(book.listing.quote)
    if book is None or rate is None:
        return True
    return all((one.price - edge) * order.side.sign <= 0 for edge in _edges(order, None, book.listing, rate))
