"""One round of one parent: the policy says how much, the splitter where, risk whether; then each child is an intent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from policies.consolidated import mid
from router.balances import spent
from router.book.collar import reference_mid
from router.book.discounts import with_discounts
from router.engine import access, archiving, charging, releasing, sizing, timers, volume
from router.engine.arriving import arrive
from router.engine.asking import places_left, split_request
from router.engine.draft import Asked, Draft
from router.engine.expecting import expecting, version_of
from router.engine.intending import Line, Reviewed, intend, record, reviewed
from router.engine.ours import as_others_stand, not_ours_to_take
from router.engine.parents import hold, living, may_plan, progress
from router.engine.quoting import quote
from router.engine.resting import resting_of
from router.engine.sizing import Due, Sized
from router.engine.state import State
from router.model import facts as f
from router.model.events import MarketSeen
from router.model.ids import ListingId, Nanos
from router.model.market import FeeBasis, Level, ListingView, MarketView
from router.model.money import ZERO
from router.model.orders import ParentState
from router.model.policies import InForce, rests
from router.model.side import Side
from router.orders.records import Parent
from router.ports.policy import Policy, Resting, Target
from router.split.plan import Plan, SplitRequest
from router.split.reach import split_within

_MS = 1_000_000
WARM_UP_NS = 3_000 * _MS
"""How long after a start planning waits for books that have never been seen."""
_WARMING_LOOK_NS = 50 * _MS


def on_market_seen(draft: Draft, event: MarketSeen, policies: Mapping[str, Policy]) -> None:
    """Plan every parent that has something due on this instrument, oldest first, each on what the others left."""
    view = event.view
    for parent in draft.state.blotter.working_parents():
        if parent.order.instrument == view.instrument and may_plan(draft.state, parent, draft.now_ns):
            if _warming(draft.state, parent, view, draft.now_ns):
                draft.wake(timers.parent(parent.order.id), Nanos(draft.now_ns + _WARMING_LOOK_NS))
                continue
            plan = _plan_round(draft, parent, view, policies)
            view = view if plan is None else _without(view, parent.order.side, plan)


def _warming(state: State, parent: Parent, view: MarketView, now_ns: Nanos) -> bool:
    """Right after a start: is a book the parent may use, or the mark of its currency, still on its first way here?"""
    if now_ns >= state.started_ns + WARM_UP_NS:
        return False
    return any(
        state.gate_open(book.listing.account)
        and parent.order.may_use(book.listing.venue)
        and (book.book_seq == 0 or view.fx_rate(book.listing.quote) is None)
        for book in view.listings
    )


def _plan_round(draft: Draft, parent: Parent, view: MarketView, policies: Mapping[str, Policy]) -> Plan | None:
    release = releasing.release(draft, parent, view, policies)
    target = _target(draft, parent, view, policies[parent.order.policy])
    due = progress(draft.state, parent).due(target)
    if release is not None:
        due = release.allowed(progress(draft.state, parent), due)
    if target.quotes is None and due > 0 and resting_of(draft.state, parent):
        target = replace(target, quotes=())  # what rests is withdrawn before anything is taken
    if target.quotes is not None:
        if target.takes and not _could_take(draft, parent, view, target):
            _wait(draft, parent, target)
        elif not _rejected_as_too_large(draft, parent, view):
            quote(draft, parent, view, target)
        return None
    size = sizing.sized(parent.order, view, due, _room(draft.state, parent), target.base_max)
    if size.quantity <= 0 or places_left(parent.order, target, living(draft.state, parent)) == 0:
        _wait(draft, parent, target)
        return None
    if _rejected_as_too_large(draft, parent, view):
        return None
    planned, bases = with_discounts(view, parent.order.side, size.quantity, charging.purses(draft.state, view))
    request = expecting(draft.state, parent, _request(draft.state, parent, planned, size, target, draft.now_ns))
    request, plan = releasing.planned(release, request, target.reach_bps)
    if not plan.lines and (over_ns := _pause_over_ns(draft, view)) is not None:
        draft.wake(timers.parent(parent.order.id), over_ns)
        return None  # an account that is about to be back is worth waiting for: no round is spent
    found = reviewed(draft, parent, view, (Line(plan=line) for line in plan.lines), request.collar_prices)
    if found.approved and not _whole_or_any(parent, due, _due(parent, due, size, found)):
        found = replace(found, approved=())
    draft.asked.append(
        Asked(
            parent_id=parent.order.id, round=parent.rounds + 1, request=request, reach_bps=target.reach_bps, plan=plan
        )
    )
    record(draft, parent, _round(draft, parent, view, _due(parent, due, size, found), plan, found, bases))
    charging.note_discounts(draft, bases)
    intend(draft, parent, found)
    draft.touch(parent)
    return plan


def _target(draft: Draft, parent: Parent, view: MarketView, policy: Policy) -> Target:
    """What the policy wants on this market, once the facts it rests on are written down."""
    arrive(draft, parent, view)
    volume.count(draft, parent, view)
    if rests(parent.order.params):
        view = _to_rest_in(draft.state, parent, view, draft.now_ns)
    target = policy.target(progress(draft.state, parent), draft.now_ns, view)
    if target.triggered:
        middle = mid(view, parent.order.may_use)
        assert middle is not None
        draft.note(f.ParentTriggered(parent_id=parent.order.id, mid=middle, at_ns=draft.now_ns))
        target = policy.target(progress(draft.state, parent), draft.now_ns, view)
    hold(draft, parent, target)
    return target


def _room(state: State, parent: Parent) -> Decimal:
    """Base that it may still trade at all."""
    return parent.order.quantity - state.blotter.exposure(parent)


def _to_rest_in(state: State, parent: Parent, view: MarketView, now_ns: Nanos) -> MarketView:
    """The market as a policy that rests sees it: without our own orders, and without places it could not stand in."""
    shut = access.blocked(state, parent, view, now_ns)
    here = {one.listing_id for one in resting_of(state, parent)}
    for book in view.listings:
        why = access.bouncing(parent, book.listing.id, now_ns)
        if why is not None:
            shut.setdefault(book.listing.id, why)
    seen = as_others_stand(state, view, parent.order.side)
    return replace(
        seen,
        listings=tuple(
            replace(book, unusable=shut[book.listing.id])
            if book.listing.id in shut and book.listing.id not in here and book.unusable is None
            else book
            for book in seen.listings
        ),
    )


def _could_take(draft: Draft, parent: Parent, view: MarketView, target: Target) -> bool:
    """Would a round send anything, if what rests were withdrawn and could be spent again?"""
    size, resting = Sized(quantity=target.takes), resting_of(draft.state, parent)
    request = _request(draft.state, parent, view, size, target, draft.now_ns, less=resting)
    return bool(split_within(request, target.reach_bps).lines)


def _rejected_as_too_large(draft: Draft, parent: Parent, view: MarketView) -> bool:
    too_large = _too_large(draft.state, parent, reference_mid(view))
    if too_large is None:
        return False
    draft.note(
        f.ParentMoved(parent_id=parent.order.id, state=ParentState.REJECTED, at_ns=draft.now_ns, reason=too_large)
    )
    archiving.arrange(draft)
    draft.touch(parent)
    return True


def _wait(draft: Draft, parent: Parent, target: Target) -> None:
    if target.not_before_ns is not None:
        draft.wake(timers.parent(parent.order.id), target.not_before_ns)


def _pause_over_ns(draft: Draft, view: MarketView) -> Nanos | None:
    """When the first pause of an account of this market is over; None when none is paused."""
    accounts = {book.listing.account for book in view.listings}
    pauses = [until for account, until in draft.state.pauses.items() if account in accounts and until > draft.now_ns]
    return min(pauses, default=None)


def _request(
    state: State,
    parent: Parent,
    view: MarketView,
    size: Sized,
    target: Target,
    now_ns: Nanos,
    less: Sequence[Resting] = (),
) -> SplitRequest:
    """What the splitter is asked; as if what stands in `less` were not there any more."""
    money, blocked = access.spendable(state, view, parent.order.side), access.blocked(state, parent, view, now_ns)
    got = access.got(state, parent)
    for one in less:
        child = state.blotter.children[one.client_id]
        key = (child.order.account, child.reserved_asset)
        money[key] = money.get(key, ZERO) + max(child.reserved - spent(child), ZERO)
        got[child.order.venue] -= one.left
        blocked.pop(one.listing_id, None)
    return split_request(
        parent.order,
        not_ours_to_take(state, view, parent.order.side),
        size,
        target,
        state.limits,
        spendable=money,
        living=living(state, parent) - len(less),
        blocked=blocked,
        got=got,
    )


def _round(
    draft: Draft,
    parent: Parent,
    view: MarketView,
    due: Due,
    plan: Plan,
    found: Reviewed,
    bases: tuple[FeeBasis, ...],
) -> f.RoundPlanned:
    reasons = [plan.residual_reason] if plan.residual_reason and due.residual else []
    reasons += [f"{exclusion.listing_id} {exclusion.reason}" for exclusion in found.refused]
    dust = bool(view.listings) and not plan.lines and all(_too_small(parent, view, due, book) for book in view.listings)
    return f.RoundPlanned(
        parent_id=parent.order.id,
        round=parent.rounds + 1,
        at_ns=draft.now_ns,
        due=due.base,
        counted=due.counted,
        children=found.children,
        residual=due.residual,
        residual_reason="; ".join(reasons) or None,
        all_in_cost=plan.all_in_cost,
        marginal_price=plan.marginal_price,
        exclusions=(*plan.exclusions, *found.refused),
        dust=dust,
        fee_bases=bases,
        fill_chances=version_of(draft.state),
    )


def _due(parent: Parent, due: Decimal, size: Sized, found: Reviewed) -> Due:
    lot = None if parent.arrival is None else parent.arrival.lot
    sent = [(order.value.quantity, one.counts) for order, one in found.approved]
    return sizing.due_of(parent.order, lot, due, size, sent)


def _whole_or_any(parent: Parent, due: Decimal, planned: Due) -> bool:
    """An order to fill or kill is planned as a whole, or not at all."""
    return parent.order.envelope.in_force is not InForce.FOK or (due == parent.order.size and planned.residual == 0)


def _too_small(parent: Parent, view: MarketView, due: Due, book: ListingView) -> bool:
    if due.counted is not None and parent.order.quantity_basis.by_value:
        return sizing.buys_nothing(parent.order, book, view.fx_rate(book.listing.quote), due.counted)
    return _below_minimum(book, due.base)


def _below_minimum(book: ListingView, quantity: Decimal) -> bool:
    """Is the quantity too small for this listing, whatever else is wrong with it now?"""
    listing = book.listing
    if quantity < max(listing.step, listing.min_quantity):
        return True
    touch = max((side[0].price for side in (book.bids, book.asks) if side), default=None)
    return touch is not None and quantity * touch < listing.min_notional


def _too_large(state: State, parent: Parent, mid: Decimal | None) -> str | None:
    """Until something was sent, a parent is valued at the market it is planned on."""
    if parent.children or mid is None:
        return None
    worth, cap = sizing.worth(parent.order, mid), state.limits.parent_notional_max
    if worth is None or worth <= cap:
        return None
    return f"{sizing.field(parent.order)}: worth {worth:.2f}, above the parent limit {cap}"


def _without(view: MarketView, side: Side, plan: Plan) -> MarketView:
    """The view less what a plan will take: the next parent must not count on the same liquidity."""
    planned: dict[ListingId, Decimal] = {}
    for line in plan.lines:
        planned[line.listing_id] = planned.get(line.listing_id, Decimal(0)) + line.quantity
    return replace(
        view,
        listings=tuple(
            _eaten(book, side, planned[book.listing.id]) if book.listing.id in planned else book
            for book in view.listings
        ),
    )


def _eaten(book: ListingView, side: Side, quantity: Decimal) -> ListingView:
    left: list[Level] = []
    for level in book.asks if side is Side.BUY else book.bids:
        eaten = min(level.size, quantity)
        quantity -= eaten
        if level.size > eaten:
            left.append(Level(level.price, level.size - eaten))
    return replace(book, asks=tuple(left)) if side is Side.BUY else replace(book, bids=tuple(left))
