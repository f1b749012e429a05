"""What is known of the market at one instant. Immutable: a decision keeps the view it was made on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from router.model.ids import Asset, InstrumentId, Nanos
from router.model.instruments import Listing
from router.model.public_trades import TradeCounters


class Level(NamedTuple):
    """Price in quote currency per unit of base, size in base."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingView:
    """One listing's book as it stood: best level first on both sides.

    `unusable` says why the book must not be traded on (never seen, stale, gap, crossed); None when it may. `book_seq`
    is the connector's own count of changes, for the record.
    """

    listing: Listing
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    book_age_ns: int
    book_seq: int
    unusable: str | None = None
    trades: TradeCounters | None = None
    """What has been traded there in public; None while that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FxMark:
    """Value of one unit of `asset` in the reporting currency. `source`: the listing or declaration it came from."""

    asset: Asset
    rate: Decimal
    age_ns: int
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketView:
    """Every listing of an instrument, and the marks that make their prices comparable, at `at_ns`."""

    instrument: InstrumentId
    at_ns: Nanos
    listings: tuple[ListingView, ...]
    fx: tuple[FxMark, ...]

    def fx_rate(self, asset: Asset) -> Decimal | None:
        """Reporting currency per unit of `asset`; None when there is no mark."""
        return next((mark.rate for mark in self.fx if mark.asset == asset), None)
