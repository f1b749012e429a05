"""From planned orders to intents: risk looks at each, and what passes becomes a child and a command to place it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from router.book.effective import spend_factor
from router.engine import sizing, timers
from router.engine.draft import Draft
from router.engine.state import State
from router.model import facts as f
from router.model.commands import Place
from router.model.ids import AccountId, Asset, ListingId, Nanos
from router.model.market import ListingView, MarketView
from router.model.money import ZERO
from router.model.orders import Approved, ChildOrder, ParentState, TimeInForce
from router.model.side import Side
from router.model.terms import Fence
from router.orders import counting
from router.orders.client_ids import client_order_id
from router.orders.records import Parent
from router.risk import CHECKS, Refusal, RiskView, review
from router.split.plan import PlanLine

_MS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A planned child, before risk has looked at it."""

    order: ChildOrder
    reserves: Decimal
    reserved_asset: Asset
    notional: Decimal
    line: PlanLine
    counts: Decimal | None
    """Of what its order asks for, where that is not base as it trades."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewed:
    """What of a round may leave, in order, and what may not and why."""

    approved: tuple[tuple[Approved[ChildOrder], Candidate], ...]
    refused: tuple[f.Exclusion, ...]

    @property
    def quantity(self) -> Decimal:
        """Base that may leave."""
        return sum((order.value.quantity for order, _ in self.approved), Decimal(0))

    @property
    def children(self) -> tuple[f.PlannedChild, ...]:
        """As the record of the round has them."""
        return tuple(
            f.PlannedChild(
                client_id=order.value.client_id,
                listing_id=candidate.line.listing_id,
                quantity=candidate.line.quantity,
                limit_price=candidate.line.limit_price,
                expected_price=candidate.line.expected_price,
                effective_price=candidate.line.effective_price,
            )
            for order, candidate in self.approved
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An order to be made of a plan's line: one that takes and is gone, or one that rests."""

    plan: PlanLine
    time_in_force: TimeInForce = TimeInForce.IOC
    post_only: bool = False


def reviewed(
    draft: Draft, parent: Parent, view: MarketView, lines: Iterable[Line], collars: Mapping[ListingId, Decimal]
) -> Reviewed:
    """Risk looks at each planned child, counting those before it in the same round."""
    state = draft.state
    books = {book.listing.id: book for book in view.listings}
    exposure, counted = state.blotter.exposure(parent), counting.committed(state.blotter, parent)
    day = state.day_notional(parent.order.entity, draft.now_ns)
    taken: dict[tuple[AccountId, Asset], Decimal] = {}
    sent_to: dict[AccountId, int] = {}
    approved: list[tuple[Approved[ChildOrder], Candidate]] = []
    refused: list[f.Exclusion] = []
    for line in lines:
        book = books[line.plan.listing_id]
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
                collar_price=collars[line.plan.listing_id],
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
            refused.append(f.Exclusion(listing_id=line.plan.listing_id, reason=f"risk: {verdict.reason}"))
            continue
        approved.append((verdict, candidate))
        exposure += line.plan.quantity
        counted += candidate.counts or ZERO
        day += candidate.notional
        taken[account, candidate.reserved_asset] = drawn + candidate.reserves
        sent_to[account] = sent_to.get(account, 0) + 1
    return Reviewed(approved=tuple(approved), refused=tuple(refused))


def _candidate(
    state: State, parent: Parent, line: Line, book: ListingView, fx_rate: Decimal, number: int, now_ns: Nanos
) -> Candidate:
    listing, order, plan = book.listing, parent.order, line.plan
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
        quantity=plan.quantity,
        limit_price=plan.limit_price,
        time_in_force=line.time_in_force,
        decided_at_ns=now_ns,
        deadline_ns=Nanos(now_ns + terms.request_ttl_ms * _MS) if has_deadline else None,
        post_only=line.post_only,
    )
    value = plan.quantity * plan.limit_price
    given, asset = (value, listing.quote) if order.side is Side.BUY else (plan.quantity, listing.base)
    return Candidate(
        order=child,
        reserves=given * spend_factor(listing, order.side),
        reserved_asset=asset,
        notional=value * fx_rate,
        line=plan,
        counts=sizing.counts(order, book, plan.quantity, plan.limit_price, fx_rate),
    )


def record(draft: Draft, parent: Parent, round_: f.RoundPlanned) -> None:
    """Write the round down; from its first one on a parent is being worked."""
    draft.note(round_)
    if parent.state is ParentState.ACCEPTED:
        draft.note(
            f.ParentMoved(parent_id=parent.order.id, state=ParentState.WORKING, at_ns=draft.now_ns, reason="planned")
        )
    draft.let_sleep(timers.parent(parent.order.id))


def intend(draft: Draft, parent: Parent, found: Reviewed) -> None:
    """Each that may leave is an intent, and leaves once that is durable."""
    pilots = parent.order.envelope.pilot_pct is not None
    for order, candidate in found.approved:
        draft.note(
            f.ChildIntended(
                order=order.value,
                reserved_asset=candidate.reserved_asset,
                reserved=candidate.reserves,
                notional=candidate.notional,
                counts=candidate.counts,
                effective_price=candidate.line.effective_price if pilots else None,
            )
        )
        draft.do(Place(order=order, copy=1, deadline_ns=order.value.deadline_ns))
