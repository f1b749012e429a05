"""When to remember: on a change of any top, not more often than asked, and at least once in a while. Pure."""

from dataclasses import dataclass

from router.book.consolidated import top
from router.market_record.samples import Sample, VenueTop
from router.model.ids import InstrumentId, Nanos
from router.model.market import Level, ListingView, MarketView

_NS_PER_MS = 1_000_000
_Tops = tuple[tuple[Level | None, Level | None, bool], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cadence:
    """How often an instrument is sampled and written, and for how long.

    `change_ms`: looked at so often, and remembered when a best price, its size or a book's usability has changed.
    `quiet_ms`: remembered anyway after so long. `after_ms`: how long sampling goes on after a parent's end (markouts).
    `write_ms`: one write so often. `keep_days`: older blocks are removed. `always`: instruments sampled in any case.
    """

    change_ms: int
    quiet_ms: int
    after_ms: int
    write_ms: int
    keep_days: int
    always: tuple[InstrumentId, ...] = ()


class Sampler:
    """One instrument's memory of its last sample."""

    def __init__(self, quiet_ms: int) -> None:
        self._quiet_ns = quiet_ms * _NS_PER_MS
        self._tops: _Tops | None = None
        self._at_ns = 0

    def look(self, view: MarketView) -> Sample | None:
        """What to remember of this view, if anything. An instrument without listings says nothing."""
        if not view.listings:
            return None
        tops = tuple((_best(one.bids), _best(one.asks), one.unusable is None) for one in view.listings)
        if tops == self._tops and view.at_ns - self._at_ns < self._quiet_ns:
            return None
        self._tops, self._at_ns = tops, view.at_ns
        return sample_of(view)


def sample_of(view: MarketView) -> Sample:
    """The part of a view that is remembered."""
    best = top(view)
    return Sample(
        at_ns=view.at_ns,
        instrument=view.instrument,
        bid=best.bid,
        ask=best.ask,
        venues=tuple(_venue_top(one) for one in view.listings),
        fx=view.fx,
    )


class InUse:
    """Which instruments are worth sampling: those asked for always, those worked on, and those worked on lately."""

    def __init__(self, cadence: Cadence) -> None:
        self._always = cadence.always
        self._after_ns = cadence.after_ms * _NS_PER_MS
        self._until: dict[InstrumentId, int] = {}

    def worked_on(self, instrument: InstrumentId, at_ns: Nanos) -> None:
        """A parent was not yet ended then."""
        self._until[instrument] = max(at_ns + self._after_ns, self._until.get(instrument, 0))

    def at(self, now_ns: Nanos) -> tuple[InstrumentId, ...]:
        """Now."""
        self._until = {name: until for name, until in self._until.items() if until >= now_ns}
        return tuple(sorted({*self._always, *self._until}))


def _venue_top(one: ListingView) -> VenueTop:
    return VenueTop(
        listing=one.listing.id,
        bid=_best(one.bids),
        ask=_best(one.asks),
        age_ns=one.book_age_ns,
        unusable=one.unusable,
        trades=one.trades,
    )


def _best(levels: tuple[Level, ...]) -> Level | None:
    return levels[0] if levels else None
