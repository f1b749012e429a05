"""A paper account behind the router's port: a real venue's public books, read without keys, and fills of our own.

An order takes what the real book shows within its limit, at the book's prices, as soon as its copy has left. What it
took is gone from the book this port shows, until the feed changes that level. No order can reach the real venue: the
client that reads it has no keys.

What rests is filled by the real venue's public trades alone, at the order's own price, and by nothing its book shows.
A trade beyond the price (below a buy's, above a sale's) would have had to pass the order, so the order has its part of
it, up to what was traded, the best price first and then the oldest. A trade at the very price fills nothing: nobody
knows the place in the queue. Nor does one that was heard, or by the venue's time surely made, before the order stood. A
maker pays what a taker does. A post-only order is held against the book as it is shown at that moment; what would take
is refused, or ended at once, as the real venue does it.
"""

import asyncio
import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from connectors.ccxt_venue import CcxtVenue
from connectors.lab.core import (
    OrderRecord,
    Rejection,
    VenueRules,
)
from connectors.lab.protocols import PROTOCOLS
from connectors.lab.words import Words, new_order, symbol_rules
from connectors.paper.account import PaperAccount, Step, StrangersTrade
from connectors.paper.books import Changes, RealBook
from connectors.paper.ledger import Ledger
from connectors.paper.settings import PaperSettings
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.commands import Seek
from router.model.errors import BadInput, SorError
from router.model.events import OrderHinted
from router.model.ids import AccountId, Asset, ClientOrderId, ListingId, Nanos, VenueOrderId, listing_id
from router.model.instruments import Listing
from router.model.orders import Approved, ChildOrder
from router.model.outcomes import (
    AccountRead,
    CancelOutcome,
    CancelTaken,
    CancelUnclear,
    Found,
    LookUp,
    LookUpResult,
    Lost,
    Missing,
    NotSent,
    PlaceOutcome,
    Unclear,
)
from router.model.public_trades import PublicTrade
from router.model.side import Side
from router.model.stream_notes import StreamNote
from router.ports.clock import Clock
from router.ports.venue import Gate, VenueSink

T = TypeVar("T")

_WORDS = Words("paper")
_ENDPOINTS = ("paper orders", "paper trades")


