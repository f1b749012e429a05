"""What connector tests share: a clock, a sink that remembers, orders, a venue account pointed at a lab."""

import secrets
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from connectors.budget import Address
from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.odd_frames import OddFrames
from connectors.lab.process import Lab
from connectors.settings import Secret, VenueSettings
from router.model.events import OrderHinted
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    ListingId,
    Nanos,
    ParentId,
    VenueId,
    account_id,
    listing_id,
)
from router.model.instruments import Listing
from router.model.orders import Approved, ChildOrder, TimeInForce
from router.model.public_trades import PublicTrade
from router.model.side import Side
from router.model.stream_notes import Channel, ClockCompared, FrameOdd, Oddity, StreamNote, StreamSuspect
from router.model.terms import Fence, VenueTerms
from router.ports.clock import Clock

SYMBOLS = {
    "binance": "BTC/USDT",
    "bybit": "BTC/USDT",
    "kraken": "BTC/USD",
    "coinbase": "BTC/USD",
    "bitstamp": "BTC/USD",
    "gemini": "BTC/USD",
    "okx": "BTC/USDT",
}
LAB_VENUES = ("binance", "kraken", "coinbase", "bitstamp", "gemini", "bybit", "okx")
"""Those whose protocol the lab speaks."""
BIDS = [("60000", "1"), ("59990", "2"), ("59980", "5")]
ASKS = [("60010", "1"), ("60020", "2"), ("60030", "5")]
TTL_NS = 2_000_000_000
WITHOUT_DEADLINE = frozenset({"coinbase", "bitstamp", "gemini"})
WITH_DEADLINE = tuple(name for name in LAB_VENUES if name not in WITHOUT_DEADLINE)
NEVER_UNIQUE = frozenset({"gemini"})
"""Venues that look at no id: a second copy is a second order, so none is ever sent."""


class WallClock:
    """Real time."""

    def now(self) -> Nanos:
        return Nanos(time.time_ns())


class Notes:
    """A sink that keeps books as told, and a list of everything else."""

    def __init__(self) -> None:
        self.bids: dict[str, dict[float, float]] = {}
        self.asks: dict[str, dict[float, float]] = {}
        self.snapshots = 0
        self.deltas = 0
        self.heartbeats = 0
        self.confirmed = 0
        self.relisted: list[Listing] = []
        self.lost: list[str] = []
        self.hints: list[OrderHinted] = []
        self.restored = 0
        self.prints: dict[str, list[PublicTrade]] = {}
        self.epochs = 0
        self.trades_lost_why: list[str] = []
        self.noted_of: list[tuple[AccountId, StreamNote]] = []

    def book_snapshot(
        self, listing: ListingId, bids: Mapping[float, float], asks: Mapping[float, float], received_ns: Nanos
    ) -> None:
        self.bids[listing], self.asks[listing] = dict(bids), dict(asks)
        self.snapshots += 1

    def book_delta(
        self,
        listing: ListingId,
        bids: list[tuple[float, float]],
        asks: list[tuple[float, float]],
        received_ns: Nanos,
    ) -> None:
        for side, levels in ((self.bids[listing], bids), (self.asks[listing], asks)):
            for price, size in levels:
                side[price] = size
                if size == 0:
                    del side[price]
        self.deltas += 1

    def book_lost(self, listing: ListingId, why: str) -> None:
        self.bids.pop(listing, None)
        self.asks.pop(listing, None)
        self.lost.append(why)

    def book_heartbeat(self, listing: ListingId, received_ns: Nanos) -> None:
        self.heartbeats += 1

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        self.prints[listing] = []
        self.epochs += 1

    def public_trade(self, trade: PublicTrade) -> None:
        self.prints[trade.listing].append(trade)

    def trades_lost(self, listing: ListingId, why: str) -> None:
        del self.prints[listing]
        self.trades_lost_why.append(why)

    def book_confirmed(self, listing: ListingId, asked_ns: Nanos) -> None:
        self.confirmed += 1

    def listing_changed(self, listing: Listing) -> None:
        self.relisted.append(listing)

    def order_hint(self, hint: OrderHinted) -> None:
        self.hints.append(hint)

    def read_wanted(self, account: AccountId, why: str) -> None:
        self.restored += 1

    def noted(self, account: AccountId, note: StreamNote) -> None:
        self.noted_of.append((account, note))

    def odd(self, channel: Channel, oddity: Oddity) -> list[str]:
        """What was said of such frames."""
        notes = [note for _, note in self.noted_of if isinstance(note, FrameOdd)]
        return [note.says for note in notes if (note.channel, note.oddity) == (channel, oddity)]

    def suspected(self, channel: Channel) -> list[str]:
        """Why a stream was not believed."""
        notes = [note for _, note in self.noted_of if isinstance(note, StreamSuspect)]
        return [note.why for note in notes if note.channel is channel]

    def clocks(self) -> list[ClockCompared]:
        """Every comparison of clocks."""
        return [note for _, note in self.noted_of if isinstance(note, ClockCompared)]


