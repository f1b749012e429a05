"""One round of one parent: the policy says how much, the splitter where, risk whether; then each child is an intent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from policies.consolidated import mid
from router.book.collar import reference_mid
from router.book.discounts import with_discounts
from router.book.effective import spend_factor
from router.engine import archiving, charging, releasing, sizing, timers, volume
from router.engine.arriving import arrive
from router.engine.asking import places_left, split_request
from router.engine.draft import Asked, Draft
from router.engine.parents import hold, living, may_plan, progress
from router.engine.sizing import Due, Sized
from router.engine.state import State
from router.model import facts as f
from router.model.commands import Place
from router.model.events import MarketSeen
from router.model.ids import AccountId, Asset, ListingId, Nanos, VenueId
from router.model.market import FeeBasis, Level, ListingView, MarketView
from router.model.money import ZERO
from router.model.orders import Approved, ChildOrder, ParentState, TimeInForce
from router.model.policies import InForce
from router.model.side import Side
from router.model.terms import Fence
from router.orders import counting
from router.orders.client_ids import client_order_id
from router.orders.records import Parent
from router.ports.policy import Policy, Target
from router.risk import CHECKS, Refusal, RiskView, review
from router.split.plan import Plan, PlanLine, SplitRequest

_MS = 1_000_000
WARM_UP_NS = 3_000 * _MS
"""How long after a start planning waits for books that have never been seen."""
_WARMING_LOOK_NS = 50 * _MS
REFUSALS_MAX = 3
"""After so many refusals in a row a listing gets nothing more of a parent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """A planned child, before risk has looked at it."""

    order: ChildOrder
    reserves: Decimal
    reserved_asset: Asset
    notional: Decimal
    line: PlanLine
    counts: Decimal | None


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
    size = sizing.sized(parent.order, view, due, _room(draft.state, parent), target.base_max)
    if size.quantity <= 0 or places_left(parent.order, target, living(draft.state, parent)) == 0:
        _wait(draft, parent, target)
        return None
    if (too_large := _too_large(draft.state, parent, reference_mid(view))) is not None:
        draft.note(
            f.ParentMoved(parent_id=parent.order.id, state=ParentState.REJECTED, at_ns=draft.now_ns, reason=too_large)
        )
        archiving.arrange(draft)
        draft.touch(parent)
        return None
    planned, bases = with_discounts(view, parent.order.side, size.quantity, charging.purses(draft.state, view))
    request = _request(draft.state, parent, planned, size, target, draft.now_ns)
    request, plan = releasing.planned(release, request, target.reach_bps)
    if not plan.lines and (over_ns := _pause_over_ns(draft, view)) is not None:
        draft.wake(timers.parent(parent.order.id), over_ns)
        return None  # an account that is about to be back is worth waiting for: no round is spent
    approved, refused = _reviewed(draft, parent, view, plan, request.collar_prices)
    if approved and not _whole_or_any(parent, due, _due(parent, due, size, approved)):
        approved = []
    draft.asked.append(
        Asked(
            parent_id=parent.order.id, round=parent.rounds + 1, request=request, reach_bps=target.reach_bps, plan=plan
        )
    )
    _record(draft, parent, view, _due(parent, due, size, approved), plan, approved, refused, bases)
    charging.note_discounts(draft, bases)
    for order, candidate in approved:
        draft.note(
            f.ChildIntended(
                order=order.value,
                reserved_asset=candidate.reserved_asset,
                reserved=candidate.reserves,
                notional=candidate.notional,
                counts=candidate.counts,
                effective_price=_told(parent, candidate.line),
            )
        )
        draft.do(Place(order=order, copy=1, deadline_ns=order.value.deadline_ns))
    draft.touch(parent)
    return plan


def _target(draft: Draft, parent: Parent, view: MarketView, policy: Policy) -> Target:
    """What the policy wants on this market, once the facts it rests on are written down."""
    arrive(draft, parent, view)
    volume.count(draft, parent, view)
    target = policy.target(progress(draft.state, parent), draft.now_ns, view)
    if target.triggered:
        middle = mid(view, parent.order.may_use)
        assert middle is not None
        draft.note(f.ParentTriggered(parent_id=parent.order.id, mid=middle, at_ns=draft.now_ns))
        target = policy.target(progress(draft.state, parent), draft.now_ns, view)
    hold(draft, parent, target)
    return target


