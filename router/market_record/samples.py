"""What is remembered of the market: one instrument at one instant, and the times nothing is known of."""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import InstrumentId, ListingId, Nanos
from router.model.market import FxMark, Level
from router.model.public_trades import TradeCounters


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueTop:
    """One listing's best levels, how old its book was, why it was unusable, and what had been traded there."""

    listing: ListingId
    bid: Level | None
    ask: Level | None
    age_ns: int
    unusable: str | None
    trades: TradeCounters | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """An instrument at `at_ns`. `bid` and `ask`: the best over all usable listings, raw, in the reporting currency."""

    at_ns: Nanos
    instrument: InstrumentId
    bid: Decimal | None
    ask: Decimal | None
    venues: tuple[VenueTop, ...]
    fx: tuple[FxMark, ...]

    def venue(self, listing: ListingId) -> VenueTop | None:
        """One listing's part of it."""
        return next((top for top in self.venues if top.listing == listing), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Between these times samples are missing; `lost` of them are known to have been taken and thrown away."""

    from_ns: Nanos
    to_ns: Nanos
    why: str
    lost: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """What is written at once: everything there was to say of the time from `first_ns` to `last_ns`."""

    first_ns: Nanos
    last_ns: Nanos
    samples: tuple[Sample, ...]
    gaps: tuple[Gap, ...]
