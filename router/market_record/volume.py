"""What others traded, from the sampled counters: per tape and bucket, our own prints taken off, gaps named.

Counters are subtracted within an epoch only. Of an epoch that began in between, all that it counted is added; between
the last sample of the one before and its beginning prints may be missing, and the figures are a lower bound there.
Where samples are far apart and the epoch is the same nothing is missing, but in which bucket it was traded is unknown.

Our own fills are taken off by the venue's own time and trade id, once however often they are booked. A print arrives a
moment before or after that time: what a bucket does not hold of ours is taken off the next, and at last the one before.
A fill from a time in which prints may be missing is not taken off: its print is not counted either.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from router.market_record.samples import Gap, Sample
from router.model.ids import InstrumentId, ListingId, Nanos
from router.model.money import ZERO, exactly
from router.model.public_trades import TradeCounters

HOLE_NS = 5_000_000_000
"""Samples further apart than this do not say when something was traded."""
_LOST = "prints may be missing"
_UNSAMPLED = "there is no sample"
_NOTHING = TradeCounters(Nanos(0), 0, ZERO, ZERO, ZERO, ZERO, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPrint:
    """A trade of ours that is on a tape: what the venue's trade list says of it. `quantity` in base."""

    listing: ListingId
    trade_id: str
    at_ns: Nanos
    quantity: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Traded:
    """In public; `quantity`, `bought`, `sold` and `own` in base, `notional` in quote, `own` part of `quantity`."""

    prints: int = 0
    quantity: Decimal = ZERO
    notional: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    own: Decimal = ZERO

    @property
    def others(self) -> Decimal:
        """Without ours."""
        with exactly():
            return self.quantity - self.own

    def plus(self, other: "Traded") -> "Traded":
        """Both."""
        with exactly():
            return Traded(
                prints=self.prints + other.prints,
                quantity=self.quantity + other.quantity,
                notional=self.notional + other.notional,
                bought=self.bought + other.bought,
                sold=self.sold + other.sold,
                own=self.own + other.own,
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Hole:
    """A stretch that cannot be answered for. `quantity`: so much was traded in it, when is unknown; None: unknown."""

    from_ns: Nanos
    to_ns: Nanos
    why: str
    quantity: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TapeVolume:
    """One listing's tape. `own_unseen`: of ours, what was not found on it; `own_at_edges`: what may be of outside.

    `own_at_edges` is what of ours traded within five seconds of the window's beginning or end, on either side.
    """

    listing: ListingId
    buckets: tuple[Traded, ...]
    total: Traded
    missing: tuple[Hole, ...]
    unsplit: tuple[Hole, ...]
    own_unseen: Decimal
    own_at_edges: Decimal

    def whole(self, from_ns: int, to_ns: int) -> bool:
        """Is all that was traded between these moments counted, and counted there?"""
        return not any(one.from_ns < to_ns and one.to_ns > from_ns for one in (*self.missing, *self.unsplit))


class Meter:
    """Reads one instrument's samples, oldest first, from shortly before the first edge to the last; then tells."""

    def __init__(self, instrument: InstrumentId, edges: Sequence[int]) -> None:
        assert len(edges) > 1
        self._instrument = instrument
        self._edges = edges
        self._tapes: dict[ListingId, _Tape] = {}
        self._at_ns = 0

    @property
    def listings(self) -> tuple[ListingId, ...]:
        """Of all samples so far."""
        return tuple(self._tapes)

    def look(self, sample: Sample) -> None:
        """One more; what is not newer than the one before, or of something else, is passed over."""
        if sample.instrument != self._instrument or not self._at_ns < sample.at_ns <= self._edges[-1]:
            return
        self._at_ns = sample.at_ns
        for top in sample.venues:
            if top.listing not in self._tapes:
                self._tapes[top.listing] = _Tape(self._edges)
        for listing, tape in self._tapes.items():
            seen = sample.venue(listing)
            tape.look(sample.at_ns, None if seen is None else seen.trades)

    def told(self, own: Iterable[OwnPrint], gaps: Sequence[Gap] = ()) -> tuple[TapeVolume, ...]:
        """Every tape's volume. `own`: ours on any tape; `gaps`: the record's own, which say why samples are missing."""
        prints = {(one.listing, one.trade_id): one for one in own}.values()
        return tuple(
            tape.told(listing, [one for one in prints if one.listing == listing], gaps)
            for listing, tape in self._tapes.items()
        )


class _Tape:
    """One listing: its last good reading, and what became of each bucket."""

    def __init__(self, edges: Sequence[int]) -> None:
        self._edges = edges
        self._buckets = [Traded()] * (len(edges) - 1)
        self._missing: list[Hole] = []
        self._unsplit: list[Hole] = []
        self._last: TradeCounters | None = None
        self._last_ns = edges[0]
        """When the last good reading was, or since when nothing is known."""
        self._seen_ns = edges[0]
        """When the last sample was, good or not."""

    def look(self, at_ns: int, now: TradeCounters | None) -> None:
        begun, before = self._edges[0], self._last
        self._seen_ns = at_ns
        if now is None:
            return
        if at_ns <= begun:
            self._last, self._last_ns = now, at_ns
            return
        if before is not None and before.epoch_ns == now.epoch_ns:
            since_ns = self._last_ns
            traded = _between(before, now)
        elif before is None and now.epoch_ns <= begun:
            self._miss(begun, at_ns, _UNSAMPLED)  # what it counted until then may be of before
            since_ns, traded = at_ns, Traded()
        else:
            since_ns = now.epoch_ns
            self._miss(self._last_ns, since_ns, _LOST)
            traded = _between(_NOTHING, now)
        if at_ns - since_ns > HOLE_NS:
            hole = Hole(from_ns=Nanos(since_ns), to_ns=Nanos(at_ns), why=_UNSAMPLED, quantity=traded.quantity)
            self._unsplit.append(hole)
        bucket = bisect_left(self._edges, at_ns) - 1
        self._buckets[bucket] = self._buckets[bucket].plus(traded)
        self._last, self._last_ns = now, at_ns

    def told(self, listing: ListingId, own: Sequence[OwnPrint], gaps: Sequence[Gap]) -> TapeVolume:
        begun, ended = self._edges[0], self._edges[-1]
        missing, unsplit = [*self._missing], self._unsplit
        lost = self._seen_ns > self._last_ns
        if lost or self._last is None or self._last_ns < ended - HOLE_NS:
            since_ns = max(self._last_ns, begun)
            missing.append(Hole(from_ns=Nanos(since_ns), to_ns=Nanos(ended), why=_LOST if lost else _UNSAMPLED))
        counted = [
            one
            for one in own
            if begun < one.at_ns <= ended and not any(hole.from_ns < one.at_ns < hole.to_ns for hole in missing)
        ]
        buckets, unseen = self._without(counted)
        total = Traded()
        for bucket in buckets:
            total = total.plus(bucket)
        near = [one for one in own if min(abs(one.at_ns - begun), abs(one.at_ns - ended)) <= HOLE_NS]
        return TapeVolume(
            listing=listing,
            buckets=buckets,
            total=total,
            missing=tuple(_explained(one, gaps) for one in missing),
            unsplit=tuple(_explained(one, gaps) for one in unsplit),
            own_unseen=unseen,
            own_at_edges=_sum(near),
        )

    def _miss(self, from_ns: int, to_ns: int, why: str) -> None:
        from_ns, to_ns = max(from_ns, self._edges[0]), max(to_ns, self._edges[0])
        if to_ns > from_ns:
            self._missing.append(Hole(from_ns=Nanos(from_ns), to_ns=Nanos(to_ns), why=why))

    def _without(self, own: Sequence[OwnPrint]) -> tuple[tuple[Traded, ...], Decimal]:
        """Ours taken off the tape: never more than a bucket holds, what is left over from the next, then the last."""
        ours = [ZERO] * len(self._buckets)
        for one in own:
            with exactly():
                ours[bisect_left(self._edges, one.at_ns) - 1] += one.quantity
        buckets, left = [*self._buckets], ZERO
        places = range(len(buckets))
        for place in (*places, *reversed(places)):
            with exactly():
                wanted, ours[place] = left + ours[place], ZERO
                taken = min(wanted, buckets[place].others)
                buckets[place] = replace(buckets[place], own=buckets[place].own + taken)
                left = wanted - taken
        return tuple(buckets), left


def one_tape_each(
    tapes: Sequence[TapeVolume], exchange_of: Callable[[ListingId], str]
) -> tuple[tuple[TapeVolume, ...], tuple[ListingId, ...]]:
    """Of several accounts' listings of one exchange's market the one with the least missing: it is one tape.

    `exchange_of` names the market a listing is a view of. Returns the tapes that count, and the listings left aside.
    """
    best: dict[str, TapeVolume] = {}
    for tape in tapes:
        name = exchange_of(tape.listing)
        if name not in best or _missing_ns(tape) < _missing_ns(best[name]):
            best[name] = tape
    kept = tuple(tape for tape in tapes if best[exchange_of(tape.listing)] is tape)
    return kept, tuple(tape.listing for tape in tapes if tape not in kept)


def _missing_ns(tape: TapeVolume) -> int:
    return sum(one.to_ns - one.from_ns for one in tape.missing)


def _between(before: TradeCounters, now: TradeCounters) -> Traded:
    with exactly():
        return Traded(
            prints=now.prints - before.prints,
            quantity=now.quantity - before.quantity,
            notional=now.notional - before.notional,
            bought=now.bought - before.bought,
            sold=now.sold - before.sold,
        )


def _explained(hole: Hole, gaps: Sequence[Gap]) -> Hole:
    """With the record's own word for it, where it has one."""
    if hole.why != _UNSAMPLED:
        return hole
    whys = dict.fromkeys(gap.why for gap in gaps if gap.from_ns < hole.to_ns and gap.to_ns > hole.from_ns)
    return replace(hole, why=f"{_UNSAMPLED}: {'; '.join(whys)}") if whys else hole


def _sum(own: Sequence[OwnPrint]) -> Decimal:
    with exactly():
        return sum((one.quantity for one in own), ZERO)
