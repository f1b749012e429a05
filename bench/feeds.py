"""One frame of a stream: from its text to a book that may be routed on, ours beside ccxt's; and a whole minute of them.

Both read the same text with the same JSON parser. ccxt's `handle_message` checks a sequence on Binance and OKX and no
checksum anywhere, so it is also timed with the venue's check added: that is what our decoder does. Our side is all of
it: tap, decoder with its mirror and check, sink, and the book of the router. Both end with the same ten best levels.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ccxt.pro
from ccxt.async_support.base.ws.client import Client

from bench.book import Message, Stream
from bench.feed_minute import Minute, run_minute
from bench.measure import Contestant, Table, in_turn, table
from connectors.ccxt_venue.binance import BinanceClient
from connectors.ccxt_venue.book_binance import BinanceBooks
from connectors.ccxt_venue.book_kraken import Digits, KrakenBooks, written
from connectors.ccxt_venue.book_okx import OkxBooks
from connectors.ccxt_venue.decoders import Mirror
from connectors.ccxt_venue.feeds import BookFeed, Tasks
from connectors.ccxt_venue.kraken import KrakenClient
from connectors.ccxt_venue.odd_frames import OddFrames
from connectors.ccxt_venue.okx import OkxClient
from router.book.books import Books
from router.model.ids import AccountId, ListingId
from router.model.side import Side
from router.model.stream_notes import Channel
from router.runtime.clock import SystemClock

Frames = list[str]
_COMPARED = 10
_DIGITS = Digits(price=1, size=5)
_NONE = ListingId("bench")


@dataclass(frozen=True, kw_only=True)
class Format:
    """One venue's way to say a book: its first frame (or REST body) and the changes, each as text."""

    name: str
    symbol: str
    market_id: str
    theirs: type
    ours: type
    url: str
    message_hash: str
    levels: int
    decoder: Callable[[], Any]
    frames: Callable[[Stream, list[Message]], tuple[str, Frames]]
    check: Callable[[Any, Any], None] | None


# What the venues would send.


def _rows(changes: list[tuple[float, float]]) -> list[list[str]]:
    return [[f"{at:.1f}", f"{size:.5f}"] for at, size in changes]


def _binance(start: Mirror, messages: list[Message]) -> tuple[str, Frames]:
    first = {"lastUpdateId": 1000, "bids": _rows([*start.bids.items()]), "asks": _rows([*start.asks.items()])}
    frames, last = [], 1000
    for bids, asks in messages:
        body = {"e": "depthUpdate", "E": 1700000000000 + last, "s": "BTCUSDT", "U": last + 1, "u": last + 7}
        last += 7
        frames.append(_text({**body, "b": _rows(bids), "a": _rows(asks)}))
    return _text(first), frames


def _kraken(start: Mirror, messages: list[Message]) -> tuple[str, Frames]:
    def frame(kind: str, bids: Any, asks: Any) -> str:
        named = [[{"price": at, "qty": size} for at, size in side] for side in (bids, asks)]
        data = {
            "symbol": "BTC/USD",
            "bids": named[0],
            "asks": named[1],
            "checksum": _kraken_sum(_best(mirror.bids, 10, falling=True), _best(mirror.asks, 10, falling=False)),
            "timestamp": "2026-08-02T03:35:55.440295Z",
        }
        return _text({"channel": "book", "type": kind, "data": [data]})

    mirror = start
    first, frames = frame("snapshot", start.bids.items(), start.asks.items()), []
    for bids, asks in messages:
        mirror.change(bids, asks)
        gone_bids, gone_asks = mirror.keep_best(_KRAKEN_DEPTH)
        del gone_bids, gone_asks  # the venue does not send them
        frames.append(frame("update", bids, asks))
    return first, frames


_KRAKEN_DEPTH = 100


def _okx(start: Mirror, messages: list[Message]) -> tuple[str, Frames]:
    def frame(kind: str, bids: Any, asks: Any, number: int) -> str:
        data = {
            "asks": [[*row, "0", "1"] for row in _rows(asks)],
            "bids": [[*row, "0", "1"] for row in _rows(bids)],
            "ts": "1700000000000",
            "checksum": _okx_sum(_best(mirror.bids, 25, falling=True), _best(mirror.asks, 25, falling=False)),
            "prevSeqId": -1 if kind == "snapshot" else number - 3,
            "seqId": number,
        }
        return _text({"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": kind, "data": [data]})

    mirror, number = start, 1000
    first, frames = frame("snapshot", [*start.bids.items()], [*start.asks.items()], number), []
    for bids, asks in messages:
        mirror.change(bids, asks)
        number += 3
        frames.append(frame("update", bids, asks, number))
    return first, frames


