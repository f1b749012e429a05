"""What TCA asks of the record: how the market stood, what was traded, and where nobody was looking."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.market_record.archive import Archive
from router.market_record.samples import Gap, Sample
from router.market_record.volume import HOLE_NS, Meter, OwnPrint, TapeVolume
from router.model.ids import InstrumentId, ListingId, Nanos
from router.model.money import ZERO, exactly
from router.model.public_trades import TradeCounters

_NS_PER_MS = 1_000_000
_NONE = TradeCounters(Nanos(0), 0, ZERO, ZERO, ZERO, ZERO, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """An instrument between two times, oldest first. Outside of `gaps`, where there is no sample it was not in use."""

    samples: tuple[Sample, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicVolume:
    """What was traded in public at a listing between two samples, our own trades included.

    `whole`: no print is known to be missing. Where it is False the figures are a lower bound: so much was seen.
    """

    listing: ListingId
    from_ns: Nanos
    to_ns: Nanos
    prints: int
    quantity: Decimal
    notional: Decimal
    bought: Decimal
    sold: Decimal
    whole: bool


class Reader:
    """Reads an archive. Raises `BlockUnreadable` for damaged blocks, `StoreUnavailable` without a database."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def between(self, instrument: InstrumentId, from_ns: int, to_ns: int) -> Excerpt:
        """Everything remembered of the instrument from `from_ns` to `to_ns`, both included."""
        samples: list[Sample] = []
        gaps: list[Gap] = []
        async for block in self._archive.blocks(from_ns, to_ns):
            samples += (one for one in block.samples if one.instrument == instrument and from_ns <= one.at_ns <= to_ns)
            gaps += (one for one in block.gaps if one.from_ns <= to_ns and one.to_ns >= from_ns)
        return Excerpt(samples=tuple(sorted(samples, key=lambda one: one.at_ns)), gaps=tuple(gaps))

    async def volume(
        self,
        instrument: InstrumentId,
        edges: Sequence[int],
        own: Callable[[Collection[ListingId]], Awaitable[Iterable[OwnPrint]]],
    ) -> tuple[TapeVolume, ...]:
        """What was traded at each listing between these moments, bucket by bucket, ours apart.

        `own` is asked for our prints on the tapes there are. Blocks are let go of as they are read.
        """
        meter = Meter(instrument, edges)
        gaps: list[Gap] = []
        async for block in self._archive.blocks(edges[0] - HOLE_NS, edges[-1]):
            gaps += block.gaps
            for sample in sorted(block.samples, key=lambda one: one.at_ns):
                if sample.at_ns > edges[0] - HOLE_NS:
                    meter.look(sample)
        return meter.told(await own(meter.listings), gaps)

    async def at(self, instrument: InstrumentId, at_ns: int, *, age_ms_max: int) -> Sample | None:
        """The market as it stood then: the last sample not younger. None where that is older than `age_ms_max`."""
        found = await self.between(instrument, at_ns - age_ms_max * _NS_PER_MS, at_ns)
        return found.samples[-1] if found.samples else None


def volumes(samples: Iterable[Sample]) -> tuple[PublicVolume, ...]:
    """What was traded from the first of these samples of one instrument to the last, per listing.

    Counters are subtracted within an epoch only; of an epoch that began in between, all that it counted is added.
    In one piece, ours among it; `router.market_record.volume` divides it into buckets and takes ours off.
    """
    told = tuple(samples)
    listings = dict.fromkeys(top.listing for sample in told for top in sample.venues)
    return tuple(_volume(listing, told) for listing in listings)


def _volume(listing: ListingId, samples: tuple[Sample, ...]) -> PublicVolume:
    tops = [(sample.at_ns, sample.venue(listing)) for sample in samples]
    counters = [None if top is None else top.trades for _, top in tops]
    total, whole, last = _NONE, counters[0] is not None, counters[0]
    for one in counters[1:]:
        whole = whole and one is not None and last is not None and one.epoch_ns == last.epoch_ns
        if one is not None:
            total = _plus(total, one, last if last is not None and last.epoch_ns == one.epoch_ns else _NONE)
            last = one
    return PublicVolume(
        listing=listing,
        from_ns=tops[0][0],
        to_ns=tops[-1][0],
        prints=total.prints,
        quantity=total.quantity,
        notional=total.notional,
        bought=total.bought,
        sold=total.sold,
        whole=whole,
    )


def _plus(total: TradeCounters, now: TradeCounters, before: TradeCounters) -> TradeCounters:
    with exactly():
        return TradeCounters(
            now.epoch_ns,
            total.prints + now.prints - before.prints,
            total.quantity + now.quantity - before.quantity,
            total.notional + now.notional - before.notional,
            total.bought + now.bought - before.bought,
            total.sold + now.sold - before.sold,
            now.last_ns,
        )
