"""One venue account behind the router's port."""

import asyncio
import decimal
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from connectors.budget import NS_PER_MS, Address, Budget, BudgetExhausted
from connectors.ccxt_venue import mapping, retry, rotation, verdict, wire
from connectors.ccxt_venue.assembly import Clients, assemble, with_new_key
from connectors.ccxt_venue.calls import AnswerUnusable, CallFailed, CallKind, GateShut, NotReached, VenueSaid
from connectors.ccxt_venue.cancelling import CancelDesk
from connectors.ccxt_venue.codec import from_hex, from_uuid
from connectors.ccxt_venue.dead_man import timer_of
from connectors.ccxt_venue.decoders import levels
from connectors.ccxt_venue.dialect import Absence, Deadline, Desk, Dialect, Wanted
from connectors.ccxt_venue.discounts import DISCOUNTS
from connectors.ccxt_venue.feeds import BookFeed, OpenOrder, OrderFeed, Tasks
from connectors.ccxt_venue.key_keeping import KeyKeeping
from connectors.ccxt_venue.mapping import Row
from connectors.ccxt_venue.movements import LOOK_BACK_NS, MOVEMENTS
from connectors.ccxt_venue.odd_frames import OddFrames
from connectors.ccxt_venue.reader import Reader
from connectors.ccxt_venue.redaction import name_of
from connectors.ccxt_venue.registry import dialect_of
from connectors.ccxt_venue.rotation import ReadKeys
from connectors.ccxt_venue.trades import polling
from connectors.ccxt_venue.trades.decoding import Print
from connectors.ccxt_venue.trades.feed import TradeFeed
from connectors.ccxt_venue.venue_clock import VenueClock
from connectors.ccxt_venue.verdict import Said
from connectors.settings import BookSource, VenueSettings
from router.model import rounding
from router.model.balances import Movement
from router.model.commands import Seek
from router.model.errors import BadInput, SorError
from router.model.ids import AccountId, Asset, ClientOrderId, EntityId, Nanos, VenueId, VenueOrderId, listing_id
from router.model.instruments import Listing, TokenDiscount
from router.model.money import plain
from router.model.orders import Approved, ChildOrder, TimeInForce, VenueOrder, VenueTrade
from router.model.outcomes import (
    Accepted,
    AccountRead,
    CancelOutcome,
    CancelTaken,
    CancelUnclear,
    Found,
    ListedFee,
    LookUp,
    LookUpResult,
    Missing,
    NotSent,
    PlaceOutcome,
    Refused,
    Unclear,
)
from router.model.stream_notes import Channel, ClockCompared
from router.model.terms import Fence
from router.ports.clock import Clock
from router.ports.venue import Gate, VenueSink

Json = Any
_PATIENCE_NS = 20 * NS_PER_MS
"""How long an order may wait for the budget: longer, and its approval is stale anyway."""
_CLOCK_READINGS = 3
_LOG = logging.getLogger(__name__)


