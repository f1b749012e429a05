"""The public trades of one account's listings, from the venue's stream to the sink.

On a socket of their own: what goes wrong with them touches no book, and the reverse. Quiet is normal here, so a dead
connection is found by the venue's own beat where it has one, and by unanswered pings everywhere (ccxt closes such a
socket). Each print reaches the sink once: history is only remembered, so that a repeat of it is known as one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from weakref import WeakSet

from connectors.budget import NS_PER_MS, NS_PER_S
from connectors.ccxt_venue.clients import Exchange, Json, SteadyClient
from connectors.ccxt_venue.feeds import Watch, connection, drop_sockets, pause_s, spread_s
from connectors.ccxt_venue.odd_frames import OddFrames
from connectors.ccxt_venue.redaction import name_of
from connectors.ccxt_venue.trades.decoding import Print, PrintsMissed, TradeDecoder
from connectors.ccxt_venue.trades.polling import Pages
from router.model.ids import ListingId, Nanos
from router.model.public_trades import PublicTrade
from router.ports.clock import Clock
from router.ports.venue import VenueSink

_CONFIRM_NS = 10_000 * NS_PER_MS
_BEATS_MISSED = 3
_REMEMBERED = 2_000
"""Ids kept per listing: more than any venue repeats (a snapshot is fifty to a thousand trades)."""
_LOOK_S = 0.25
POLL_AFTER = 3
"""How many times the cadence of polls a stream is given to come back before REST stands in."""


class _Tape:
    """What is known of one listing's prints: is the subscription up, and which ids were told."""

    def __init__(self) -> None:
        self.up = False
        self.down_ns = Nanos(0)
        """Since when it is not."""
        self.newest: int | None = None
        self.pages: Pages | None = None
        """While it is polled, and whole since a page."""
        self._told: dict[str, None] = {}

    def repeats(self, trade_id: str | None) -> bool:
        """Was this one told before? Remembers it."""
        if trade_id is None:
            return False
        if trade_id in self._told:
            return True
        self._told[trade_id] = None
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
        return False

    def skips(self, trade_id: str | None) -> bool:
        """Is there a hole before this id? For venues whose ids count up by one."""
        number = int(trade_id or 0)
        newest, self.newest = self.newest, max(number, self.newest or 0)
        return newest is not None and number > newest + 1