def _kraken_sum(bids: Any, asks: Any) -> int:
    text = "".join(written(row[0], _DIGITS.price) + written(row[1], _DIGITS.size) for row in [*asks, *bids])
    return zlib.crc32(text.encode())


def _best(side: Mapping[float, float], depth: int, *, falling: bool) -> list[tuple[float, float]]:
    return sorted(side.items(), reverse=falling)[:depth]


def _okx_sum(bids: Any, asks: Any) -> int:
    turns = [f"{row[0]:.1f}:{row[1]:.5f}" for pair in zip(bids, asks, strict=True) for row in pair]
    unsigned = zlib.crc32(":".join(turns).encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


def _text(message: object) -> str:
    return json.dumps(message, separators=(",", ":"))


# What ccxt leaves out.


def _check_kraken(book: Any, message: Any) -> None:
    assert _kraken_sum(book["bids"][:10], book["asks"][:10]) == message["data"][0]["checksum"]


def _check_okx(book: Any, message: Any) -> None:
    assert _okx_sum(book["bids"][:25], book["asks"][:25]) == message["data"][0]["checksum"]


FORMATS = (
    Format(
        name="Binance",
        symbol="BTC/USDT",
        market_id="BTCUSDT",
        theirs=ccxt.pro.binance,
        ours=BinanceClient,
        url="wss://stream.binance.com:9443/stream",
        message_hash="orderbook::BTC/USDT",
        levels=1000,
        decoder=lambda: BinanceBooks({"BTCUSDT": "BTC/USDT"}),
        frames=_binance,
        check=None,
    ),
    Format(
        name="Kraken",
        symbol="BTC/USD",
        market_id="XXBTZUSD",
        theirs=ccxt.pro.kraken,
        ours=KrakenClient,
        url="wss://ws.kraken.com/v2",
        message_hash="orderbook@BTC/USD",
        levels=_KRAKEN_DEPTH,
        decoder=lambda: KrakenBooks({"BTC/USD": _DIGITS}, _KRAKEN_DEPTH),
        frames=_kraken,
        check=_check_kraken,
    ),
    Format(
        name="OKX",
        symbol="BTC/USDT",
        market_id="BTC-USDT",
        theirs=ccxt.pro.okx,
        ours=OkxClient,
        url="wss://ws.okx.com:8443/ws/v5/public",
        message_hash="books:BTC/USDT",
        levels=400,
        decoder=lambda: OkxBooks({"BTC-USDT": "BTC/USDT"}),
        frames=_okx,
        check=_check_okx,
    ),
)


class Theirs:
    """ccxt's handler behind its own client."""

    def __init__(self, form: Format, first: str) -> None:
        self.form = form
        config = {"enableRateLimit": False, "options": {"crossMarginPairsData": [], "isolatedMarginPairsData": []}}
        self.exchange = form.theirs(config)
        self.exchange.set_markets([_market(self.exchange, form)])
        self.client = _client(form, self.exchange.handle_message)
        self.client.subscriptions[form.message_hash] = True
        if form.theirs is ccxt.pro.binance:
            rest = json.loads(first)
            book = self.exchange.order_book({}, form.levels)
            sides = {name: [[float(each) for each in row] for row in rest[name]] for name in ("bids", "asks")}
            book.reset({**sides, "nonce": rest["lastUpdateId"], "timestamp": 1700000000000, "symbol": form.symbol})
            self.exchange.orderbooks[form.symbol] = book
        else:
            self.client.handle_text_or_binary_message(first)

    @property
    def book(self) -> Any:
        return self.exchange.orderbooks[self.form.symbol]

    def take(self, frames: Frames) -> None:
        take = self.client.handle_text_or_binary_message
        for frame in frames:
            take(frame)

    def take_and_check(self, frames: Frames) -> None:
        """With the check the venue offers, on every frame."""
        check, book, seen = self.form.check, self.book, []
        assert check is not None
        handle = self.exchange.handle_message

        def tapped(client: Client, message: Any) -> None:
            seen.append(message)
            handle(client, message)

        self.client.on_message_callback = tapped
        for frame in frames:
            self.client.handle_text_or_binary_message(frame)
            check(book, seen.pop())

    def take_awaited(self, frames: Frames) -> None:
        """As most programs do: one `await watch_order_book` for each frame. The future is ccxt's own."""

        async def go() -> None:
            take, client, name = self.client.handle_text_or_binary_message, self.client, self.form.message_hash
            exchange = self.exchange

            async def watch(*_: object) -> Any:
                return await client.future(name)

            exchange.watch = exchange.watch_multiple = watch
            for frame in frames:
                waiting = asyncio.ensure_future(exchange.watch_order_book(self.form.symbol))
                while name not in client.futures and not waiting.done():  # noqa: ASYNC110 - ccxt tells nobody
                    await asyncio.sleep(0)
                take(frame)
                await waiting
            await exchange.close()

        asyncio.get_event_loop().run_until_complete(go())

    def best(self) -> list[list[tuple[float, float]]]:
        return [[(row[0], row[1]) for row in self.book[side][:_COMPARED]] for side in ("bids", "asks")]


class Ours:
    """The connector's client and feed, and the router's books as its sink."""

    def __init__(self, form: Format, first: str) -> None:
        exchange = form.ours({"enableRateLimit": False}, lab_only=True)
        exchange.set_markets([_market(exchange, form)])
        self.form = form
        self.books = Sink()
        decoder = form.decoder()
        account, clock = AccountId("bench"), SystemClock()
        odd = OddFrames(ccxt_id="", account=account, channel=Channel.BOOKS, sink=self.books, clock=clock)
        self.feed = BookFeed(
            exchange=exchange,
            decoder=decoder,
            watch=_never,
            snapshot=_never,
            polled=_never,
            listed=_never,
            listings={form.symbol: _NONE},
            odd=odd,
            sink=self.books,
            clock=SystemClock(),
            silence_ms=5_000,
            poll_ms=1_000,
            tasks=Tasks(),
        )
        self.client = _client(form, exchange.handle_message)
        if form.theirs is ccxt.pro.binance:
            (whole,) = decoder.snapshot(form.symbol, json.loads(first))
            self.books.book_snapshot(_NONE, whole.bids, whole.asks, SystemClock().now())
        else:
            self.client.handle_text_or_binary_message(first)

    def take(self, frames: Frames) -> None:
        take = self.client.handle_text_or_binary_message
        for frame in frames:
            take(frame)

    def best(self) -> list[list[tuple[float, float]]]:
        book = self.books.book(_NONE)
        assert book is not None
        assert book.unusable is None, book.unusable
        return [[(row[0], row[1]) for row in book.top(side, _COMPARED)] for side in (Side.SELL, Side.BUY)]


class Sink(Books):
    """The router's books; reports go nowhere."""

    def order_hint(self, _hint: object) -> None: ...

    def read_wanted(self, _account: object, _why: str) -> None: ...

    def noted(self, _account: object, _note: object) -> None: ...


async def _never(*_: object) -> Any:
    await asyncio.Event().wait()


def _client(form: Format, handle: Any) -> Client:
    def ignore(*_: object) -> None: ...

    return Client(form.url, handle, ignore, ignore, ignore)


def _market(exchange: Any, form: Format) -> Mapping[str, Any]:
    base, quote = form.symbol.split("/")
    return exchange.safe_market_structure(
        {
            "id": form.market_id,
            "lowercaseId": form.market_id.lower(),
            "symbol": form.symbol,
            "base": base,
            "quote": quote,
            "spot": True,
            "type": "spot",
            "active": True,
            "contract": False,
            "precision": {"amount": 1e-5, "price": 0.1},
            "info": {"wsname": form.symbol, "altname": form.market_id},
        }
    )


def _feed_table(form: Format, size: int, changes: int, rounds: int) -> Table:
    source = Stream(7, form.levels)
    start = source.snapshot()
    messages = source.messages(changes // size, size)
    first, frames = form.frames(Mirror(*start), messages)
    _same(form, first, frames)

    def of(kind: type, run: Callable[[Any, Frames], None]) -> Contestant:
        return Contestant(setup=lambda: kind(form, first), run=lambda each: run(each, frames), units=len(frames))

    contestants = {"ccxt handle_message": of(Theirs, Theirs.take)}
    if form.check is not None:
        contestants["ccxt handle_message and the venue's check"] = of(Theirs, Theirs.take_and_check)
    contestants["ccxt await watch_order_book"] = of(Theirs, Theirs.take_awaited)
    contestants["ours: tap, decoder, check, book"] = of(Ours, Ours.take)
    spent = in_turn(contestants, rounds)
    return table(
        f"feeds: us of CPU per message, {form.name}'s format, {size} changes a message, {form.levels} levels a side",
        spent,
        unit="us",
    )


def _same(form: Format, first: str, frames: Frames) -> None:
    """Nothing lost: both sides end with the same best levels, or their times mean nothing."""
    theirs, ours = Theirs(form, first), Ours(form, first)
    theirs.take(frames)
    ours.take(frames)
    assert theirs.best() == ours.best()


def run(*, quick: bool) -> Iterator[Table | Minute]:
    rounds, changes = (3, 2_000) if quick else (9, 30_000)
    asyncio.set_event_loop(asyncio.new_event_loop())  # ccxt's client makes futures when it is born
    for form in FORMATS:
        for size in (4, 20):
            yield _feed_table(form, size, changes, rounds)
    yield run_minute(seconds=5 if quick else 60)
