"""All venues in one order: by all-in price for people and plans, by raw price after FX for the risk collar."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from router.book.effective import effective_price
from router.model.ids import ListingId, VenueId
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, exactly
from router.model.side import Side

_HALF = Decimal("0.5")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One level of the consolidated ladder.

    `price` in the listing's quote, `effective_price` in reporting currency with fee and FX, `size` and `cumulative`
    (this rung and all better ones) in base.
    """

    venue: VenueId
    listing_id: ListingId
    symbol: str
    price: Decimal
    fee_bps: Decimal
    effective_price: Decimal
    size: Decimal
    cumulative: Decimal
    age_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Top:
    """Best raw prices in reporting currency over all usable listings; None where a side is empty.

    `bid` may be above `ask`: venues cross each other all the time within their fees.
    """

    bid: Decimal | None
    ask: Decimal | None

    @property
    def mid(self) -> Decimal | None:
        """Halfway; None unless both sides are there."""
        if self.bid is None or self.ask is None:
            return None
        with exactly():
            return (self.bid + self.ask) * _HALF

    def opposite(self, side: Side) -> Decimal | None:
        """The best price an order on `side` could take."""
        return self.ask if side is Side.BUY else self.bid


def top(view: MarketView) -> Top:
    """The consolidated best bid and ask."""
    with exactly():
        bids = [one.bids[0].price * rate for one, rate in usable(view) if one.bids]
        asks = [one.asks[0].price * rate for one, rate in usable(view) if one.asks]
    return Top(bid=max(bids, default=None), ask=min(asks, default=None))


def ladder(view: MarketView, side: Side) -> Iterator[Rung]:
    """What an order on `side` would take, best all-in price first, merged as it is read; ties by listing id."""
    runs = [_run(one, side, rate) for one, rate in usable(view)]
    merged = heapq.merge(*runs, key=lambda found: (side.sign * found[0], found[1].listing.id))
    cumulative = ZERO
    for effective, one, price, size in merged:
        with exactly():
            cumulative += size
        yield Rung(
            venue=one.listing.venue,
            listing_id=one.listing.id,
            symbol=one.listing.symbol,
            price=price,
            fee_bps=one.listing.charged_bps,
            effective_price=effective,
            size=size,
            cumulative=cumulative,
            age_ns=one.book_age_ns,
        )


def usable(view: MarketView) -> Iterator[tuple[ListingView, Decimal]]:
    """Listings that may be traded on, each with the value of its quote currency."""
    for one in view.listings:
        rate = view.fx_rate(one.listing.quote)
        if one.unusable is None and rate is not None:
            yield one, rate


def _run(one: ListingView, side: Side, rate: Decimal) -> Iterator[tuple[Decimal, ListingView, Decimal, Decimal]]:
    for price, size in one.asks if side is Side.BUY else one.bids:
        yield effective_price(one.listing, side, price, rate), one, price, size