def _told(parent: Parent, line: PlanLine) -> Decimal | None:
    return line.effective_price if parent.order.envelope.pilot_pct is not None else None


def _room(state: State, parent: Parent) -> Decimal:
    """Base that it may still trade at all."""
    return parent.order.quantity - state.blotter.exposure(parent)


def _wait(draft: Draft, parent: Parent, target: Target) -> None:
    if target.not_before_ns is not None:
        draft.wake(timers.parent(parent.order.id), target.not_before_ns)


def _pause_over_ns(draft: Draft, view: MarketView) -> Nanos | None:
    """When the first pause of an account of this market is over; None when none is paused."""
    accounts = {book.listing.account for book in view.listings}
    pauses = [until for account, until in draft.state.pauses.items() if account in accounts and until > draft.now_ns]
    return min(pauses, default=None)


def _request(
    state: State, parent: Parent, view: MarketView, size: Sized, target: Target, now_ns: Nanos
) -> SplitRequest:
    got: dict[VenueId, Decimal] = {}
    for child in state.blotter.children_of(parent):
        used = counting.filled(parent.order, child) + counting.unsettled(parent.order, child)
        got[child.order.venue] = got.get(child.order.venue, Decimal(0)) + used
    return split_request(
        parent.order,
        view,
        size,
        target,
        state.limits,
        spendable=_spendable(state, view, parent.order.side),
        living=living(state, parent),
        blocked=_blocked(state, parent, view, now_ns),
        got=got,
    )


def _spendable(state: State, view: MarketView, side: Side) -> dict[tuple[AccountId, Asset], Decimal]:
    assets = {
        (book.listing.account, book.listing.quote if side is Side.BUY else book.listing.base) for book in view.listings
    }
    return {(account, asset): state.available(account, asset) for account, asset in sorted(assets)}


def _blocked(state: State, parent: Parent, view: MarketView, now_ns: Nanos) -> dict[ListingId, str]:
    """Listings that must get nothing now, and why."""
    reasons = ((book.listing.id, _block(state, parent, book, now_ns)) for book in view.listings)
    return {listing: reason for listing, reason in reasons if reason is not None}


def _block(state: State, parent: Parent, book: ListingView, now_ns: Nanos) -> str | None:
    account = book.listing.account
    terms = state.terms(account)
    if terms is None:
        return "account is not configured"
    if not state.gate_open(account):
        gate = state.gates.get(account)
        return f"account is shut: {'unknown' if gate is None else gate.reason}"
    if state.pauses.get(account, 0) > now_ns:
        return "account is paused"
    if terms.outstanding_max is not None and state.blotter.outstanding(account) >= terms.outstanding_max:
        return f"account has {terms.outstanding_max} outstanding child(ren), its most"
    if parent.refusals.get(book.listing.id, 0) >= REFUSALS_MAX:
        return f"refused {REFUSALS_MAX} times in a row"
    return None


def _reviewed(
    draft: Draft, parent: Parent, view: MarketView, plan: Plan, collars: Mapping[ListingId, Decimal]
) -> tuple[list[tuple[Approved[ChildOrder], _Candidate]], list[f.Exclusion]]:
    """Risk looks at each planned child, counting those before it in the same round."""
    state = draft.state
    books = {book.listing.id: book for book in view.listings}
    exposure, counted = state.blotter.exposure(parent), counting.committed(state.blotter, parent)
    day = state.day_notional(parent.order.entity, draft.now_ns)
    taken: dict[tuple[AccountId, Asset], Decimal] = {}
    sent_to: dict[AccountId, int] = {}
    approved: list[tuple[Approved[ChildOrder], _Candidate]] = []
    refused: list[f.Exclusion] = []
    for line in plan.lines:
        book = books[line.listing_id]
        account = book.listing.account
        fx_rate = view.fx_rate(book.listing.quote)
        terms = state.terms(account)
        assert fx_rate is not None
        assert terms is not None
        number = state.blotter.next_number(parent) + len(approved)
        candidate = _candidate(state, parent, line, book, fx_rate, number, draft.now_ns)
        drawn = taken.get((account, candidate.reserved_asset), Decimal(0))
        verdict = review(
            candidate.order,
            RiskView(
                limits=state.limits,
                terms=terms,
                parent=parent.order,
                listing=book.listing,
                book=book,
                fx_rate=fx_rate,
                collar_price=collars[line.listing_id],
                exposure=exposure,
                available=state.available(account, candidate.reserved_asset) - drawn,
                reserves=candidate.reserves,
                notional=candidate.notional,
                day_notional=day,
                outstanding=state.blotter.outstanding(account) + sent_to.get(account, 0),
                gate_open=state.gate_open(account),
                halted=state.halted,
                halt_epoch=state.halt_epoch,
                now_ns=draft.now_ns,
                counted=counted,
                counts=candidate.counts,
            ),
            CHECKS,
        )
        if isinstance(verdict, Refusal):
            refused.append(f.Exclusion(listing_id=line.listing_id, reason=f"risk: {verdict.reason}"))
            continue
        approved.append((verdict, candidate))
        exposure += line.quantity
        counted += candidate.counts or ZERO
        day += candidate.notional
        taken[account, candidate.reserved_asset] = drawn + candidate.reserves
        sent_to[account] = sent_to.get(account, 0) + 1
    return approved, refused


