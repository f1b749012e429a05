"""One order's cost as one line, and one line for each listing it used: what periods are added up from."""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import ListingId, Nanos
from router.model.money import ZERO, exactly
from router.tca.cost import OrderCost
from router.tca.spreads import HORIZONS_S, Weighted


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingLine:
    """One listing's part. `notional`: base filled, at the arrival mid; `slippage` against what it showed, None unknown.

    `markouts_bps` as the order's, over the fills here.
    """

    listing_id: ListingId
    children: int
    rejected: int
    repeated: int
    sent: Decimal
    filled: Decimal
    notional: Decimal
    fee: Decimal
    slippage: Decimal | None
    markouts_bps: dict[int, Decimal | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class CostLine:
    """One order that has ended. Money in reporting currency; `notional`: what was filled, at the arrival mid.

    `trading` to `total` are the shortfall's, None together where it is unknown. `arrival_cost`: what the fills cost
    beyond the arrival mid, all in. `saving`: over the best single venue on the view of arrival. `markouts_bps`: by
    seconds, weighted by quantity. `record`: the hash of all it was computed from.
    """

    parent_id: str
    ref_id: str
    instrument: str
    side: str
    policy: str
    submitter: str
    state: str
    currency: str
    decided_ns: Nanos
    ended_ns: Nanos
    ordered: Decimal
    filled: Decimal
    fills: int
    notional: Decimal | None
    paper: Decimal | None
    delay: Decimal | None
    trading: Decimal | None
    fx: Decimal | None
    opportunity: Decimal | None
    fees: Decimal | None
    total: Decimal | None
    arrival_cost: Decimal | None
    sweep_to_fill_bps: Decimal | None
    saving_bps: Decimal | None
    effective_bps: Decimal | None
    markouts_bps: dict[int, Decimal | None]
    listings: tuple[ListingLine, ...]
    flags: tuple[str, ...]
    record: str


def line_of(found: OrderCost, digest: str) -> CostLine:
    """The line of one order; `digest`: of its record."""
    record, short, mid = found.record, found.shortfall, found.arrival_mid
    with exactly():
        notional = None if mid is None else found.filled * mid
        paper = None if found.decision_mid is None else record.quantity * found.decision_mid
        paid = sum((one.seen.quantity * one.price for one in found.valued), ZERO)
        fees = sum((one.fee for one in found.valued), ZERO)
        known = notional is not None and found.average is not None
        arrival_cost = record.side.sign * (paid - notional) + fees if known and notional is not None else None
    best = next((one for one in found.savings if one.venue is not None), None)
    return CostLine(
        parent_id=record.parent_id,
        ref_id=record.ref_id,
        instrument=record.instrument,
        side=record.side.value,
        policy=record.policy,
        submitter=record.principal,
        state=record.state,
        currency=record.reporting,
        decided_ns=record.decided_ns,
        ended_ns=record.ended_ns,
        ordered=record.quantity,
        filled=found.filled,
        fills=len(record.fills),
        notional=notional,
        paper=paper,
        delay=None if short is None else short.delay,
        trading=None if short is None else short.trading,
        fx=None if short is None else short.fx,
        opportunity=None if short is None else short.opportunity,
        fees=None if short is None else short.fees,
        total=None if short is None else short.total,
        arrival_cost=arrival_cost,
        sweep_to_fill_bps=found.sweep_to_fill_bps,
        saving_bps=None if best is None else best.realised_bps,
        effective_bps=found.effective_bps.value,
        markouts_bps={one.seconds: one.markout_bps.value for one in found.horizons},
        listings=tuple(_listing_lines(found)),
        flags=found.flags,
        record=digest,
    )


def _listing_lines(found: OrderCost) -> list[ListingLine]:
    slippage: dict[ListingId, Decimal] = {}
    for _, one in found.attributions:
        for part in one.venues:
            slippage[part.listing_id] = slippage.get(part.listing_id, ZERO) + part.slippage
    return [
        ListingLine(
            listing_id=one.listing_id,
            children=one.children,
            rejected=one.rejected,
            repeated=one.repeated,
            sent=one.sent,
            filled=one.filled,
            notional=one.filled * (found.arrival_mid or ZERO),
            fee=one.fee,
            slippage=slippage.get(one.listing_id),
            markouts_bps=_values(one.markout_bps),
        )
        for one in found.venues
    ]


def _values(figures: tuple[Weighted, ...]) -> dict[int, Decimal | None]:
    return {seconds: one.value for seconds, one in zip(HORIZONS_S, figures, strict=True)}