class CcxtVenue:
    """A venue account reached through ccxt. Implements `router.ports.venue.VenuePort`."""

    def __init__(
        self, settings: VenueSettings, clock: Clock, address: Address | None = None, read_keys: ReadKeys | None = None
    ) -> None:
        self.account = settings.account
        self.terms = settings.terms
        self.settings = settings
        self._clock = clock
        self._dialect: Dialect = dialect_of(settings.ccxt_id)
        _check_fence(settings, self._dialect)
        self._timer = (
            None
            if settings.dead_man_s is None
            else timer_of(settings.ccxt_id, settings.dead_man_s, f"venues.{settings.venue}.dead_man_s")
        )
        limits = [limit.scaled(settings.limits_factor) for limit in self._dialect.limits]
        self._budget = Budget(limits, clock, address)
        self._venue_clock = VenueClock()
        self._cancels = CancelDesk(
            settings.ccxt_id,
            ask=lambda cost: self._ask(CallKind.CANCEL, cost),
            one=lambda ask, child, order_id: self._dialect.cancel(ask, self._at_desk, child, order_id),
            desk=lambda: self._at_desk,
            spell=lambda child: self.encode_id(child.client_id),
            now=clock.now,
        )
        self._tasks = Tasks()
        self._clients: Clients | None = None
        self._desk: Desk | None = None
        self._listings: dict[str, Listing] = {}
        self._order_feed: OrderFeed | None = None
        self._keys = KeyKeeping(settings, self._dialect, clock, read_keys)
        self._opened = False
        """Was the account read whole, the last time that was tried? Until then nothing is traded on it."""
        self._reading = CallKind.OPENING
        """What the newest reading is for: its list of movements belongs to it."""
        self._sink: VenueSink | None = None

    # Life

    async def start(self, sink: VenueSink) -> tuple[Listing, ...]:
        """Read the venue's clock, markets, our fees and what our key may do; start the streams."""
        try:
            listings = await self._set_up()
        except SorError as error:
            await self.stop()
            if isinstance(error, CallFailed):
                message = f"{self.settings.venue}: not ready: {error}"
                raise SorError(message) from None
            raise
        except BaseException:
            await self.stop()
            raise
        self._listings = {listing.symbol: listing for listing in listings}
        self._sink = sink
        self._tell_clock()
        self._start_feeds(sink)
        self._tasks.keep(f"{self.account}: keeping warm", self._keep_warm)
        if self._has_own_fees:
            self._tasks.keep(f"{self.account}: fees", partial(self._keep_fees, sink))
        return listings

    async def stop(self) -> None:
        """End the streams and close the connections."""
        await self._tasks.stop()
        if self._clients is not None:
            await self._clients.close()
        self._clients = None

    # Orders

    async def place(
        self, order: Approved[ChildOrder], deadline_ns: Nanos | None, gate: Gate
    ) -> tuple[PlaceOutcome, Nanos | None]:
        """One copy on the wire, or none. Asked again only when provably none left.

        When the caller's task is cancelled, `CancelledError` goes through: the copy counts as lost.
        """
        child = order.value
        try:
            _check_terms(child)
            self._check_grid(child)
            self._check_clock()
            return await retry.asked(CallKind.PLACE, lambda: self._one_copy(child, deadline_ns, gate))
        except (NotReached, GateShut, BudgetExhausted) as error:
            return NotSent(why=str(error), by_gate=isinstance(error, GateShut)), None

    async def cancel(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> CancelOutcome:
        """Ask for a cancel; whatever comes back, the order is read again."""
        try:
            why_not = await self._cancels.cancel(order, venue_order_id)
        except CallFailed as error:
            return CancelUnclear(why=str(error))
        return CancelTaken() if why_not is None else CancelUnclear(why=why_not)

    async def look_up(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> LookUp:
        """What the venue's records say of a child. Missing only when every endpoint answered, and cleanly."""
        asked_ns = self._clock.now()
        try:
            result = await self._look_up(order, venue_order_id)
        except CallFailed as error:
            result = Unclear(why=f"{type(error).__name__}: {error}")
        return LookUp(asked_ns=asked_ns, result=result)

    async def seek(self, wanted: Seek) -> LookUp:
        """The same of an order nobody remembers: under every symbol it may have had here. Its size is what it is.

        A symbol that was traded here and is no longer listed cannot be asked about: that proves nothing.
        """
        asked_ns = self._clock.now()
        endpoints: tuple[str, ...] = ()
        configured = {symbol for symbol, of in self.settings.symbols.items() if of == wanted.instrument}
        for symbol in sorted(configured.union(wanted.symbols)):
            result: LookUpResult
            if symbol not in self._at_desk.names.id_by_symbol:
                return LookUp(asked_ns=asked_ns, result=Unclear(why=f"{symbol} is no longer listed, and was traded"))
            try:
                result = await self._look_up(_unremembered(wanted, symbol, self.account), None, as_sent=False)
            except CallFailed as error:
                result = Unclear(why=f"{type(error).__name__}: {error}")
            if not isinstance(result, Missing):
                return LookUp(asked_ns=asked_ns, result=result)
            endpoints += result.endpoints
        return LookUp(asked_ns=asked_ns, result=Missing(endpoints=endpoints or ("not traded here", "nor ever was")))

    async def read_account(self, trades_since_ns: Nanos) -> AccountRead:
        """Balances, open orders, trades: whole, or `SorError`.

        Trades are those since `trades_since_ns` and more: the venue's list is cut by a clock that may have been set
        since, so it starts an hour earlier, or a day for a moment before this process (`VenueClock.earliest`).
        """
        await self._turn_key()
        asked_ns = self._clock.now()
        self._reading = CallKind.ACCOUNT if self._opened else CallKind.OPENING
        ask, desk = self._ask(self._reading), self._at_desk
        self._opened = False
        since = self._venue_clock.earliest(trades_since_ns, asked_ns)
        try:
            balances = await self._dialect.balances(ask, desk)
            open_orders = await self._dialect.open_orders(ask, desk)
            until = self._venue_clock.latest(self._clock.now())
            trades = _sound(await self._dialect.trades_since(ask, desk, list(self._listings), since, until))
            await self._keys.check_again(lambda: self._ask(CallKind.ACCOUNT))
        except CallFailed as error:
            message = f"{self.account} could not be read whole: {type(error).__name__}: {error}"
            if self._keys.trouble is not None:
                message += f"; and the new key {self._keys.trouble}"
            raise SorError(message) from None
        read = AccountRead(
            account=self.account,
            asked_ns=asked_ns,
            balances=tuple(balances),
            open_orders=tuple(open_orders),
            trades=tuple(trades),
            key=self._keys.reading(),
            fees=self._own_fees(),
        )
        self._keys.read(read)
        if self._order_feed is not None:
            self._order_feed.shown(read.open_orders, asked_ns)
            self._order_feed.traded(read.trades, self._venue_clock)
        self._opened = True
        return read

    async def dead_man(self, seconds: int | None) -> str | None:
        """Wind the venue's timer, or stop it."""
        if self._timer is None:
            return f"{self.settings.ccxt_id}: no dead-man timer is switched on"
        try:
            await self._ask(CallKind.TIMER)(self._timer.endpoint, self._timer.params(seconds))
        except CallFailed as error:
            return f"{type(error).__name__}: {error}"
        return None

    async def movements(self) -> tuple[Movement, ...] | None:
        """What moved assets besides trading in the last week; None when unreadable now. A test network has no list.

        A key without the right to see them is like a venue without the list: what moves has to be acknowledged, and
        that is a doubt about the key.
        """
        if self.settings.testnet:
            return ()
        since_ns = self._venue_clock.venue_time(Nanos(self._clock.now() - LOOK_BACK_NS))
        try:
            ask = self._ask(self._reading)
            found = tuple(await MOVEMENTS[self.settings.ccxt_id](ask, self._at_desk, since_ns))
        except VenueSaid as error:
            if rotation.is_key_refused(self.settings.ccxt_id, error.status, [Said(code=error.code, text=error.text)]):
                return None
            if self._keys.unlisted is None:
                _LOG.warning("%s: deposits and withdrawals are not listed to this key: %s", self.account, error)
            self._keys.unlisted = error.code
            return ()
        except CallFailed as error:
            _LOG.warning("%s: deposits and withdrawals could not be read: %s", self.account, error)
            return None
        self._keys.unlisted = None
        return found

    @property
    def unlisted(self) -> str | None:
        """With which code the venue denies this key its list of deposits and withdrawals."""
        return self._keys.unlisted

    def encode_id(self, client_id: ClientOrderId) -> str:
        """Our id as this venue spells it."""
        return self._dialect.encode_id(client_id)

    def our_latest(self, venue_ns: Nanos) -> Nanos:
        """The last moment of ours that a time of the venue's clock can mean."""
        return self._venue_clock.our_latest(venue_ns)

    # Placing

    async def _one_copy(
        self, child: ChildOrder, deadline_ns: Nanos | None, gate: Gate
    ) -> tuple[PlaceOutcome, Nanos | None]:
        params = self._dialect.create_params(child, self._deadline(deadline_ns))
        await self._budget.take(self._dialect.cost("createOrder", params), CallKind.PLACE.urgency, _PATIENCE_NS)
        transmission = wire.Transmission(CallKind.PLACE, gate=gate)
        why = await self._transmit(child, params, transmission)
        outcome = verdict.outcome(self._dialect, transmission, self.encode_id(child.client_id), why)
        if isinstance(outcome, NotSent):
            raise NotReached(outcome.why)
        if isinstance(outcome, Refused) and verdict.too_many(self._dialect, transmission):
            self._budget.told_off(outcome.retry_after_ms)
        if self._is_key_refused(transmission):
            # Nothing more is worth sending; the reading shuts the account, or finds a new key.
            if isinstance(outcome, Refused):
                outcome = replace(outcome, transient=True, retry_after_ms=rotation.PAUSE_MS)
            if self._sink is not None:
                self._sink.read_wanted(self.account, "its key was refused")
        if isinstance(outcome, Accepted) and self._order_feed is not None and transmission.sent_ns is not None:
            self._order_feed.placed(child.client_id, outcome.venue_order_id, transmission.sent_ns)
        return outcome, transmission.sent_ns

    def _is_key_refused(self, transmission: wire.Transmission) -> bool:
        status = transmission.status
        said = () if status is None else self._dialect.errors(status, transmission.answer())
        return rotation.is_key_refused(self.settings.ccxt_id, status, said)

    async def _transmit(self, child: ChildOrder, params: Mapping[str, object], transmission: wire.Transmission) -> str:
        """Let the client build, sign and send; what it raised is returned: it explains an outcome, never decides it."""
        try:
            with wire.carrying(transmission), decimal.localcontext():
                await self._running.orders.create_order(
                    child.symbol,
                    "limit",
                    child.side.lower(),
                    plain(child.quantity),
                    plain(child.limit_price),
                    dict(params),
                )
        except (asyncio.CancelledError, GateShut):
            raise
        except Exception as error:  # noqa: BLE001 - after the first byte, whatever is raised is no outcome
            return str(error) if isinstance(error, CallFailed) else name_of(error)
        return "nothing was raised"

    def _deadline(self, deadline_ns: Nanos | None) -> Deadline | None:
        if deadline_ns is None or not self._dialect.takes_deadline:
            return None
        now = self._clock.now()
        trouble = self._venue_clock.trouble(now)
        if trouble is not None:
            raise NotReached(trouble)
        deadline = Deadline(at_ns=self._venue_clock.venue_time(deadline_ns), now_ns=self._venue_clock.venue_time(now))
        if deadline.left_ms < 1:
            message = "the deadline has passed"
            raise GateShut(message)
        return deadline

    def _check_clock(self) -> None:
        """While the venue's clock contradicts itself, an order that is lost could not be told from one that never was.

        One rule for every venue: until a second reading agrees with the odd one, nothing new leaves.
        """
        if self._venue_clock.contradiction is not None:
            raise NotReached(self._venue_clock.contradiction)

    def _check_grid(self, child: ChildOrder) -> None:
        """Ccxt would round silently, a price even half up, to a worse one than asked: not here."""
        listing = self._listings.get(child.symbol)
        if listing is None:
            message = f"{child.symbol} is not a listing of {self.account}"
            raise NotReached(message)
        if not rounding.on_grid(child.quantity, listing.step) or not rounding.on_grid(child.limit_price, listing.tick):
            message = f"quantity or price is not on the grid of {listing.id}"
            raise NotReached(message)

    # Looking up

    async def _look_up(
        self, child: ChildOrder, venue_order_id: VenueOrderId | None, *, as_sent: bool = True
    ) -> LookUpResult:
        now = self._clock.now()
        since = self._venue_clock.earliest(child.decided_at_ns, now)
        ask, desk = self._ask(CallKind.LOOK_UP), self._at_desk
        wanted = Wanted(child=child, venue_order_id=venue_order_id, since_ns=since, as_sent=as_sent)
        found = await self._dialect.find(ask, desk, wanted)
        if isinstance(found, Absence):
            unsure = self._venue_clock.unsure_since(child.decided_at_ns, now)
            if unsure is not None:
                return Unclear(why=unsure)
            return Missing(endpoints=found.endpoints, strangers=_possibly_of(child, found.strangers, since))
        if not _is_of(found, child if as_sent else replace(child, quantity=found.quantity)):
            return Unclear(why="the venue's record under our id is of another order")
        if self._order_feed is not None:
            self._order_feed.shown([found], now)
        trades = _sound(await self._dialect.trades_of(ask, desk, found, since))
        own = tuple(_stamped(trade, found, child) for trade in trades)
        if self._order_feed is not None:
            self._order_feed.traded(own, self._venue_clock)
        return Found(order=found, trades=own)

    # Setting up

    async def _set_up(self) -> tuple[Listing, ...]:
        ca_file = self.settings.client_options.get("cafile")
        trusted = wire.certificates(None if ca_file is None else str(ca_file))
        self.settings = replace(self.settings, credentials=self._keys.newest(self.settings.credentials))
        self._clients = assemble(self._dialect, self.settings, self._clock, trusted, self._budget)
        ask = self._ask(CallKind.SET_UP)
        markets = await self._load_markets()
        self._desk = Desk(account=self.account, names=mapping.names_of(markets.values()))
        for _ in range(_CLOCK_READINGS):
            await self._read_clock(CallKind.SET_UP)
        rows = [mapping.market_of(markets, symbol, self.settings.venue) for symbol in self.settings.symbols]
        mapping.check_books_apart(rows, self.settings.venue)
        fees = await self._fees(rows)
        discounts = await self._discounts(CallKind.SET_UP, fees) or {}
        await self._warm()
        if self.settings.private and not self.settings.testnet:
            await self._keys.check(ask)
        return tuple(
            mapping.listing(
                market,
                venue=self.settings.venue,
                account=self.account,
                instrument=self.settings.symbols[str(market["symbol"])],
                fee_bps=fees[str(market["symbol"])],
                fee_in=self._dialect.fee_in,
                discount=discounts.get(str(market["symbol"])),
            )
            for market in rows
        )

    async def _load_markets(self) -> Mapping[str, Row]:
        async def load() -> Mapping[str, Row]:
            await self._budget.take(self._dialect.cost("loadMarkets", {}), CallKind.SET_UP.urgency)
            try:
                with wire.carrying(wire.Transmission(CallKind.SET_UP)), decimal.localcontext():
                    return await self._running.load_markets()
            except (CallFailed, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - ccxt parses whatever came back
                message = f"markets: {name_of(error)}"
                raise CallFailed(message) from None

        return await retry.asked(CallKind.SET_UP, load)

    async def _fees(self, markets: Sequence[Row]) -> Mapping[str, Decimal]:
        """The account's own rates; without keys, or on a test network, what the venue lists for anybody."""
        symbols = [str(market["symbol"]) for market in markets]
        if not self._has_own_fees:
            return {str(market["symbol"]): Decimal(str(market["taker"])).scaleb(4) for market in markets}
        fees = await self._dialect.taker_fees_bps(self._ask(CallKind.SET_UP), self._at_desk, symbols)
        missing = sorted(set(symbols) - set(fees))
        if missing:
            message = f"{self.settings.venue} tells no fee for {', '.join(missing)}"
            raise SorError(message)
        return fees

    @property
    def _has_own_fees(self) -> bool:
        """A test network has no calls for what real money needs."""
        return self.settings.private and not self.settings.testnet

    def _own_fees(self) -> tuple[ListedFee, ...]:
        if not self._has_own_fees:
            return ()
        listings = self._listings.values()
        return tuple(
            ListedFee(listing_id=each.id, taker_fee_bps=each.taker_fee_bps, discount=each.discount) for each in listings
        )

    async def _discounts(self, kind: CallKind, fees: Mapping[str, Decimal]) -> Mapping[str, TokenDiscount] | None:
        """What paying in the venue's token takes off those rates; None when that cannot be read now."""
        told = DISCOUNTS.get(self.settings.ccxt_id)
        if told is None or not self._has_own_fees:
            return {}
        try:
            return await told(self._ask(kind), self._at_desk, fees)
        except CallFailed as error:
            _LOG.warning("%s: the discount of the venue's token could not be read: %s", self.account, error)
            return None

    async def _keep_fees(self, sink: VenueSink) -> None:
        """Read the account's rates again, in quiet moments. What cannot be read now stays as it was."""
        while True:
            await asyncio.sleep(self.settings.fee_check_every_s)
            try:
                fees = await self._dialect.taker_fees_bps(self._ask(CallKind.FEES), self._at_desk, list(self._listings))
            except CallFailed as error:
                _LOG.warning("%s: fees could not be read again: %s", self.account, error)
                continue
            discounts = await self._discounts(CallKind.FEES, fees)
            for symbol, listing in list(self._listings.items()):
                discount = listing.discount if discounts is None else discounts.get(symbol)
                told = replace(listing, taker_fee_bps=fees.get(symbol, listing.taker_fee_bps), discount=discount)
                if told != listing:
                    self._listings[symbol] = told
                    sink.listing_changed(told)

    async def _turn_key(self) -> None:
        """Use the key its files hold now, if it passes; else go on with the one before."""
        offered = self._keys.offered(self.settings.credentials)
        if offered is None:
            return
        settings = replace(self.settings, credentials=offered)
        clients = with_new_key(self._running, self._dialect, settings)
        try:
            ask, until_ns = self._reader(clients, CallKind.ACCOUNT), self._venue_clock.latest(self._clock.now())
            if await self._keys.passes(offered, ask, self._at_desk, until_ns):
                self.settings, self._clients = settings, clients
        finally:
            if self._clients is not clients:
                await clients.orders.close()
                await clients.queries.close()
        if self._clients is clients and self._order_feed is not None:
            await self._order_feed.renew(clients.queries)

    def _start_feeds(self, sink: VenueSink) -> None:
        settings, dialect, clients = self.settings, self._dialect, self._running
        symbols = {symbol: clients.streams.markets[symbol] for symbol in self._listings}
        books = BookFeed(
            exchange=clients.streams,
            decoder=dialect.book_decoder(symbols),
            watch=lambda: dialect.watch_books(clients.streams, list(symbols)),
            snapshot=self._depth,
            polled=self._polled,
            listed=lambda symbol: dialect.book(self._ask(CallKind.CHECK), self._at_desk, symbol),
            listings={symbol: listing.id for symbol, listing in self._listings.items()},
            odd=self._odd_frames(Channel.BOOKS, sink),
            sink=sink,
            clock=self._clock,
            silence_ms=settings.silence_ms,
            poll_ms=settings.poll_ms,
            tasks=self._tasks,
        )
        streamed = settings.books is BookSource.STREAM
        poll_s = settings.poll_ms / 1000
        if streamed:
            self._start_stream(books, list(symbols))
            prints = TradeFeed(
                exchange=clients.prints,
                decoder=dialect.trade_decoder(symbols),
                watch=lambda: dialect.watch_trades(clients.prints, list(symbols)),
                listings={symbol: listing.id for symbol, listing in self._listings.items()},
                odd=self._odd_frames(Channel.TRADES, sink),
                sink=sink,
                clock=self._clock,
                polled=self._public_trades,
                page_rows=polling.page_rows(settings.ccxt_id),
                poll_ms=settings.poll_ms,
            )
            self._tasks.keep(f"{self.account}: public trades", prints.run)
            self._tasks.keep(f"{self.account}: public trades by REST", prints.stand_in)
        else:
            self._tasks.keep(f"{self.account}: books", books.poll)
        if settings.private:
            orders = OrderFeed(
                account=self.account,
                exchange=clients.queries,
                decoder=dialect.order_decoder(),
                decode_id=lambda text: from_uuid(text) or from_hex(text),
                odd=self._odd_frames(Channel.ORDERS, sink),
                sink=sink,
                clock=self._clock,
                report_ms=settings.report_ms,
                read_lag_ms=settings.terms.read_lag_ms,
            )
            self._order_feed = orders
            watch = orders.run if streamed else lambda: orders.poll(self._open, poll_s)
            self._tasks.keep(f"{self.account}: order reports", watch)

    def _odd_frames(self, channel: Channel, sink: VenueSink) -> OddFrames:
        ccxt_id = self.settings.ccxt_id
        return OddFrames(ccxt_id=ccxt_id, account=self.account, channel=channel, sink=sink, clock=self._clock)

    def _start_stream(self, books: BookFeed, symbols: Sequence[str]) -> None:
        """The stream itself, REST while it is down, and REST against it while it is up."""
        self._tasks.keep(f"{self.account}: books", books.run)
        self._tasks.keep(f"{self.account}: books by REST", books.stand_in)
        every_ms, apart_ms = self.settings.check_every_ms, self.settings.check_apart_ms
        if every_ms is None:
            return
        for symbol in symbols:
            self._tasks.keep(
                f"{self.account}: check of {symbol}", partial(books.check, symbol, every_ms / 1000, apart_ms / 1000)
            )

    async def _depth(self, symbol: str) -> Json:
        return await self._dialect.depth(self._ask(CallKind.BOOK), self._at_desk, symbol)

    async def _polled(self, symbol: str) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        bids, asks = await self._dialect.book(self._ask(CallKind.BOOK), self._at_desk, symbol)
        return levels(bids), levels(asks)

    async def _public_trades(self, symbol: str) -> Sequence[Print]:
        """The newest, by ccxt's own call for it: none of our dialects adds anything to that."""
        ccxt_id, exchange = self.settings.ccxt_id, self._running.of(CallKind.PRINTS)
        rows, more = polling.page_rows(ccxt_id), polling.MORE_PARAMS.get(ccxt_id, {})
        await self._budget.take(self._dialect.cost(polling.COSTS_AS, {}), CallKind.PRINTS.urgency)
        try:
            with wire.carrying(wire.Transmission(CallKind.PRINTS)), decimal.localcontext():
                trades = await exchange.fetch_trades(symbol, None, rows, dict(more))
        except (CallFailed, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - ccxt parses whatever came back
            message = f"public trades: {name_of(error)}"
            raise CallFailed(message) from None
        return polling.prints_of(ccxt_id, symbol, trades)

    async def _open(self) -> Mapping[OpenOrder, str]:
        orders = await self._dialect.open_orders(self._ask(CallKind.ACCOUNT), self._at_desk)
        return {
            OpenOrder(order.symbol, order.venue_order_id, order.client_id): f"{order.status} {order.executed}"
            for order in orders
        }

    # Keeping up

    async def _keep_warm(self) -> None:
        """Hold connections open for orders, and keep up with the venue's clock."""
        while True:
            await asyncio.sleep(self.settings.touch_ms / 1000)
            await self._warm()

    async def _warm(self) -> None:
        """As many calls at once as there are to be connections. One that fails is made up for by the next round."""
        calls = [self._dialect.touch(self._ask(CallKind.TOUCH)) for _ in range(self.settings.warm_connections)]
        results = await asyncio.gather(*calls, self._read_clock(CallKind.TOUCH), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, CallFailed):
                raise result

    async def _read_clock(self, kind: CallKind) -> None:
        exchange = self._running.of(kind)
        sent = self._clock.now()
        server, resolution = await self._dialect.server_time(self._ask(kind), exchange)
        self._venue_clock.observe(
            sent_ns=sent, received_ns=self._clock.now(), server_ns=server, resolution_ns=resolution
        )
        self._running.set_offset(self._venue_clock.offset_ns)
        self._tell_clock()

    def _tell_clock(self) -> None:
        clock, error_ns = self._venue_clock, self._venue_clock.error_ns
        if self._sink is not None and error_ns is not None:
            note = ClockCompared(offset_ns=clock.offset_ns, error_ns=error_ns, skewed=clock.skewed)
            self._sink.noted(self.account, note)

    # Parts

    def _ask(self, kind: CallKind, cost: Mapping[str, int] | None = None) -> Reader:
        return self._reader(self._running, kind, cost)

    def _reader(self, clients: Clients, kind: CallKind, cost: Mapping[str, int] | None = None) -> Reader:
        return Reader(clients.of(kind), self._dialect, self._budget, self._clock, kind, cost)

    @property
    def _running(self) -> Clients:
        if self._clients is None:
            message = f"{self.account} is not started"
            raise NotReached(message)
        return self._clients

    @property
    def _at_desk(self) -> Desk:
        if self._desk is None:
            message = f"{self.account} is not started"
            raise NotReached(message)
        return self._desk


def _check_fence(settings: VenueSettings, dialect: Dialect) -> None:
    """A fence the venue does not have would let the engine call an order never placed while it still may be."""
    licensed = dialect.dedupes_for_ever and settings.dedupe_licensed
    have = {Fence.NONE: True, Fence.DEADLINE: dialect.takes_deadline, Fence.PERMANENT_DEDUPE: licensed}
    fence = settings.terms.fence
    if not have[fence]:
        raise BadInput(f"venues.{settings.venue}.terms.fence", f"{settings.ccxt_id} has no fence {fence}")


def _check_terms(child: ChildOrder) -> None:
    """Venues differ in what they make of a contradiction; none of it is what was meant."""
    if child.contradiction is not None:
        raise NotReached(child.contradiction)


def _is_of(order: VenueOrder, child: ChildOrder) -> bool:
    """Is the venue's record of this very child, as it was sent?"""
    return (
        order.client_id == child.client_id
        and order.symbol == child.symbol
        and order.side is child.side
        and order.quantity == child.quantity
    )


def _unremembered(wanted: Seek, symbol: str, account: AccountId) -> ChildOrder:
    """What is known of an order of ours that no row tells of, for a look-up that goes by its id."""
    base, _, quote = symbol.partition("/")
    return ChildOrder(
        client_id=wanted.client_id,
        parent_id=wanted.parent_id,
        entity=EntityId(""),
        number=0,
        venue=VenueId(account.partition("/")[0]),
        account=account,
        listing_id=listing_id(account, symbol),
        symbol=symbol,
        base=Asset(base),
        quote=Asset(quote),
        side=wanted.side,
        quantity=Decimal(0),
        limit_price=Decimal(0),
        time_in_force=TimeInForce.IOC,
        decided_at_ns=wanted.since_ns,
        deadline_ns=None,
    )


def _sound(trades: Sequence[VenueTrade]) -> Sequence[VenueTrade]:
    """Trades as they are, if each of them moved something at some price."""
    if any(trade.price <= 0 or trade.quantity <= 0 for trade in trades):
        message = "a trade of nothing, or at no price"
        raise AnswerUnusable(message)
    return trades


def _stamped(trade: VenueTrade, order: VenueOrder, child: ChildOrder) -> VenueTrade:
    """A trade of the child with its id. A row that is another order's makes the answer unusable: it is not booked."""
    mapping.same("order id of a trade", trade.venue_order_id, order.venue_order_id)
    mapping.same("symbol of a trade", trade.symbol, order.symbol)
    mapping.same("side of a trade", trade.side, order.side)
    if trade.client_id not in {None, child.client_id}:
        message = "client id of a trade is another order's"
        raise AnswerUnusable(message)
    return replace(trade, client_id=child.client_id)


def _possibly_of(child: ChildOrder, trades: Sequence[VenueTrade], since_ns: Nanos) -> tuple[VenueTrade, ...]:
    """Of trades nobody can name the order of, those the child could have made."""
    return tuple(
        trade
        for trade in trades
        if trade.symbol == child.symbol and trade.side is child.side and trade.venue_time_ns >= since_ns
    )
