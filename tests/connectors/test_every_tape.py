"""Every recorded book of the fifteen venues through the decoder of that venue, in one table.

What a decoder makes of a tape is held against a rebuild by the plainest means, which reads the frames itself and shares
no code with it. Then messages are taken away at random: the next one must give the loss away, and a new subscription
(or the snapshot asked for) must put the book back in step. A tape that is no stream we read says why, and one without a
detector that nothing on the wire gives a lost message away: there REST does (`cross_check`). By day three short tapes
and two losses each, by night all of them and two hundred.
"""

import copy
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.ccxt_venue.book_binance import BinanceBooks
from connectors.ccxt_venue.book_bitfinex import BitfinexBooks
from connectors.ccxt_venue.book_bitget import BitgetBooks
from connectors.ccxt_venue.book_bitstamp import BitstampBooks
from connectors.ccxt_venue.book_coinbaseexchange import CoinbaseexchangeBooks
from connectors.ccxt_venue.book_gate import gate_books
from connectors.ccxt_venue.book_gemini import GeminiBooks
from connectors.ccxt_venue.book_kraken import Digits, KrakenBooks
from connectors.ccxt_venue.book_kucoin import kucoin_books
from connectors.ccxt_venue.book_okx import OkxBooks
from connectors.ccxt_venue.decoders import BookBroken, BookChanged, BookWhole, SnapshotWanted
from connectors.ccxt_venue.registry import DIALECTS
from tests.connectors.tapes import entries_of

Json = Any
Book = tuple[dict[float, float], dict[float, float]]
NIGHT, DAY = 200, 2
AFTER = 80
"""How many frames are read on after a book is back in step."""

DETECTORS = {
    "binance": "number",
    "binanceus": "number",
    "bitfinex": "number of the connection",
    "bitget": "checksum, 25 levels",
    "bitstamp": None,
    "bybit": "number",
    "coinbase": "number of the connection",
    "coinbaseexchange": None,
    "cryptocom": "number",
    "gate": "number",
    "gemini": "number of the connection",
    "htx": "number",
    "kraken": "checksum, 10 levels",
    "kucoin": "number",
    "okx": "number",
}
"""What on each venue's wire gives a lost message away. None: nothing; the book is held against REST's."""


@dataclass(frozen=True)
class Piece:
    """One book's part of a frame, read by hand: (price, size) as written; `whole` replaces, `number` is its last."""

    book: str
    bids: list[tuple[Any, Any]]
    asks: list[tuple[Any, Any]]
    whole: bool = False
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Format:
    """A venue's wire: our decoder of it, and how a person reads and writes it."""

    decoder: Callable[[list[str]], Any]
    read: Callable[[Json], Iterable[Piece]]
    rest: Callable[[Piece], Json] | None = None
    """A REST snapshot, for venues whose books begin with one."""
    again: Callable[[str, Book, int], list[Json]] | None = None
    """The first frames of a new subscription that shows this book, of this number."""
    shared_number: bool = False
    """Are all frames of a connection numbered together?"""
    seen: int | None = None
    """How many of the best levels the detector looks at; None for all."""
    depth: int | None = None
    """The venue keeps so many levels and sends no removal for one that falls out."""


def rows(levels: Iterable[Any]) -> list[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in levels]


def listed(side: dict[float, float]) -> list[list[str]]:
    return [[repr(price), repr(size)] for price, size in side.items()]


def binance_read(frame: Json) -> Iterable[Piece]:
    data = frame.get("data", {}) if isinstance(frame, dict) else {}
    if isinstance(data, dict) and data.get("e") == "depthUpdate":
        yield Piece(data["s"], rows(data["b"]), rows(data["a"]), number=data["u"])


def binance_rest(piece: Piece) -> Json:
    return {"lastUpdateId": piece.number, "bids": piece.bids, "asks": piece.asks}