class Standing:
    """A clock that stands still: nothing is ever too often."""

    def now(self) -> Nanos:
        return Nanos(0)


def odd_frames(sink: Notes, channel: Channel, ccxt_id: str = "binance", clock: Clock | None = None) -> OddFrames:
    """Of a feed that is put together by hand."""
    account = AccountId(f"{ccxt_id}/main")
    return OddFrames(ccxt_id=ccxt_id, account=account, channel=channel, sink=sink, clock=clock or Standing())


def pass_gate() -> None:
    """A gate that stands open."""


def settings_for(venue: str, url: str | None, credentials: Mapping[str, str], **changes: Any) -> VenueSettings:
    account = account_id(VenueId(venue), "main")
    terms = VenueTerms(
        account=account,
        fence=Fence.NONE if venue in WITHOUT_DEADLINE else Fence.DEADLINE,
        request_ttl_ms=300,
        engine_wait_ms=50,
        read_lag_ms=50,
        look_up_wait_ms=20,
        quarantine_after_ms=2000,
    )
    fields: dict[str, Any] = {
        "ccxt_id": venue,
        "venue": VenueId(venue),
        "account": account,
        "symbols": {SYMBOLS[venue]: InstrumentId("BTC/USD")},
        "terms": terms,
        "credentials": {name: Secret(value) for name, value in credentials.items()},
        "loopback": url,
        "loopback_allowed": True,
        "timeout_ms": 1000,
        "silence_ms": 3000,
    }
    return VenueSettings(**{**fields, **changes})


def venue_at(lab: Lab, venue: str, address: Address | None = None, **changes: Any) -> CcxtVenue:
    """An account at a lab's venue, with the key the lab gave out."""
    key = lab.keys[venue][0]
    credentials = {"apiKey": key.key, "secret": key.secret}
    if key.passphrase:
        credentials["password"] = key.passphrase
    return CcxtVenue(settings_for(venue, lab.venues[venue].url, credentials, **changes), WallClock(), address)


def new_id() -> ClientOrderId:
    """A fresh id in our form."""
    digits = secrets.token_hex(16)
    return ClientOrderId(f"{digits[:12]}8{digits[13:16]}a{digits[17:]}")


def child(venue: str, side: Side = Side.BUY, quantity: str = "0.5", price: str = "60010", **changes: Any) -> ChildOrder:
    base, quote = SYMBOLS[venue].split("/")
    account = account_id(VenueId(venue), "main")
    fields: dict[str, Any] = {
        "client_id": new_id(),
        "parent_id": ParentId("P1"),
        "entity": EntityId("acme"),
        "number": 1,
        "venue": VenueId(venue),
        "account": account,
        "listing_id": listing_id(account, SYMBOLS[venue]),
        "symbol": SYMBOLS[venue],
        "base": Asset(base),
        "quote": Asset(quote),
        "side": side,
        "quantity": Decimal(quantity),
        "limit_price": Decimal(price),
        "time_in_force": TimeInForce.IOC,
        "decided_at_ns": Nanos(time.time_ns()),
        "deadline_ns": Nanos(time.time_ns() + TTL_NS),
    }
    return ChildOrder(**{**fields, **changes})


def approved(order: ChildOrder) -> Approved[ChildOrder]:
    return Approved(order, approved_at_ns=order.decided_at_ns, halt_epoch=0)


async def place(venue: CcxtVenue, order: ChildOrder, gate: Callable[[], str | None] = pass_gate) -> Any:
    """What came of one copy."""
    outcome, _ = await venue.place(approved(order), Nanos(time.time_ns() + TTL_NS), gate)
    return outcome