class PaperVenue:
    """Implements `router.ports.venue.VenuePort` on a file and a keyless feed."""

    def __init__(self, settings: VenueSettings, paper: PaperSettings, clock: Clock) -> None:
        self.account = settings.account
        self.terms = settings.terms
        self._settings = settings
        self._paper = paper
        self._clock = clock
        # No keys, so none can be used by mistake; no orders, so no connections to keep warm for them.
        self._public = CcxtVenue(replace(settings, credentials={}, warm_connections=0), clock)
        self._rules = _terms_of(settings)
        self._feed: _Feed | None = None
        self._held: PaperAccount | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._open: dict[int, OrderRecord] = {}
        self._prints: defaultdict[str, list[StrangersTrade]] = defaultdict(list)
        self._traded = asyncio.Event()
        self._resting: asyncio.Task[None] | None = None

    # Life

    async def start(self, sink: VenueSink) -> tuple[Listing, ...]:
        """Read the real venue's markets, open the account's file, let the books stream."""
        self._feed = _Feed(sink, self._printed)
        try:
            listings = tuple(self._at_our_fee(listing) for listing in await self._public.start(self._feed))
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"paper-{self._settings.venue}")
            opened = await self._in_thread(lambda: self._opened(listings))
        except BaseException:
            await self.stop()
            raise
        self._open = {record.order_id: record for record in opened}
        self._resting = asyncio.create_task(self._fill_resting(), name=f"paper-{self.account}")
        return listings

    async def stop(self) -> None:
        """Close everything. A step that has begun is ended first: it cannot be called back."""
        if self._resting is not None:
            self._resting.cancel()
            await asyncio.wait([self._resting])
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._public.stop()
        held, thread = self._held, self._thread
        if held is not None:
            await self._in_thread(held.close)
        if thread is not None:
            thread.shutdown(wait=False)
        self._resting = self._held = self._thread = None

    # Orders

    async def place(
        self, order: Approved[ChildOrder], deadline_ns: Nanos | None, gate: Gate
    ) -> tuple[PlaceOutcome, Nanos | None]:
        """One copy. From the gate on it goes through to its end, even if nobody waits for the answer any more."""
        return await self._to_its_end(self._place(order.value, deadline_ns, gate))

    async def cancel(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> CancelOutcome:  # noqa: ARG002 - our id says it all
        """End an order that rests."""
        return await self._to_its_end(self._cancel(order))

    async def look_up(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> LookUp:  # noqa: ARG002 - our id says it all
        """The order's record and its trades, from the file."""
        asked_ns = self._clock.now()
        try:
            result = await self._look_up(order)
        except (sqlite3.Error, SorError) as error:
            result = Unclear(why=str(error))
        return LookUp(asked_ns=asked_ns, result=result)

    async def seek(self, wanted: Seek) -> LookUp:
        """The same by our id alone: the file keeps every order there was."""
        asked_ns = self._clock.now()
        try:
            async with self._turn:
                held = self._started()
                configured = {one for one, of in self._settings.symbols.items() if of == wanted.instrument}
                symbols = sorted(configured.union(wanted.symbols))
                known = await self._in_thread(lambda: [held.find(wanted.client_id, symbol) for symbol in symbols])
        except (sqlite3.Error, SorError) as error:
            return LookUp(asked_ns=asked_ns, result=Unclear(why=str(error)))
        for record, trades in filter(None, known):
            found = Found(order=_WORDS.order(record), trades=tuple(_WORDS.trade(trade) for trade in trades))
            return LookUp(asked_ns=asked_ns, result=found)
        return LookUp(asked_ns=asked_ns, result=Missing(endpoints=_ENDPOINTS))

    async def read_account(self, trades_since_ns: Nanos) -> AccountRead:
        """Everything, from the file, as of one moment."""
        asked_ns = self._clock.now()
        try:
            async with self._turn:
                held = self._started()
                told = await self._in_thread(lambda: held.read(trades_since_ns))
        except sqlite3.Error as error:
            raise SorError(f"{self.account} could not be read: {error}") from None
        return AccountRead(
            account=self.account,
            asked_ns=asked_ns,
            balances=tuple(
                Balance(account=self.account, asset=Asset(asset), total=balance.total, free=balance.free)
                for asset, balance in told.balances.items()
            ),
            open_orders=tuple(_WORDS.order(record) for record in told.open_orders),
            trades=tuple(_WORDS.trade(trade) for trade in told.trades),
        )

    async def dead_man(self, seconds: int | None) -> str | None:
        """What rests here ends with this process by itself."""
        return None if seconds is None else "paper has no dead-man timer"

    def encode_id(self, client_id: ClientOrderId) -> str:
        """Our id as the real venue would spell it."""
        return self._public.encode_id(client_id)

    # One at a time

    async def _place(
        self, child: ChildOrder, deadline_ns: Nanos | None, gate: Gate
    ) -> tuple[PlaceOutcome, Nanos | None]:
        async with self._turn:
            try:
                held, book = self._started(), self._book(child.symbol)
            except SorError as error:
                return NotSent(why=str(error)), None
            if child.contradiction is not None:
                return NotSent(why=child.contradiction), None
            stopped = gate()
            if stopped is None and deadline_ns is not None and self._clock.now() >= deadline_ns:
                stopped = "the deadline has passed"
            if stopped is not None:
                return NotSent(why=stopped, by_gate=True), None
            sent_ns = self._clock.now()
            offer = book.facing(child.side, child.limit_price)
            try:
                step = await self._in_thread(lambda: held.place(new_order(child), offer, sent_ns))
            except sqlite3.Error as error:
                return Lost(why=f"{type(error).__name__}: {error}"), sent_ns
            self._show(child.symbol, book.took(offer, step.left))
            self._tell(step)
            assert step.answer is not None
            return _WORDS.outcome(step.answer), sent_ns

    async def _cancel(self, child: ChildOrder) -> CancelOutcome:
        async with self._turn:
            try:
                held = self._started()
                now_ns = self._clock.now()
                step = await self._in_thread(lambda: held.cancel(child.client_id, child.symbol, now_ns))
            except (sqlite3.Error, SorError) as error:
                return CancelUnclear(why=str(error))
            self._tell(step)
            return CancelUnclear(why=step.answer.text) if isinstance(step.answer, Rejection) else CancelTaken()

    async def _look_up(self, child: ChildOrder) -> LookUpResult:
        async with self._turn:
            held = self._started()
            known = await self._in_thread(lambda: held.find(child.client_id, child.symbol))
        if known is None:
            return Missing(endpoints=_ENDPOINTS)
        record, trades = known
        if record.side is not child.side:
            return Unclear(why="the record under our id is of another order")
        return Found(order=_WORDS.order(record), trades=tuple(_WORDS.trade(trade) for trade in trades))

    async def _fill_resting(self) -> None:
        """Whenever strangers trade where orders rest: fill those through whose price it went."""
        while True:
            await self._traded.wait()
            self._traded.clear()
            for symbol in [symbol for symbol, prints in self._prints.items() if prints]:
                async with self._turn:
                    with contextlib.suppress(sqlite3.Error):  # the next print tries again
                        await self._trade_through(symbol)

    async def _trade_through(self, symbol: str) -> None:
        held, prints = self._started(), self._prints[symbol]
        taken = tuple(prints)
        now_ns = self._clock.now()
        step = await self._in_thread(lambda: held.traded_through(symbol, taken, now_ns))
        del prints[: len(taken)]
        self._tell(step)

    def _printed(self, trade: PublicTrade) -> None:
        """Remember a print, as long as it may have gone through an order."""
        standing = [
            record for record in self._open.values() if listing_id(self.account, record.symbol) == trade.listing
        ]
        if not any(_passes(trade.price, record) for record in standing):
            return
        told_ns = trade.venue_time_ns
        made_ns = trade.received_ns if told_ns is None else min(trade.received_ns, self._public.our_latest(told_ns))
        made = StrangersTrade(price=trade.price, quantity=trade.quantity, made_ns=made_ns)
        self._prints[standing[0].symbol].append(made)
        self._traded.set()

    # Telling

    def _tell(self, step: Step) -> None:
        """What the private stream would say; durable by now."""
        for record in step.changed:
            self._open[record.order_id] = record
            if record.status.ended:
                del self._open[record.order_id]
            self._streaming.order_hint(
                OrderHinted(
                    account=self.account,
                    client_id=ClientOrderId(record.client_id or ""),
                    venue_order_id=_WORDS.order_id(record.order_id),
                    hint=str(record.status),
                )
            )

    def _show(self, symbol: str, changes: tuple[Changes, Changes]) -> None:
        self._streaming.took(listing_id(self.account, symbol), changes)

    # Parts

    def _opened(self, listings: tuple[Listing, ...]) -> tuple[OrderRecord, ...]:
        rules = replace(self._rules, fee_in=listings[0].fee_in)
        deposits = {str(asset): amount for asset, amount in self._paper.deposits.items()}
        try:
            ledger = Ledger(self._paper.file, self.account)
            self._held = PaperAccount(ledger, rules, [symbol_rules(listing) for listing in listings])
            return self._held.open(deposits, self._clock.now())
        except (sqlite3.Error, OSError) as error:
            raise SorError(f"{self.account}: {self._paper.file} cannot be used: {error}") from None

    def _at_our_fee(self, listing: Listing) -> Listing:
        fee_bps = self._paper.taker_fee_bps
        return listing if fee_bps is None else replace(listing, taker_fee_bps=fee_bps)

    def _started(self) -> PaperAccount:
        if self._held is None:
            raise SorError(f"{self.account} is not started")
        return self._held

    @property
    def _streaming(self) -> "_Feed":
        assert self._feed is not None
        return self._feed

    def _book(self, symbol: str) -> RealBook:
        return self._streaming.books[listing_id(self.account, symbol)]

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Everything about the file happens in one thread, in the order asked for; a commit stops no stream."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)


class _Feed:
    """A `VenueSink` between the real venue and the router: passes books on, less what was taken of them."""

    def __init__(self, sink: VenueSink, printed: Callable[[PublicTrade], None]) -> None:
        self.books: defaultdict[ListingId, RealBook] = defaultdict(RealBook)
        self._sink = sink
        self._printed = printed

    def book_snapshot(
        self, listing: ListingId, bids: Mapping[float, float], asks: Mapping[float, float], received_ns: Nanos
    ) -> str | None:
        """The whole book."""
        book = self.books[listing]
        book.heard_ns = received_ns
        return self._sink.book_snapshot(listing, *book.replace(bids, asks), received_ns)

    def book_delta(
        self, listing: ListingId, bids: list[tuple[float, float]], asks: list[tuple[float, float]], received_ns: Nanos
    ) -> str | None:
        """Changed levels."""
        book = self.books[listing]
        book.heard_ns = received_ns
        return self._sink.book_delta(listing, *book.change(bids, asks), received_ns)

    def book_lost(self, listing: ListingId, why: str) -> None:
        """Not to be trusted."""
        self.books[listing].lose()
        self._sink.book_lost(listing, why)

    def book_heartbeat(self, listing: ListingId, received_ns: Nanos) -> None:
        """Alive."""
        self.books[listing].heard_ns = received_ns
        self._sink.book_heartbeat(listing, received_ns)

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        """The real venue's. A paper order prints nothing: the world did not see it."""
        self._sink.trades_started(listing, received_ns)

    def public_trade(self, trade: PublicTrade) -> None:
        """The real venue's; it may have gone through an order of ours."""
        self._sink.public_trade(trade)
        self._printed(trade)

    def trades_lost(self, listing: ListingId, why: str) -> None:
        """The real venue's."""
        self._sink.trades_lost(listing, why)

    def book_confirmed(self, listing: ListingId, asked_ns: Nanos) -> None:
        """REST shows the streamed book."""
        self._sink.book_confirmed(listing, asked_ns)

    def listing_changed(self, listing: Listing) -> None:
        """Rates are an account's own, and here is none."""

    def order_hint(self, hint: OrderHinted) -> None:
        """Ours, not the real venue's: without keys it has nothing to say."""
        self._sink.order_hint(hint)

    def read_wanted(self, account: AccountId, why: str) -> None:
        """There is no private stream that could be lost."""

    def noted(self, account: AccountId, note: StreamNote) -> None:
        """The real venue's."""
        self._sink.noted(account, note)

    def took(self, listing: ListingId, changes: tuple[Changes, Changes]) -> None:
        """Our own doing. It makes no book younger, so it carries the time the feed was last heard."""
        bids, asks = changes
        if bids or asks:
            self._sink.book_delta(listing, bids, asks, self.books[listing].heard_ns)


def _passes(price: Decimal, record: OrderRecord) -> bool:
    """Is a trade at this price one beyond the order's?"""
    assert record.limit_price is not None
    return price < record.limit_price if record.side is Side.BUY else price > record.limit_price


def _terms_of(settings: VenueSettings) -> VenueRules:
    """The venue's own terms, as the lab has them: duplicate ids, digits of a fee. Fees are replaced per symbol."""
    protocol = PROTOCOLS.get(settings.ccxt_id)
    if protocol is None:
        raise BadInput("ccxt_id", f"paper knows no terms of {settings.ccxt_id}; it knows {', '.join(PROTOCOLS)}")
    return protocol.default_rules(settings.venue, 0)