class TradeFeed:
    """Public trades of one account's listings. `watch` subscribes, in ccxt's words, and ends with the connection."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        decoder: TradeDecoder,
        watch: Watch,
        listings: Mapping[str, ListingId],
        odd: OddFrames,
        sink: VenueSink,
        clock: Clock,
        polled: Callable[[str], Awaitable[Sequence[Print]]],
        page_rows: int,
        poll_ms: int,
    ) -> None:
        self._exchange = exchange
        self._decoder = decoder
        self._watch = watch
        self._listings = listings
        self._odd = odd
        self._sink = sink
        self._clock = clock
        self._tapes = {symbol: _Tape() for symbol in listings}
        self._polled = polled
        self._page_rows = page_rows
        self._poll_s = poll_ms / 1000
        self._heard_ns = Nanos(0)
        self._retired: WeakSet[SteadyClient] = WeakSet()
        exchange.frame, exchange.unreadable = self.frame, odd.malformed

    async def run(self) -> None:
        """Keep the stream up, for ever."""
        failed = 0
        while True:
            why = await self._one_connection()
            failed = 1 if self._lose_all(why) else failed + 1
            self._retired.update((self._exchange.clients or {}).values())
            self._decoder.forget()
            await drop_sockets(self._exchange)
            await asyncio.sleep(pause_s(failed))

    async def stand_in(self) -> None:
        """While no stream can be had: what it would bring, by REST, for ever."""
        for tape in self._tapes.values():
            tape.down_ns = self._clock.now()
        while True:
            await asyncio.sleep(spread_s(self._poll_s))
            for symbol, tape in self._tapes.items():
                if not tape.up and self._clock.now() - tape.down_ns > POLL_AFTER * self._poll_s * NS_PER_S:
                    await self._poll_one(symbol, tape)

    async def _poll_one(self, symbol: str, tape: _Tape) -> None:
        """A page more. One that cannot be read, or does not follow the last one, ends what was counted."""
        try:
            page = await self._polled(symbol)
        except Exception as error:  # noqa: BLE001 - whatever an answer is that cannot be read, it shows no trade
            if not tape.up:
                self._lose_pages(symbol, f"not read: {name_of(error)}")
            return
        if tape.up:
            return  # the stream has it meanwhile
        now = self._clock.now()
        began = tape.pages is None
        tape.pages = tape.pages or Pages()
        follows = tape.pages.follows(page, self._page_rows)
        unseen = [each for each in page if not tape.repeats(each.trade_id)]
        if not follows:
            if not began:
                self._sink.trades_lost(self._listings[symbol], "gap: no trade of the last page is on this one")
            self._sink.trades_started(self._listings[symbol], now)
            return
        for each in unseen:
            self._tell(each, now)

    def _lose_pages(self, symbol: str, why: str) -> None:
        tape = self._tapes[symbol]
        if tape.pages is not None:
            tape.pages = None
            self._sink.trades_lost(self._listings[symbol], why)

    def frame(self, client: SteadyClient, message: Json) -> bool:
        """One frame. Trades are dealt with here and now; anything else is ccxt's."""
        if client in self._retired:
            return True
        now = self._heard_ns = self._clock.now()
        self._odd.check_text(message)
        try:
            for symbol in self._decoder.stands(message):
                self._start(symbol, now)
            signals = self._decoder.take(message)
        except Exception as error:
            self._odd.malformed(error)
            raise
        if signals is None:
            self._odd.passed_on(message)
            return False
        for signal in signals:
            if signal.symbol not in self._tapes:
                continue
            if isinstance(signal, PrintsMissed):
                self._miss(signal.symbol, signal.why, now)
            else:
                self._print(signal, now)
        return True

    def _start(self, symbol: str, now: Nanos) -> None:
        tape = self._tapes.get(symbol)
        if tape is not None and not tape.up:
            self._lose_pages(symbol, "the stream is back: what was traded since the last page is not known")
            tape.up = True
            self._sink.trades_started(self._listings[symbol], now)

    def _miss(self, symbol: str, why: str, now: Nanos) -> None:
        """Something was lost, and the stream goes on: the count is whole again from here."""
        if self._tapes[symbol].up:
            self._sink.trades_lost(self._listings[symbol], why)
            self._sink.trades_started(self._listings[symbol], now)

    def _print(self, told: Print, now: Nanos) -> None:
        tape = self._tapes[told.symbol]
        if self._decoder.numbered and tape.skips(told.trade_id) and not told.past:
            self._miss(told.symbol, f"gap: a trade before {told.trade_id} did not arrive", now)
        if tape.repeats(told.trade_id) or told.past or not told.size:
            return
        self._start(told.symbol, now)  # some venue may confirm nothing: its first print does
        self._tell(told, now)

    def _tell(self, told: Print, now: Nanos) -> None:
        self._sink.public_trade(
            PublicTrade(
                listing=self._listings[told.symbol],
                trade_id=told.trade_id,
                price=told.price,
                quantity=told.size,
                taker=told.taker,
                venue_time_ns=told.venue_time_ns,
                received_ns=now,
            )
        )

    async def _one_connection(self) -> str:
        """Connect, subscribe, and stay until something ends it; returns why."""
        self._heard_ns = self._clock.now()
        ends = [asyncio.ensure_future(connection(self._watch)), asyncio.ensure_future(self._dead())]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            ended = next(iter(done))
            error = ended.exception()
            return ended.result() if error is None else name_of(error)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _dead(self) -> str:
        """Return when a subscription was not confirmed in time, or the venue's beat stopped."""
        began = self._clock.now()
        beat_ms = self._decoder.beat_ms
        while True:
            await asyncio.sleep(_LOOK_S)
            now = self._clock.now()
            if now - began > _CONFIRM_NS and not all(tape.up for tape in self._tapes.values()):
                return "a subscription was not confirmed"
            if beat_ms is not None and now - self._heard_ns > _BEATS_MISSED * beat_ms * NS_PER_MS:
                return f"no beat for {(now - self._heard_ns) // NS_PER_MS} ms"

    def _lose_all(self, why: str) -> bool:
        """Was any of it up?"""
        lost = [symbol for symbol, tape in self._tapes.items() if tape.up]
        for symbol in lost:
            self._tapes[symbol].up = False
            self._tapes[symbol].down_ns = self._clock.now()
            self._tapes[symbol].newest = None
            self._sink.trades_lost(self._listings[symbol], why)
        return bool(lost)