def kucoin_read(frame: Json) -> Iterable[Piece]:
    topic = frame.get("topic", "") if isinstance(frame, dict) else ""
    if topic.startswith("/market/level2:"):
        changes = frame["data"]["changes"]
        sides = [[(row[0], row[1]) for row in changes[name] if float(row[0])] for name in ("bids", "asks")]
        yield Piece(topic.partition(":")[2], *sides, number=int(frame["data"]["sequenceEnd"]))


def kucoin_rest(piece: Piece) -> Json:
    return {"sequence": str(piece.number), "bids": piece.bids, "asks": piece.asks}


def gate_read(frame: Json) -> Iterable[Piece]:
    if frame.get("channel") == "spot.order_book_update" and frame.get("event") == "update":
        update = frame["result"]
        yield Piece(update["s"], rows(update["b"]), rows(update["a"]), number=update["u"])


def gate_rest(piece: Piece) -> Json:
    return {"id": piece.number, "bids": piece.bids, "asks": piece.asks}


class Bitfinex:
    """Channels have names only in the frame that opened them."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}

    def __call__(self, frame: Json) -> Iterable[Piece]:
        if isinstance(frame, dict):
            if frame.get("event") == "subscribed" and frame.get("channel") == "book":
                self.names[frame["chanId"]] = frame["symbol"]
            return
        name = self.names.get(frame[0]) if isinstance(frame, list) else None
        if name is None or not isinstance(frame[1], list):
            return
        whole = not frame[1] or isinstance(frame[1][0], list)
        bids: list[tuple[Any, Any]] = []
        asks: list[tuple[Any, Any]] = []
        for price, count, amount in frame[1] if whole else [frame[1]]:
            (bids if amount > 0 else asks).append((price, abs(amount) if count else 0))
        yield Piece(name, bids, asks, whole=whole)

    def again(self, name: str, book: Book, _number: int) -> list[Json]:
        channel = next(number for number, each in self.names.items() if each == name)
        levels = [[price, 1, size] for price, size in book[0].items()]
        levels += [[price, 1, -size] for price, size in book[1].items()]
        return [{"event": "subscribed", "channel": "book", "chanId": channel, "symbol": name}, [channel, levels, 0]]


def bitget_read(frame: Json) -> Iterable[Piece]:
    arg = frame.get("arg", {}) if isinstance(frame, dict) else {}
    if arg.get("channel") == "books" and arg.get("instType") == "sp" and "data" in frame:
        data = frame["data"][0]
        yield Piece(arg["instId"], rows(data["bids"]), rows(data["asks"]), whole=frame["action"] == "snapshot")


class Written:
    """A checksum is over digits as sent: a snapshot written by hand needs those of the tape."""

    def __init__(self, read: Callable[[Json], Iterable[Piece]]) -> None:
        self.read = read
        self.texts: dict[tuple[str, float, float], list[str]] = {}

    def __call__(self, frame: Json) -> Iterable[Piece]:
        for piece in self.read(frame):
            for price, size in [*piece.bids, *piece.asks]:
                self.texts[piece.book, float(price), float(size)] = [price, size]
            yield piece

    def levels(self, book: str, side: dict[float, float], *, falling: bool) -> list[list[str]]:
        return [self.texts[book, price, side[price]] for price in sorted(side, reverse=falling)]


BITGET = Written(bitget_read)


def bitget_again(name: str, book: Book, _number: int) -> list[Json]:
    data = {
        "bids": BITGET.levels(name, book[0], falling=True),
        "asks": BITGET.levels(name, book[1], falling=False),
        "checksum": 0,
    }
    arg = {"channel": "books", "instType": "sp", "instId": name}
    return [{"arg": arg, "action": "snapshot", "data": [data]}]


def okx_read(frame: Json) -> Iterable[Piece]:
    arg = frame.get("arg", {}) if isinstance(frame, dict) else {}
    if arg.get("channel") == "books" and "data" in frame:
        data = frame["data"][0]
        whole = frame["action"] == "snapshot"
        yield Piece(arg["instId"], rows(data["bids"]), rows(data["asks"]), whole=whole, number=data.get("seqId", 0))


OKX = Written(okx_read)


def okx_again(name: str, book: Book, number: int) -> list[Json]:
    data = {
        "bids": OKX.levels(name, book[0], falling=True),
        "asks": OKX.levels(name, book[1], falling=False),
        "prevSeqId": -1,
        "seqId": number,
    }
    return [{"arg": {"channel": "books", "instId": name}, "action": "snapshot", "data": [data]}]


def kraken_read(frame: Json) -> Iterable[Piece]:
    if frame.get("channel") == "book":
        for data in frame["data"]:
            sides = [[(row["price"], row["qty"]) for row in data.get(name, ())] for name in ("bids", "asks")]
            yield Piece(data["symbol"], *sides, whole=frame["type"] == "snapshot")


def kraken_again(name: str, book: Book, _number: int) -> list[Json]:
    best = [*sorted(book[1].items())[:10], *sorted(book[0].items(), reverse=True)[:10]]
    text = "".join(f"{price:.1f}".replace(".", "") + f"{size:.8f}".replace(".", "").lstrip("0") for price, size in best)
    sides = [[{"price": price, "qty": size} for price, size in side.items()] for side in book]
    data = {"symbol": name, "bids": sides[0], "asks": sides[1], "checksum": zlib.crc32(text.encode())}
    return [{"channel": "book", "type": "snapshot", "data": [data]}]


def gemini_read(frame: Json) -> Iterable[Piece]:
    """Version 1, one market: changes with what remains."""
    changes = [each for each in frame.get("events", ()) if each["type"] == "change"]
    sides = [
        [(each["price"], each["remaining"]) for each in changes if each["side"] == side] for side in ("bid", "ask")
    ]
    if changes:
        yield Piece("BTCUSD", *sides, whole=all(each["reason"] == "initial" for each in changes))


def gemini_again(_name: str, book: Book, _number: int) -> list[Json]:
    events = [
        {"type": "change", "side": side, "price": repr(price), "remaining": repr(size), "reason": "initial"}
        for side, levels in zip(("bid", "ask"), book, strict=True)
        for price, size in levels.items()
    ]
    return [{"type": "update", "socket_sequence": 0, "events": events}]


def gemini_l2_read(frame: Json) -> Iterable[Piece]:
    if frame.get("type") == "l2_updates":
        sides = [[(row[1], row[2]) for row in frame["changes"] if row[0] == side] for side in ("buy", "sell")]
        yield Piece(frame["symbol"], *sides, whole="trades" in frame)


def gdax_read(frame: Json) -> Iterable[Piece]:
    if frame.get("type") == "snapshot":
        yield Piece(frame["product_id"], rows(frame["bids"]), rows(frame["asks"]), whole=True)
    if frame.get("type") == "l2update":
        sides = [[(row[1], row[2]) for row in frame["changes"] if row[0] == side] for side in ("buy", "sell")]
        yield Piece(frame["product_id"], *sides)


def bitstamp_read(frame: Json) -> Iterable[Piece]:
    if str(frame.get("channel")).startswith("diff_order_book_") and frame.get("event") == "data":
        data = frame["data"]
        name = frame["channel"].rpartition("_")[2]
        yield Piece(name, rows(data["bids"]), rows(data["asks"]), number=int(data["microtimestamp"]))


def bitstamp_rest(piece: Piece) -> Json:
    return {"microtimestamp": str(piece.number), "bids": piece.bids, "asks": piece.asks}


def same(names: list[str]) -> dict[str, str]:
    return {name: name for name in names}


BINANCE = Format(decoder=lambda names: BinanceBooks(same(names)), read=binance_read, rest=binance_rest)
KUCOIN = Format(decoder=lambda names: kucoin_books(same(names)), read=kucoin_read, rest=kucoin_rest)
GATE = Format(decoder=lambda names: gate_books(same(names)), read=gate_read, rest=gate_rest)


def bitfinex_form() -> Format:
    read = Bitfinex()
    return Format(decoder=lambda names: BitfinexBooks(same(names)), read=read, again=read.again, shared_number=True)


BITGET_SPOT = Format(decoder=lambda names: BitgetBooks(same(names)), read=BITGET, again=bitget_again, seen=25)
OKX_BOOKS = Format(decoder=lambda names: OkxBooks(same(names)), read=OKX, again=okx_again)


def kraken_of(depth: int) -> Format:
    digits = Digits(price=1, size=8)
    return Format(
        decoder=lambda names: KrakenBooks(dict.fromkeys(names, digits), depth),
        read=kraken_read,
        again=kraken_again,
        seen=10,
        depth=depth,
    )


GEMINI = Format(
    decoder=lambda names: GeminiBooks(same(names)), read=gemini_read, again=gemini_again, shared_number=True
)
GEMINI_L2 = Format(decoder=lambda names: GeminiBooks(same(names)), read=gemini_l2_read)
GDAX = Format(decoder=lambda names: CoinbaseexchangeBooks(same(names)), read=gdax_read)
BITSTAMP = Format(decoder=lambda names: BitstampBooks(same(names)), read=bitstamp_read, rest=bitstamp_rest)


@dataclass(frozen=True, kw_only=True)
class Tape:
    """A recording of one of the fifteen venues: read as `form`, or not ours for the reason `why_not`."""

    venue: str
    form: Format | None = None
    why_not: str = ""
    detects: bool = True
    states: int = 0


def ours(venue: str, form: Format, states: int, *, detects: bool = True) -> Tape:
    return Tape(venue=venue, form=form, detects=detects, states=states)


TAPES = {
    "binance-3mkt/binance_spot_btcusdt_20240808T235413Z": ours("binance", BINANCE, 5_000),
    "cryptofeed-wire/binance_20210417T163611Z": ours("binance", BINANCE, 500),
    "cryptofeed-wire/binance_20210814T144634Z": ours("binance", BINANCE, 500),
    "cryptofeed-wire/binance_us_20210417T163648Z": ours("binanceus", BINANCE, 500),
    "cryptofeed-wire/binance_us_20210814T144513Z": ours("binanceus", BINANCE, 300),
    "cryptofeed-wire/bitfinex_20210417T163903Z": ours("bitfinex", bitfinex_form(), 1_000),
    "cryptofeed-wire/bitget_20220407T000755Z": ours("bitget", BITGET_SPOT, 300),
    "cryptofeed-wire/bitstamp_20210417T164130Z": ours("bitstamp", BITSTAMP, 400, detects=False),
    "cryptofeed-wire/coinbase_20210417T164336Z": ours("coinbaseexchange", GDAX, 9_000, detects=False),
    "cryptofeed-wire/gateio_20210422T121211Z": ours("gate", GATE, 100),
    "cryptofeed-wire/gemini_20210417T164542Z": ours("gemini", GEMINI_L2, 900, detects=False),
    "cryptofeed-wire/kucoin_20210425T191845Z": ours("kucoin", KUCOIN, 3_000),
    "cryptofeed-wire/okx_20220513T162316Z": ours("okx", OKX_BOOKS, 290),
    "kraken-v2/kraken_v2_btcusd_d25_20260802T033550Z": ours("kraken", kraken_of(25), 2_052),
    "kraken-v2/kraken_v2_btcusd_resub_20260801T025352Z": ours("kraken", kraken_of(10), 301),
    "ccws-2018/gdax_btcusd_20180424T045132Z": ours("coinbaseexchange", GDAX, 18_000, detects=False),
    "ccws-2018/gemini_btcusd_20180424T051449Z": ours("gemini", GEMINI, 9_000),
    "binance-3mkt/binance_coinm_btcusd_perp_20240808T235416Z": Tape(venue="binance", why_not="a perpetual"),
    "binance-3mkt/binance_usdm_btcusdt_20240808T235415Z": Tape(venue="binance", why_not="a perpetual"),
    "ccws-2018/binance_btcusdt_20180606T114754Z": Tape(venue="binance", why_not="twenty levels a second, no changes"),
    "ccws-2018/bitfinex_btcusd_20180628T084224Z": Tape(venue="bitfinex", why_not="recorded without numbers"),
    "ccws-2018/gdax_btcusd_20180424T130718Z": Tape(venue="coinbaseexchange", why_not="tickers only"),
    "ccws-2018/okex_btcusdt_20180623T025441Z": Tape(venue="okx", why_not="version 1, twenty levels, no changes"),
    "cryptofeed-wire/binance_delivery_20210417T163759Z": Tape(venue="binance", why_not="futures"),
    "cryptofeed-wire/binance_futures_20210417T163727Z": Tape(venue="binance", why_not="futures"),
    "cryptofeed-wire/binance_tr_20230410T191358Z": Tape(venue="binance", why_not="another exchange"),
    "cryptofeed-wire/bybit_20210417T164305Z": Tape(venue="bybit", why_not="version 2, perpetuals"),
    "cryptofeed-wire/gateio_futures_20230524T120923Z": Tape(venue="gate", why_not="futures"),
    "cryptofeed-wire/huobi_20210417T164749Z": Tape(venue="htx", why_not="whole books of a channel we do not read"),
    "cryptofeed-wire/huobi_swap_20220219T164943Z": Tape(venue="htx", why_not="a perpetual"),
    "cryptofeed-wire/kraken_20210417T164852Z": Tape(venue="kraken", why_not="version 1 of the wire"),
    "cryptofeed-wire/kraken_futures_20210417T164821Z": Tape(venue="kraken", why_not="futures"),
    "cryptofeed-wire/okex_20210417T164955Z": Tape(venue="okx", why_not="version 3 of the wire"),
}
READ = {name: each for name, each in TAPES.items() if each.form is not None}
DETECTED = [name for name, each in READ.items() if each.detects]
BLIND = [name for name, each in READ.items() if not each.detects]
BY_DAY = ("kraken-v2/kraken_v2_btcusd_resub", "cryptofeed-wire/okx_2022", "cryptofeed-wire/gateio_2021")
LONG = [name for name in READ if not name.startswith(BY_DAY)]


class Rebuilt:
    """Books by the plainest means, from the frames alone."""

    def __init__(self, form: Format, first: dict[str, Piece]) -> None:
        self.form = form
        self.books: dict[str, Book] = {}
        self.number = dict.fromkeys(first, 0)
        for piece in first.values():
            self.set(piece, whole=True)

    def copy(self) -> "Rebuilt":
        """One that goes its own way from here."""
        other = Rebuilt(self.form, {})
        other.books = {name: (dict(bids), dict(asks)) for name, (bids, asks) in self.books.items()}
        other.number = dict(self.number)
        return other

    def take(self, frame: Json) -> list[str]:
        """Returns the books it changed."""
        changed = []
        for piece in self.form.read(frame):
            started = piece.whole or piece.book in self.books
            if started and (piece.whole or not piece.number or piece.number > self.number.get(piece.book, 0)):
                self.set(piece, whole=piece.whole)
                changed.append(piece.book)
        return changed

    def set(self, piece: Piece, *, whole: bool) -> None:
        if whole:
            self.books[piece.book] = ({}, {})
        self.number[piece.book] = piece.number
        for side, levels in zip(self.books[piece.book], (piece.bids, piece.asks), strict=True):
            for price, size in levels:
                side[float(price)] = float(size)
                if not float(size):
                    del side[float(price)]
        if self.form.depth is not None:
            bids, asks = self.books[piece.book]
            for side, kept in (
                (bids, sorted(bids, reverse=True)[: self.form.depth]),
                (asks, sorted(asks)[: self.form.depth]),
            ):
                for price in set(side) - set(kept):
                    del side[price]

    def best(self, book: str, depth: int | None) -> Book:
        bids, asks = self.books[book]
        return dict(sorted(bids.items(), reverse=True)[:depth]), dict(sorted(asks.items())[:depth])


@dataclass
class Recording:
    """A tape as both sides read it: frames of one connection, REST books by name, and the books there are."""

    form: Format
    frames: list[Json]
    first: dict[str, Piece]
    names: list[str]


def recordings(folder: Path, name: str) -> list[Recording]:
    """One per connection where frames of a connection are numbered together, else one."""
    form = READ[name].form
    assert form is not None
    entries = entries_of(folder, name)
    if name.startswith("cryptofeed-wire/okx"):
        entries = [{**entry, "frame": frame} for entry, frame in zip(entries, renumbered(entries), strict=True)]
    first = {piece.book: piece for entry in entries if entry["k"] == "http" for piece in rest_of(name, entry)}
    received = [entry for entry in entries if entry["k"] == "recv"]
    labels = {entry.get("c") for entry in received} if name.startswith("cryptofeed-wire/bitfinex") else {None}
    found = []
    for label in sorted(labels, key=str):
        frames = [entry["frame"] for entry in received if label is None or entry.get("c") == label]
        if label is not None:
            form = bitfinex_form()  # what a channel is called, each connection says for itself
        names = sorted({piece.book for frame in frames for piece in form.read(frame)})
        if names:
            found.append(Recording(form, frames, {each: first[each] for each in names if each in first}, names))
    return found


def rest_of(name: str, entry: Json) -> Iterable[Piece]:
    """The REST books of a tape."""
    url, body = str(entry.get("u", "")), entry["frame"]
    if name.startswith("binance-3mkt") and "depth" in url:
        yield Piece("BTCUSDT", rows(body["bids"]), rows(body["asks"]), number=body["lastUpdateId"])
    elif "/binance" in name and "/depth" in url:
        book = url.partition("symbol=")[2].partition("&")[0]
        yield Piece(book, rows(body["bids"]), rows(body["asks"]), number=body["lastUpdateId"])
    elif "/kucoin" in name and "level2" in url:
        data = body["data"]
        book = url.partition("symbol=")[2]
        yield Piece(book, rows(data["bids"]), rows(data["asks"]), number=int(data["sequence"]))
    elif "/gateio" in name and "order_book" in url:
        book = url.partition("currency_pair=")[2].partition("&")[0]
        yield Piece(book, rows(body["bids"]), rows(body["asks"]), number=body["id"])
    elif "/bitstamp" in name and "order_book" in url:
        book = url.rpartition("/")[2]
        yield Piece(book, rows(body["bids"]), rows(body["asks"]), number=int(body["microtimestamp"]))


def renumbered(entries: list[Json]) -> list[Json]:
    """OKX gave no numbers in 2022: as it gives them today."""
    last: dict[str, int] = {}
    told = []
    for place, entry in enumerate(entries):
        frame = entry.get("frame")
        if entry["k"] == "recv" and any(okx_read(frame)):
            name, number = frame["arg"]["instId"], 100 + 3 * place
            previous = -1 if frame["action"] == "snapshot" else last[name]
            frame = {**frame, "data": [{**frame["data"][0], "prevSeqId": previous, "seqId": number}]}
            last[name] = number
        told.append(frame)
    return told


def heard(decoder: Any, frame: Json, first: Callable[[str], Json]) -> list[Any]:
    """All signals, snapshots served at once."""
    signals = list(decoder.take(frame) or ())
    for signal in list(signals):
        if isinstance(signal, SnapshotWanted):
            signals += decoder.snapshot(signal.symbol, first(signal.symbol))
    return signals


def served(tape: Recording) -> Callable[[str], Json]:
    """The REST book as the tape has it."""
    assert tape.form.rest is not None or not tape.first
    return lambda symbol: tape.form.rest(tape.first[symbol])  # type: ignore[misc]


def sized(sides: Any) -> Book:
    bids, asks = ({price: size for price, size in side.items() if size} for side in sides)
    return bids, asks


@pytest.mark.parametrize("name", [pytest.param(each, marks=[pytest.mark.nightly] * (each in LONG)) for each in READ])
def test_a_tape_is_read_as_by_hand(recorded_data, name):
    """No exception, every checksum and number holds, and at every hundredth frame and the end the books are equal."""
    states = 0
    for tape in recordings(recorded_data, name):
        decoder, plain = tape.form.decoder(tape.names), Rebuilt(tape.form, tape.first)
        live: set[str] = set()
        for place, frame in enumerate(tape.frames):
            signals = heard(decoder, frame, served(tape))
            assert not any(isinstance(signal, BookBroken) for signal in signals), (place, signals)
            states += sum(isinstance(signal, BookWhole | BookChanged) for signal in signals)
            live |= {signal.symbol for signal in signals if isinstance(signal, BookWhole)}
            plain.take(frame)
            if place % 100 == 0 or place == len(tape.frames) - 1:
                for book in live:
                    assert sized(decoder.held(book)) == sized(plain.books[book]), (place, book)
    assert states >= TAPES[name].states


TRIALS = [
    pytest.param(name, trials, marks=[pytest.mark.nightly] * (trials == NIGHT or name in LONG))
    for name in DETECTED
    for trials in (DAY, NIGHT)
]


@pytest.mark.parametrize(("name", "trials"), TRIALS)
def test_a_removed_message_is_noticed_by_the_next_and_the_book_is_back_in_step(recorded_data, name, trials):
    """As far as the detector looks: what a checksum does not cover is not noticed by it, and must be right there."""
    tried = 0
    for tape in recordings(recorded_data, name):
        tried += dropped(tape, trials)
    assert tried >= min(trials, 40)


def dropped(tape: Recording, trials: int) -> int:
    form, draw = tape.form, Random(7)
    decoder, plain = form.decoder(tape.names), Rebuilt(form, tape.first)
    changing = changing_frames(tape)
    share = min(1.0, 3 * trials / max(len(changing), 1))
    tried = 0
    for place, frame in enumerate(tape.frames):
        later = changing.get(place)
        if later is not None and tried < trials and draw.random() < share:
            tried += one_drop(tape, copy.deepcopy(decoder), plain.copy(), place, later)
        heard(decoder, frame, served(tape))
        plain.take(frame)
    return tried


def changing_frames(tape: Recording) -> dict[int, int]:
    """Place of a frame that changes a standing book -> place of the next that does, of the book or the connection."""
    plain, last, found = Rebuilt(tape.form, tape.first), dict[str, int](), dict[int, int]()
    decoder, live = tape.form.decoder(tape.names), set[str]()
    for place, frame in enumerate(tape.frames):
        signals = heard(decoder, frame, served(tape))
        books = plain.take(frame)
        begun = any(piece.whole for piece in tape.form.read(frame))
        for book in books:
            key = "it" if tape.form.shared_number else book
            if key in last and not begun:
                found[last[key]] = place
            moved = any(isinstance(each, BookChanged) and (each.bids or each.asks) for each in signals)
            if moved and book in live and not begun:
                last[key] = place
            else:
                last.pop(key, None)
        live |= {signal.symbol for signal in signals if isinstance(signal, BookWhole)}
    return found


def one_drop(tape: Recording, robbed: Any, plain: Rebuilt, place: int, later: int) -> bool:
    """Take the frame at `place` away. False when the next one made good what was lost, as far as anybody can see."""
    form, signals = tape.form, []
    for at in range(place, later + 1):
        frame = tape.frames[at]
        plain.take(frame)
        signals = [] if at == place else list(robbed.take(frame) or ())
        if broken(signals):  # where all frames of a connection are numbered, one of another channel may tell sooner
            assert at == later or form.shared_number
            break
    (book, *_) = [piece.book for piece in form.read(tape.frames[later])]
    if not broken(signals):
        ours = sized(robbed.held(book))
        seen = form.seen
        mine = dict(sorted(ours[0].items(), reverse=True)[:seen]), dict(sorted(ours[1].items())[:seen])
        assert mine == plain.best(book, seen), "a loss that could be seen went unnoticed"
        return False
    on = at + 1
    if form.again is not None:  # the connection is dropped, and a new one begins with whole books
        robbed.forget()
        again = [
            each for name in sorted(plain.books) for each in form.again(name, plain.books[name], plain.number[name])
        ]
        again.sort(key=lambda each: isinstance(each, list))  # what is not numbered first
        if form.shared_number:
            again = [numbered_last(each, frame, len(again) - nth - 1) for nth, each in enumerate(again)]
        wholes = [signal for each in again for signal in robbed.take(each) or ()]
    else:
        wholes = []
    live = {signal.symbol for signal in wholes if isinstance(signal, BookWhole)}

    def rest(symbol: str) -> Json:
        bids, asks = (list(side.items()) for side in plain.books[symbol])
        assert form.rest is not None
        return form.rest(Piece(symbol, bids, asks, number=plain.number[symbol]))

    wanted = [signal.symbol for signal in signals if isinstance(signal, SnapshotWanted)]
    for symbol in wanted:
        live |= {each.symbol for each in robbed.snapshot(symbol, rest(symbol)) if isinstance(each, BookWhole)}
    for frame in tape.frames[on : on + AFTER]:
        plain.take(frame)
        later_signals = heard(robbed, frame, rest)
        assert not broken(later_signals), later_signals
        live |= {signal.symbol for signal in later_signals if isinstance(signal, BookWhole)}
    if book in live:
        assert sized(robbed.held(book)) == sized(plain.books[book])
    assert book in live or not any(
        piece.book == book for frame in tape.frames[on : on + AFTER] for piece in form.read(frame)
    )
    return True


def numbered_last(frame: Json, last: Json, before: int) -> Json:
    """Frames of a connection are numbered: these end where the tape goes on."""
    if isinstance(frame, list):
        return [*frame[:-1], last[-1] - before]
    if "socket_sequence" in frame:
        return {**frame, "socket_sequence": last["socket_sequence"] - before}
    return frame


def broken(signals: Iterable[Any]) -> bool:
    return any(isinstance(signal, BookBroken) for signal in signals)


@pytest.mark.parametrize("name", [pytest.param(each, marks=[pytest.mark.nightly] * (each in LONG)) for each in BLIND])
def test_nothing_on_these_wires_gives_a_lost_message_away(recorded_data, name):
    """Said plainly: a removed message of these is noticed by no later one. REST has to (`test_guards`)."""
    for tape in recordings(recorded_data, name):
        changing = changing_frames(tape)
        lost = sorted(changing)[len(changing) // 2]
        decoder = tape.form.decoder(tape.names)
        for place, frame in enumerate(tape.frames[: changing[lost] + 1]):
            if place != lost:
                assert not broken(heard(decoder, frame, served(tape)))


def test_every_tape_of_our_venues_is_in_the_table(recorded_data):
    """By the name it begins with. Those we do not read say why, and every venue says what detects a loss."""
    begins = ("binance", "bitfinex", "bitget", "bitstamp", "bybit", "coinbase", "gdax", "cryptocom", "gateio", "gemini")
    begins += ("huobi", "htx", "kraken", "kucoin", "okex", "okx")
    there = {
        f"{path.parent.name}/{path.name.removesuffix('.jsonl.gz')}"
        for path in recorded_data.glob("*/*.jsonl.gz")
        if path.name.startswith(begins) and path.parent.name != "rest-payloads"
    }
    assert there <= set(TAPES)
    assert all(each.why_not for name, each in TAPES.items() if name not in READ)
    assert set(DETECTORS) == set(DIALECTS)
    for name in BLIND:
        assert DETECTORS[TAPES[name].venue] is None or name == "cryptofeed-wire/gemini_20210417T164542Z"
