"""Seeded markets for the splitter: venues with a basis, a fee, a step, a minimum and a random book of their own."""

import random
from dataclasses import dataclass
from decimal import Decimal
from math import floor

from router.book.books import Books, ViewPolicy
from router.model.ids import AccountId, Asset, InstrumentId, Nanos, VenueId, account_id, listing_id
from router.model.instruments import FeeIn, Instrument, Listing
from router.model.market import MarketView
from router.model.side import Side
from router.split.plan import SplitRequest

BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))
POLICY = ViewPolicy(book_age_ms_max=1_000)
_FAR_BID = 30_000.0  # a book with an empty side is not used
DEPTH = {5: 40, 50: 120, 500: 600}
"""Levels a venue shows, by how many levels the parent reaches in all."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A buy of `quantity` that reaches `reached` levels over all venues; `books` can make the view again."""

    books: Books
    listings: tuple[Listing, ...]
    quantity: Decimal
    spendable: dict[tuple[AccountId, Asset], Decimal]

    def view(self) -> MarketView:
        return self.books.view(BTC_USD, self.quantity, Nanos(0), listings=self.listings, policy=POLICY, side=Side.BUY)

    def request(self) -> SplitRequest:
        return SplitRequest(view=self.view(), side=Side.BUY, quantity=self.quantity, spendable=self.spendable)


def case(seed: str, venues: int, reached: int, *, small: bool = False) -> Case:
    """An ordinary parent, or with `small` one of 15 to 300 USD, where minimums bite."""
    draw = random.Random(seed)
    books, listings, ladder = Books(), [], []
    for number in range(venues):
        listing = _listing(draw, number)
        asks = _asks(draw, DEPTH[reached], float(listing.step))
        books.book_snapshot(listing.id, {_FAR_BID: 1.0}, asks, Nanos(0))
        listings.append(listing)
        fee = 1 + float(listing.taker_fee_bps) / 1e4
        ladder += [(price * fee, size) for price, size in asks.items()]
    ladder.sort()
    quantity = draw.uniform(15, 300) / 60_000 if small else _reaching(draw, ladder, reached)
    share = quantity * 60_000 / venues
    return Case(
        books=books,
        listings=tuple(listings),
        quantity=Decimal(f"{max(quantity, 0.00001):.5f}"),
        spendable={
            (one.account, one.quote): Decimal(f"{share * (draw.uniform(0.3, 3) if draw.random() < 0.35 else 1e4):.2f}")
            for one in listings
        },
    )


def _reaching(draw: random.Random, ladder: list[tuple[float, float]], reached: int) -> float:
    return sum(size for _, size in ladder[: reached - 1]) + draw.random() * ladder[reached - 1][1]


def _listing(draw: random.Random, number: int) -> Listing:
    venue = VenueId(f"venue{number:02}")
    account = account_id(venue, "main")
    step = draw.choice(["0.00001"] * 5 + ["0.0001"] * 3 + ["0.001"] * 2)
    return Listing(
        id=listing_id(account, "BTC/USD"),
        instrument=BTC_USD.id,
        venue=venue,
        account=account,
        symbol="BTC/USD",
        base=BTC_USD.base,
        quote=BTC_USD.reporting,
        tick=Decimal("0.1"),
        step=Decimal(step),
        min_quantity=Decimal(step),
        min_notional=Decimal(draw.choice([1, 1, 5, 5, 5, 5, 10, 10, 10, 100])),
        max_quantity=None,
        taker_fee_bps=Decimal(draw.choice(["2", "4", "5", "5.5", "6", "7.5", "10", "26"])),
        fee_in=FeeIn.QUOTE,
    )


def _asks(draw: random.Random, depth: int, step: float) -> dict[float, float]:
    tick = round((60_000 * (1 + draw.gauss(0, 1.5e-4)) + draw.uniform(0.1, 6)) * 10)
    scale, gap = draw.lognormvariate(-2.5, 0.8), draw.uniform(0.2, 3)
    asks = {}
    for rank in range(depth):
        size = draw.lognormvariate(0, 1.1) * scale * (1 + rank / 30)
        asks[tick / 10] = round(max(step, floor(size / step) * step), 8)
        tick += max(1, round(draw.expovariate(1 / gap) * 10))
    return asks
