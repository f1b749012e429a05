"""An order's record for TCA, from what the store holds: its tables, the views of its decisions, the market record."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

from router.book.discounts import as_reckoned
from router.journal.codec import MODEL_MODULES, codec_of, loads
from router.market_record.archive import Archive
from router.market_record.reading import Reader, volumes
from router.market_record.samples import Gap, Sample
from router.model.errors import SorError
from router.model.ids import Asset, ClientOrderId, InstrumentId, ListingId, Nanos, ParentId, VenueId
from router.model.orders import ParentOrder, ParentState
from router.model.side import Side
from router.store import JournalStore
from router.store.queries import Explanation, ParentDetail, fees_of, never_left
from router.store.tables import ChildTable, FillTable
from router.tca import record as shapes
from router.tca.fold import Fold
from router.tca.path import AGE_NS_MAX
from router.tca.record import Blind, ChildSeen, DecisionSeen, FillSeen, Instant, OrderRecord, TapePiece
from router.tca.result import mid_of
from router.tca.size import size_of
from router.tca.spreads import HORIZONS_S

_NS_PER_S = 1_000_000_000
_ROWS = 1_000
_CODEC = codec_of(*MODEL_MODULES, shapes)


class NotEnded(Exception):
    """The order is still worked: what it costs is not known yet."""


class Differs(SorError):
    """The tables and the journal do not tell the same of an order."""

    def __init__(self, ref_id: str) -> None:
        super().__init__(f"the tables and the journal do not tell the same of {ref_id}: run `sor verify`")


async def journal_record(store: JournalStore, other: OrderRecord) -> OrderRecord:
    """The record of the same order from the journal's rows alone, with the same market."""
    fold, after = Fold(ParentId(other.parent_id)), 0
    while rows := await store.read(after, _ROWS):
        for one in rows:
            fold.follow(one.row.stamped.event, one.row.facts)
        after = rows[-1].seq
    return fold.record(ParentId(other.parent_id), other.instants, other.blind, other.tape)


async def order_record(archive: Archive, detail: ParentDetail, rounds: Sequence[Explanation]) -> OrderRecord:
    """Everything kept of one order. Raises `NotEnded`; `StoreUnavailable`, `BlockUnreadable` as the archive does."""
    parent = detail.parent
    if not ParentState(parent.state).ended:
        raise NotEnded(parent.ref_id)
    base, _, reporting = parent.instrument.partition("/")
    last_ns = max([parent.updated_ns, *(one.venue_time_ns for one in detail.fills)])
    market = await Reader(archive).between(
        InstrumentId(parent.instrument),
        parent.accepted_ns - AGE_NS_MAX,
        last_ns + (HORIZONS_S[-1] + 1) * _NS_PER_S,
    )
    order = loads(parent.order_json)
    assert isinstance(order, ParentOrder)
    fills = tuple(map(_fill, detail.fills))
    arrival = mid_of(next((one.view for one in rounds if one.view is not None), None))
    planned = {child.client_id: one.planned.round for one in rounds for child in one.planned.children}
    return OrderRecord(
        ref_id=parent.ref_id,
        parent_id=parent.id,
        instrument=InstrumentId(parent.instrument),
        base=Asset(base),
        reporting=Asset(reporting),
        side=Side(parent.side),
        quantity=size_of(order, ParentState(parent.state), fills, arrival),
        limit_price=parent.limit_price,
        policy=parent.policy,
        principal=parent.principal,
        state=parent.state,
        reason=parent.reason,
        decided_ns=Nanos(parent.accepted_ns),
        ended_ns=Nanos(parent.updated_ns),
        decisions=tuple(_decision(one) for one in rounds),
        children=tuple(_child(one, planned.get(ClientOrderId(one.client_id), 0)) for one in detail.children),
        fills=fills,
        instants=tuple(map(_instant, market.samples)),
        blind=tuple(map(_blind, market.gaps)),
        tape=tuple(_tape(market.samples)),
    )


def digest_of(record: OrderRecord) -> str:
    """Of every digit of the record: who has the same record has the same report."""
    return hashlib.sha256(_CODEC.dumps(record)).hexdigest()


def _decision(one: Explanation) -> DecisionSeen:
    view = None if one.view is None else as_reckoned(one.view, one.planned.fee_bases)
    return DecisionSeen(round=one.planned.round, at_ns=one.at_ns, due=one.planned.due, view=view)


def _child(one: ChildTable, planning_round: int) -> ChildSeen:
    return ChildSeen(
        id=one.client_id,
        round=planning_round,
        venue=VenueId(one.venue),
        listing_id=ListingId(one.listing_id),
        quantity=one.quantity,
        limit_price=one.limit_price,
        state=one.state,
        left=not never_left(one),
        copies=one.copies,
        decided_ns=Nanos(one.decided_ns),
        sent_ns=None if one.sent_ns is None else Nanos(one.sent_ns),
    )


def _fill(one: FillTable) -> FillSeen:
    return FillSeen(
        key=one.booking_key,
        child=one.client_id,
        quantity=one.quantity,
        price=one.price,
        quote=Asset(one.quote),
        fees=fees_of(one),
        maker=one.maker,
        at_ns=Nanos(one.venue_time_ns),
    )


def _instant(one: Sample) -> Instant:
    return Instant(at_ns=one.at_ns, bid=one.bid, ask=one.ask, marks={mark.asset: mark.rate for mark in one.fx})


def _blind(one: Gap) -> Blind:
    return Blind(from_ns=one.from_ns, to_ns=one.to_ns)


def _tape(samples: Sequence[Sample]) -> Iterator[TapePiece]:
    """Between each two samples what was traded, by listing; a quiet time is one piece."""
    quiet: dict[ListingId, TapePiece] = {}
    for pair in pairwise(samples):
        for one in volumes(pair):
            piece = TapePiece(
                listing_id=one.listing,
                quote=_quote(one.listing),
                from_ns=one.from_ns,
                to_ns=one.to_ns,
                quantity=one.quantity,
                notional=one.notional,
                whole=one.whole,
            )
            before = quiet.pop(one.listing, None)
            if piece.quantity or not piece.whole:
                yield from () if before is None else (before,)
                yield piece
            else:
                quiet[one.listing] = piece if before is None else _longer(before, piece)
    yield from quiet.values()


def _longer(before: TapePiece, after: TapePiece) -> TapePiece:
    return TapePiece(
        listing_id=before.listing_id,
        quote=before.quote,
        from_ns=before.from_ns,
        to_ns=after.to_ns,
        quantity=before.quantity,
        notional=before.notional,
        whole=True,
    )


def _quote(listing: ListingId) -> Asset:
    """USDT of binance/main:BTC/USDT."""
    return Asset(listing.rpartition("/")[2])
