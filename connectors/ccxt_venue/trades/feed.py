"""The public trades of one account's listings, from the venue's stream to the sink.

On a socket of their own: what goes wrong with them touches no book, and the reverse. Quiet is normal here, so a dead
connection is found by the venue's own beat where it has one, and by unanswered pings everywhere (ccxt closes such a
socket). Each print reaches the sink once: history is only remembered, so that a repeat of it is known as one.
"""

import asyncio
from collections.abc import Mapping
from weakref import WeakSet

from connectors.budget import NS_PER_MS
from connectors.ccxt_venue.clients import Exchange, Json, SteadyClient
from connectors.ccxt_venue.feeds import Watch, connection, drop_sockets, pause_s
from connectors.ccxt_venue.odd_frames import OddFrames
from connectors.ccxt_venue.redaction import name_of
from connectors.ccxt_venue.trades.decoding import Print, PrintsMissed, TradeDecoder
from router.model.ids import ListingId, Nanos
from router.model.public_trades import PublicTrade
from router.ports.clock import Clock
from router.ports.venue import VenueSink

_CONFIRM_NS = 10_000 * NS_PER_MS
_BEATS_MISSED = 3
_REMEMBERED = 2_000
"""Ids kept per listing: more than any venue repeats (a snapshot is fifty to a thousand trades)."""
_LOOK_S = 0.25


class _Tape:
    """What is known of one listing's prints: is the subscription up, and which ids were told."""

    def __init__(self) -> None:
        self.up = False
        self.newest: int | None = None
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
    ) -> None:
        self._exchange = exchange
        self._decoder = decoder
        self._watch = watch
        self._listings = listings
        self._odd = odd
        self._sink = sink
        self._clock = clock
        self._tapes = {symbol: _Tape() for symbol in listings}
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
            self._tapes[symbol].newest = None
            self._sink.trades_lost(self._listings[symbol], why)
        return bool(lost)
