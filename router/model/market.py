"""What is known of the market at one instant. Immutable: a decision keeps the view it was made on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from router.model.ids import AccountId, Asset, InstrumentId, ListingId, Nanos
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

    def fx_mark(self, asset: Asset) -> FxMark | None:
        """The value of `asset`; None when there is no mark."""
        return next((mark for mark in self.fx if mark.asset == asset), None)

    def fx_rate(self, asset: Asset) -> Decimal | None:
        """Reporting currency per unit of `asset`; None when there is no mark."""
        mark = self.fx_mark(asset)
        return None if mark is None else mark.rate


@dataclass(frozen=True, kw_only=True, slots=True)
class FeeBasis:
    """Whether a token's discount was counted on at a listing, and by what. Amounts in the token.

    `needed` for the fees of all that is due and of all that is under way at the account; `held`, less what orders
    draw. `token_rate`, `quote_rate`: reporting currency per unit; `source` and `age_ns` are the token's mark's.
    `why_not` None: the discount was counted on.
    """

    listing_id: ListingId
    account: AccountId
    token: Asset
    taker_fee_bps: Decimal
    needed: Decimal | None
    held: Decimal | None
    token_rate: Decimal | None
    quote_rate: Decimal | None
    source: str
    age_ns: int
    why_not: str | None
