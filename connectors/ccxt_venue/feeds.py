"""The streams of one account: connected, watched, joined, and reported to the sink.

Frames are tapped before ccxt coalesces them, and nobody awaits per delta. The awaiting
side of ccxt's `watch_*` is used for one thing only: since tapped frames never resolve it, it ends exactly when the
connection does. A gap, a bad checksum, a crossed book, an exception in a decoder and silence all end the same way: the
sink is told that the book is lost, the socket is dropped, and everything is subscribed anew. How soon each is noticed
stands in `bounds`. What no frame can give away, a venue that streams a book that is not its own, is found by holding
every book against REST's (`cross_check`).
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakSet

from connectors.budget import NS_PER_MS, NS_PER_S
from connectors.ccxt_venue import cross_check
from connectors.ccxt_venue.calls import CallFailed, CallKind
from connectors.ccxt_venue.clients import Exchange, SteadyClient
from connectors.ccxt_venue.decoders import (
    BookAlive,
    BookBroken,
    BookChanged,
    BookDecoder,
    BookWhole,
    OrderDecoder,
    Signal,
    SnapshotWanted,
)
from connectors.ccxt_venue.odd_frames import OddFrames
from connectors.ccxt_venue.redaction import name_of
from connectors.ccxt_venue.reports_due import Ids, ReportsDue
from connectors.ccxt_venue.venue_clock import VenueClock
from connectors.ccxt_venue.wire import Transmission, carrying
from router.model.events import OrderHinted
from router.model.ids import AccountId, ClientOrderId, ListingId, Nanos, VenueOrderId
from router.model.orders import VenueOrder, VenueTrade
from router.model.stream_notes import Channel, StreamSuspect
from router.ports.clock import Clock
from router.ports.venue import VenueSink

Json = Any
LOOK_S = 0.1
"""How often the watchdog looks."""
STILL_S = 1.0
"""How long REST may take to show that a silent book has not changed."""
CONFIRM_S = 10.0
"""How long a private subscription may go unconfirmed."""
DATED_TO_NS = NS_PER_S
"""A trade may be dated to the second, and told before it is dated."""
SUSPECT_AGAIN_S_MAX = 300.0
"""A private stream that is suspected again and again is rebuilt at most so seldom."""
STOOD_S = 10.0
"""A connection that stood for so long was no failure: the next pause is the shortest again."""
FLOOD_PER_S = 1000
"""More frames than this in a second are worth a line in the log..."""
FLOOD_OVER_S = 0.5
"""...counted over so long."""
_PAUSE_S = 0.1
_PAUSE_S_MAX = 5.0
_RESTART_S = 1.0
POLL_AFTER = 3
"""From so many failed connections in a row on, books that are lost are polled by REST until the stream has them."""

_LOG = logging.getLogger(__name__)

Watch = Callable[[], Awaitable[object]]
Levels = Sequence[tuple[float, float]]
PolledBook = Callable[[str], Awaitable[tuple[Levels, Levels]]]
ListedBook = Callable[[str], Awaitable[tuple[cross_check.Rows, ...]]]


def pause_s(failed: int) -> float:
    """How long to wait after so many failures in a row: doubling, and never all accounts at the same moment."""
    longest = min(_PAUSE_S * float(2 ** min(failed - 1, 10)), _PAUSE_S_MAX)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spread, not secrecy


def spread_s(every_s: float) -> float:
    """A cadence, a quarter more or less: what starts together does not stay together."""
    return every_s * random.uniform(0.75, 1.25)  # noqa: S311 - spread, not secrecy


class Tasks:
    """Background tasks of a connector, ended together. One that is kept up and dies is told of and starts again."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        """Run it until it ends or `stop` is called."""
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run work that is meant to go on for ever; whatever ends it but `stop` is logged, and it starts again."""
        self.start(self._kept(name, work))

    @staticmethod
    async def _kept(name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            why = "it returned"
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - a venue's odd answer must not end what everything relies on
                why = name_of(error)
            _LOG.warning("%s ended and starts again: %s", name, why)
            await asyncio.sleep(_RESTART_S)

    async def stop(self) -> None:
        """Cancel all and wait until they are gone."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def connection(watch: Watch) -> str:
    """Hold a `watch_*` of ccxt until its connection ends; returns why. Our own cancellation goes on as such."""
    try:
        with carrying(Transmission(CallKind.SET_UP)):
            await watch()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return "the socket was closed"  # ccxt cancels its futures when a client is closed
    except Exception as error:  # noqa: BLE001 - whatever ccxt raises, the connection is over
        return name_of(error)
    return "the stream ended"


async def drop_sockets(exchange: Exchange) -> None:
    """Close every websocket of an instance, and let ccxt forget them, subscriptions included."""
    clients = list((exchange.clients or {}).values())
    exchange.clients = {}
    for client in clients:
        await client.close()


class BookFeed:
    """Books of one account's listings, from the venue's stream to the sink."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        decoder: BookDecoder,
        watch: Watch,
        snapshot: Callable[[str], Awaitable[Json]],
        polled: PolledBook,
        listed: ListedBook,
        listings: Mapping[str, ListingId],
        odd: OddFrames,
        sink: VenueSink,
        clock: Clock,
        silence_ms: int,
        poll_ms: int,
        tasks: Tasks,
    ) -> None:
        self._exchange = exchange
        self._decoder = decoder
        self._watch = watch
        self._snapshot = snapshot
        self._polled = polled
        self._listed = listed
        self._listings = listings
        self._odd = odd
        self._sink = sink
        self._clock = clock
        self._silence_ns = silence_ms * NS_PER_MS
        self._poll_s = poll_ms / 1000
        self._tasks = tasks
        self._live: set[str] = set()
        self._watched: dict[str, cross_check.Watch] = {}
        self._frames = 0
        self._heard_ns: dict[str, Nanos] = {}
        self._pulse_ns = Nanos(0)
        self._failed = 0
        self._retired: WeakSet[SteadyClient] = WeakSet()
        self._broken: asyncio.Event = asyncio.Event()
        self._wanted: set[str] = set()
        exchange.frame, exchange.unreadable = self.frame, odd.malformed

    async def run(self) -> None:
        """Keep the stream up, for ever."""
        while True:
            began_ns = self._clock.now()
            why = await self._one_connection()
            stood = self._clock.now() - began_ns > STOOD_S * NS_PER_S
            self._failed = 1 if stood else self._failed + 1
            self._lose_all(why)
            self._retired.update((self._exchange.clients or {}).values())
            self._decoder.forget()
            await drop_sockets(self._exchange)
            await asyncio.sleep(pause_s(self._failed))

    async def poll(self) -> None:
        """Instead of a stream: all books by REST, for ever."""
        while True:
            for symbol in self._listings:
                await self._poll_one(symbol)
            await asyncio.sleep(spread_s(self._poll_s))

    async def stand_in(self) -> None:
        """While no stream can be had: the books it would bring, by REST, for ever."""
        while True:
            await asyncio.sleep(spread_s(self._poll_s))
            if self._failed >= POLL_AFTER:
                for symbol in self._listings.keys() - self._live:
                    await self._poll_one(symbol)

    async def check(self, symbol: str, every_s: float, apart_s: float) -> None:
        """Hold a streamed book against REST's, for ever. `apart_s`: by how much the two may be out of step."""
        while True:
            await asyncio.sleep(spread_s(every_s))
            if symbol in self._live:
                await self._check(symbol, apart_s)

    async def _check(self, symbol: str, apart_s: float) -> None:
        """A level that differs twice running is an error; a book without any is confirmed."""
        asked = self._clock.now()
        first = await self._differing(symbol, apart_s)
        if first is None:
            return
        if not first:
            self._sink.book_confirmed(self._listings[symbol], asked)
            return
        wrong = first & (await self._differing(symbol, apart_s) or frozenset())
        if wrong and symbol in self._live:
            side, price = min(wrong)
            self._lose(symbol, f"disagreement: REST shows another {side} at {price!r}, {len(wrong)} such levels")
            self._broken.set()

    async def _differing(self, symbol: str, apart_s: float) -> frozenset[cross_check.Place] | None:
        """Levels that REST shows differently; None when nothing can be said."""
        watch = self._watched[symbol] = cross_check.Watch()
        try:
            await asyncio.sleep(apart_s)
            bids, asks = await self._listed(symbol)
            await asyncio.sleep(apart_s)
            if watch.void or symbol not in self._live:
                return None
            return cross_check.differing(self._decoder.held(symbol), bids, asks, watch)
        except CallFailed:
            return None  # no answer, or none that can be read, is no evidence
        finally:
            del self._watched[symbol]

    def frame(self, client: SteadyClient, message: Json) -> bool:
        """One frame. What is about books is dealt with here and now; anything else is ccxt's."""
        if client in self._retired:
            return True
        self._frames += 1
        self._odd.check_text(message)
        try:
            signals = self._decoder.take(message)
        except Exception as error:
            self._odd.malformed(error)
            raise
        if signals is None:
            self._odd.passed_on(message)
            return False
        now = self._clock.now()
        if self._decoder.shares_pulse:
            self._pulse_ns = now
        for signal in signals:
            self._pass_on(signal, now)
        return True

    def _pass_on(self, signal: Signal, now: Nanos) -> None:
        listing = self._listings[signal.symbol]
        match signal:
            case BookChanged(symbol, bids, asks):
                self._heard_ns[symbol] = now
                if symbol in self._watched:
                    self._watched[symbol].heard(bids, asks)
                self._heed(self._sink.book_delta(listing, bids, asks, now))
            case BookWhole(symbol, bids, asks):
                self._heard_ns[symbol] = now
                self._live.add(symbol)
                if symbol in self._watched:
                    self._watched[symbol].void = True
                self._heed(self._sink.book_snapshot(listing, bids, asks, now))
            case BookAlive(symbol):
                self._heard_ns[symbol] = now
                self._sink.book_heartbeat(listing, now)
            case BookBroken(symbol, why):
                self._lose(symbol, why)
                self._broken.set()
            case SnapshotWanted(symbol):
                self._broken.clear()  # the decoder mends this book itself
                if symbol not in self._wanted:
                    self._wanted.add(symbol)
                    self._tasks.start(self._join(symbol))

    def _heed(self, unusable: str | None) -> None:
        """The sink looks at each book as a whole: what it cannot use (crossed, locked) has to start over."""
        if unusable is not None:
            self._broken.set()

    async def _join(self, symbol: str) -> None:
        """Fetch the snapshot a decoder waits for; when it cannot be had, the connection is of no use.

        A book that stands and only wants to be checked waits until REST answers again.
        """
        try:
            while not await self._joined(symbol):
                if symbol not in self._live:
                    self._broken.set()
                    return
                await asyncio.sleep(spread_s(_RESTART_S))
        finally:
            self._wanted.discard(symbol)

    async def _joined(self, symbol: str) -> bool:
        try:
            body = await self._snapshot(symbol)
            signals = list(self._decoder.snapshot(symbol, body))
        except Exception:  # noqa: BLE001 - a body that cannot be read is no snapshot either
            return False
        self._wanted.discard(symbol)  # before it is passed on: what it leads to may want the next one
        for signal in signals:
            self._pass_on(signal, self._clock.now())
        return True

    async def _one_connection(self) -> str:
        """Connect, subscribe, and stay until something ends it; returns why."""
        self._broken.clear()
        now = self._clock.now()
        self._heard_ns = dict.fromkeys(self._listings, now)
        self._pulse_ns = now
        ends = [
            asyncio.ensure_future(connection(self._watch)),
            asyncio.ensure_future(self._silence()),
            asyncio.ensure_future(self._breaks()),
        ]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            ended = next(iter(done))
            error = ended.exception()
            return ended.result() if error is None else name_of(error)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _breaks(self) -> str:
        await self._broken.wait()
        return "a book broke"

    async def _silence(self) -> str:
        """Look at the clock and at the books; return when either says that the stream cannot be trusted."""
        flooded, seen, since = False, self._frames, self._clock.now()
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._clock.now()
            if now - since >= FLOOD_OVER_S * NS_PER_S:
                flooded = self._told_flood(self._frames - seen, now - since, told=flooded)
                seen, since = self._frames, now
            if self._decoder.shares_pulse:
                self._spread_pulse()
            for symbol, heard in list(self._heard_ns.items()):
                if now - heard > self._silence_ns and not await self._still(symbol):
                    return f"no data for {(now - heard) // NS_PER_MS} ms"

    def _told_flood(self, frames: int, within_ns: int, *, told: bool) -> bool:
        """Is there a flood? Told of once; every frame is worked all the same."""
        if frames * NS_PER_S <= FLOOD_PER_S * within_ns:
            return False
        if not told:
            _LOG.warning("flood: %d frames in %d ms", frames, within_ns // NS_PER_MS)
        return True

    def _spread_pulse(self) -> None:
        """On one ordered connection a frame about any book shows that none of the others changed before it."""
        for symbol in self._live:
            if self._heard_ns[symbol] < self._pulse_ns:
                self._heard_ns[symbol] = self._pulse_ns
                self._sink.book_heartbeat(self._listings[symbol], self._pulse_ns)

    async def _still(self, symbol: str) -> bool:
        """Nothing came: is nothing happening? REST says so when its book carries the number of ours."""
        if not self._decoder.numbered or symbol not in self._live:
            return False
        asked = self._clock.now()
        try:
            async with asyncio.timeout(STILL_S):
                body = await self._snapshot(symbol)
            agrees = symbol in self._live and self._decoder.agrees(symbol, body)
        except Exception:  # noqa: BLE001 - an answer that cannot be read shows nothing
            return False
        if not agrees:
            return False
        self._heard_ns[symbol] = asked
        self._sink.book_heartbeat(self._listings[symbol], asked)
        return True

    async def _poll_one(self, symbol: str) -> None:
        listing, asked = self._listings[symbol], self._clock.now()
        try:
            bids, asks = await self._polled(symbol)
        except Exception as error:  # noqa: BLE001 - nor can a book be had from a body that cannot be read
            if symbol not in self._live:
                self._sink.book_lost(listing, f"not read: {name_of(error)}")
            return
        if symbol not in self._live:  # the stream may have brought it meanwhile, and newer
            self._sink.book_snapshot(listing, dict(bids), dict(asks), asked)

    def _lose(self, symbol: str, why: str) -> None:
        if symbol in self._live:
            self._live.discard(symbol)
            self._sink.book_lost(self._listings[symbol], why)

    def _lose_all(self, why: str) -> None:
        for symbol in list(self._live):
            self._lose(symbol, why)


class OpenOrder(NamedTuple):
    """What an open order is known by. Some venues number orders per symbol: an id alone does not name one."""

    symbol: str
    venue_order_id: VenueOrderId
    client_id: ClientOrderId | None


class OrderFeed:
    """Hints about one account's orders, from the venue's private stream."""

    def __init__(
        self,
        *,
        account: AccountId,
        exchange: Exchange,
        decoder: OrderDecoder,
        decode_id: Callable[[str | None], ClientOrderId | None],
        odd: OddFrames,
        sink: VenueSink,
        clock: Clock,
        report_ms: int,
        read_lag_ms: int,
    ) -> None:
        self._account = account
        self._exchange = exchange
        self._decoder = decoder
        self._decode_id = decode_id
        self._odd = odd
        self._sink = sink
        self._clock = clock
        self._was_lost = False
        self._up = False
        self._up_ns = Nanos(0)
        self._report_ns = report_ms * NS_PER_MS
        self._lag_ns = read_lag_ms * NS_PER_MS
        self._due = ReportsDue(self._report_ns, self._lag_ns)
        self._suspected = 0
        self._suspected_ns = Nanos(0)
        self._limit: asyncio.Timeout | None = None
        self._seen: dict[OpenOrder, str] = {}
        exchange.frame, exchange.unreadable = self.frame, odd.malformed

    @property
    def up(self) -> bool:
        """Has the venue confirmed the subscription of the connection that stands?"""
        return self._up

    async def renew(self, exchange: Exchange) -> None:
        """From now on over an instance with another key. The connection of the one before ends."""
        before, self._exchange = self._exchange, exchange
        before.frame = before.unreadable = None
        exchange.frame, exchange.unreadable = self.frame, self._odd.malformed
        await drop_sockets(before)

    async def run(self) -> None:
        """Keep the stream up, for ever. What was missed while it was down has to be read: `read_wanted` says so."""
        failed = 0
        while True:
            began_ns = self._clock.now()
            await self._one_connection()
            stood = self._up and self._clock.now() - began_ns > STOOD_S * NS_PER_S
            failed = 1 if stood else failed + 1
            self._up = False
            self._was_lost = True
            self._due = ReportsDue(self._report_ns, self._lag_ns)
            await drop_sockets(self._exchange)
            await asyncio.sleep(pause_s(failed))

    async def _one_connection(self) -> None:
        """Hold the stream until it ends or is not believed; one that nobody confirms in time is no stream."""
        ends = [
            asyncio.ensure_future(connection(self._exchange.watch_orders)),
            asyncio.ensure_future(self._says_nothing()),
        ]
        try:
            async with asyncio.timeout(CONFIRM_S) as self._limit:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _says_nothing(self) -> None:
        """Return once REST has shown what the stream should have told, and has not."""
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._clock.now()
            why = self._due.overdue(now)
            if why is not None and now - self._suspected_ns > self._leave_alone_ns():
                self._suspected += 1
                self._suspected_ns = now
                self._sink.noted(self._account, StreamSuspect(channel=Channel.ORDERS, why=why))
                # Now, whether or not it comes back.
                self._sink.read_wanted(self._account, f"the stream is not believed: {why}")
                return

    def _leave_alone_ns(self) -> int:
        """Rebuilt in vain, it is given longer and longer until it has told something that was due."""
        if not self._suspected:
            return 0
        return min(self._report_ns * int(2 ** min(self._suspected, 20)), int(SUSPECT_AGAIN_S_MAX * NS_PER_S))

    # What REST has shown, and the stream owes us.

    def placed(self, client_id: ClientOrderId, venue_order_id: VenueOrderId, sent_ns: Nanos) -> None:
        """A create answer accepted an order."""
        if self._up and sent_ns > self._up_ns:
            self._due.placed(Ids(client_id, venue_order_id), sent_ns, self._clock.now())

    def shown(self, orders: Iterable[VenueOrder], asked_ns: Nanos) -> None:
        """Records of orders of ours, asked for at `asked_ns`."""
        if self._up and asked_ns > self._up_ns:
            for order in orders:
                self._due.shown(order, asked_ns, self._clock.now())

    def traded(self, trades: Iterable[VenueTrade], venue_clock: VenueClock) -> None:
        """Trades of the account, dated by the venue."""
        if not self._up:
            return
        ahead_ns = venue_clock.offset_ns + (venue_clock.error_ns or 0) + DATED_TO_NS
        for trade in trades:
            at_ns = Nanos(trade.venue_time_ns - ahead_ns)
            if at_ns > self._up_ns:
                self._due.traded(Ids(trade.client_id, trade.venue_order_id), at_ns, self._clock.now())

    async def poll(self, open_orders: Callable[[], Awaitable[Mapping[OpenOrder, str]]], every_s: float) -> None:
        """Instead of a stream: an order that appears, changes or vanishes from the open ones is worth a look."""
        while True:
            try:
                now_open = await open_orders()
            except CallFailed:
                now_open = self._seen
            for key in now_open.keys() | self._seen.keys():
                if now_open.get(key) != self._seen.get(key):
                    self._tell(key.client_id, key.venue_order_id, "seen by poll")
            self._seen = dict(now_open)
            await asyncio.sleep(spread_s(every_s))

    def frame(self, _client: SteadyClient, message: Json) -> bool:
        """One frame: hints are passed on; anything else is ccxt's."""
        self._odd.check_text(message)
        try:
            if not self._up and self._decoder.confirms(message):
                self._confirmed()
            touched = self._decoder.take(message)
        except Exception as error:
            self._odd.malformed(error)
            raise
        if touched is None:
            self._odd.passed_on(message)
            return False
        for client_id, order_id, hint in touched:
            self._hint(client_id, order_id, hint)
        return True

    def _confirmed(self) -> None:
        self._up = True
        self._up_ns = self._clock.now()
        if self._limit is not None:
            self._limit.reschedule(None)
        if self._was_lost:
            self._sink.read_wanted(self._account, "the stream is back")

    def _hint(self, client_id: str | None, order_id: str | None, hint: str) -> None:
        ids = Ids(self._decode_id(client_id), None if order_id is None else VenueOrderId(order_id))
        if self._due.told(ids, self._clock.now()):
            self._suspected = 0
        self._tell(ids.client_id, ids.venue_order_id, hint)

    def _tell(self, client_id: ClientOrderId | None, order_id: VenueOrderId | None, hint: str) -> None:
        self._sink.order_hint(
            OrderHinted(account=self._account, client_id=client_id, venue_order_id=order_id, hint=hint)
        )