def _candidate(
    state: State, parent: Parent, line: PlanLine, book: ListingView, fx_rate: Decimal, number: int, now_ns: Nanos
) -> _Candidate:
    listing, order = book.listing, parent.order
    terms = state.terms(listing.account)
    assert terms is not None
    has_deadline = terms.fence is Fence.DEADLINE
    child = ChildOrder(
        client_id=client_order_id(
            deployment=state.settings.deployment,
            incarnation=state.settings.incarnation,
            account=listing.account,
            parent_id=order.id,
            number=number,
        ),
        parent_id=order.id,
        entity=order.entity,
        number=number,
        venue=listing.venue,
        account=listing.account,
        listing_id=listing.id,
        symbol=listing.symbol,
        base=listing.base,
        quote=listing.quote,
        side=order.side,
        quantity=line.quantity,
        limit_price=line.limit_price,
        time_in_force=TimeInForce.IOC,
        decided_at_ns=now_ns,
        deadline_ns=Nanos(now_ns + terms.request_ttl_ms * _MS) if has_deadline else None,
    )
    value = line.quantity * line.limit_price
    given, asset = (value, listing.quote) if order.side is Side.BUY else (line.quantity, listing.base)
    return _Candidate(
        order=child,
        reserves=given * spend_factor(listing, order.side),
        reserved_asset=asset,
        notional=value * fx_rate,
        line=line,
        counts=sizing.counts(order, book, line.quantity, line.limit_price, fx_rate),
    )


def _record(
    draft: Draft,
    parent: Parent,
    view: MarketView,
    due: Due,
    plan: Plan,
    approved: list[tuple[Approved[ChildOrder], _Candidate]],
    refused: list[f.Exclusion],
    bases: tuple[FeeBasis, ...],
) -> None:
    reasons = [plan.residual_reason] if plan.residual_reason and due.residual else []
    dust = bool(view.listings) and not plan.lines and all(_too_small(parent, view, due, book) for book in view.listings)
    reasons += [f"{exclusion.listing_id} {exclusion.reason}" for exclusion in refused]
    draft.note(
        f.RoundPlanned(
            parent_id=parent.order.id,
            round=parent.rounds + 1,
            at_ns=draft.now_ns,
            due=due.base,
            counted=due.counted,
            children=tuple(
                f.PlannedChild(
                    client_id=order.value.client_id,
                    listing_id=candidate.line.listing_id,
                    quantity=candidate.line.quantity,
                    limit_price=candidate.line.limit_price,
                    expected_price=candidate.line.expected_price,
                    effective_price=candidate.line.effective_price,
                )
                for order, candidate in approved
            ),
            residual=due.residual,
            residual_reason="; ".join(reasons) or None,
            all_in_cost=plan.all_in_cost,
            marginal_price=plan.marginal_price,
            exclusions=(*plan.exclusions, *refused),
            dust=dust,
            fee_bases=bases,
        )
    )
    if parent.state is ParentState.ACCEPTED:
        draft.note(
            f.ParentMoved(parent_id=parent.order.id, state=ParentState.WORKING, at_ns=draft.now_ns, reason="planned")
        )
    draft.let_sleep(timers.parent(parent.order.id))


def _due(parent: Parent, due: Decimal, size: Sized, approved: list[tuple[Approved[ChildOrder], _Candidate]]) -> Due:
    lot = None if parent.arrival is None else parent.arrival.lot
    sent = [(order.value.quantity, one.counts) for order, one in approved]
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
