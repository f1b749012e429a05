"""Recorded feeds through decoders and feed: every print counted once, to the last digit of a reading by hand."""

import base64
import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import count, islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.ccxt_venue.trades.binance import binance_trades
from connectors.ccxt_venue.trades.bitfinex import BitfinexTrades
from connectors.ccxt_venue.trades.bitget import bitget_trades
from connectors.ccxt_venue.trades.bitstamp import bitstamp_trades
from connectors.ccxt_venue.trades.coinbaseexchange import coinbaseexchange_trades
from connectors.ccxt_venue.trades.decoding import TradeDecoder
from connectors.ccxt_venue.trades.feed import TradeFeed
from connectors.ccxt_venue.trades.gate import gate_trades
from connectors.ccxt_venue.trades.gemini import GeminiTrades
from connectors.ccxt_venue.trades.htx import htx_trades
from connectors.ccxt_venue.trades.kucoin import kucoin_trades
from connectors.ccxt_venue.trades.okx import okx_trades
from router.book.trade_count import TradeCount
from router.model.ids import ListingId, Nanos
from router.model.public_trades import PublicTrade, TradeCounters
from router.model.stream_notes import Channel
from tests.connectors.rig import Notes, odd_frames

Json = Any
Told = Iterator[tuple[str, object, Json, Json, bool]]
"""Market, id, price, size, did the buyer take: read by hand from one frame whose numbers are decimals."""

LINES = [4_000, pytest.param(None, marks=pytest.mark.nightly)]


class Counting:
    """A sink that counts, as the router does; how often prints were missed."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, TradeCount] = defaultdict(TradeCount)
        self.losses = 0

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        self.counts[listing].start(received_ns)

    def public_trade(self, trade: PublicTrade) -> None:
        self.counts[trade.listing].add(trade)

    def trades_lost(self, listing: ListingId, why: str) -> None:
        self.losses += 1


class Ticking:
    """A clock."""

    def __init__(self) -> None:
        self._ticks = count(1)

    def now(self) -> Nanos:
        return Nanos(next(self._ticks))


def lines_of(path: Path, most: int | None = None) -> Iterator[str]:
    """What the venue sent, as text."""
    if not path.exists():
        pytest.skip(f"no recorded tape {path.name}")
    with gzip.open(path, "rt") as lines:
        for line in islice(lines, most):
            entry = json.loads(line)
            if entry["k"] != "recv":
                continue
            if "d" in entry:
                yield entry["d"]
            else:
                raw = base64.b64decode(entry["b64"])
                yield zlib.decompress(raw, 31 if raw[:2] == b"\x1f\x8b" else -15).decode()


def frames_of(texts: Iterable[str], **options: Any) -> Iterator[Json]:
    for text in texts:
        try:
            yield json.loads(text, **options)
        except ValueError:
            continue


def counted(decoder: TradeDecoder, markets: Iterable[str], frames: Iterable[Json]) -> tuple[Counting, int]:
    """Through the feed itself, with nobody at the other end. Also how many frames there were."""
    sink, number = Counting(), 0
    feed = TradeFeed(
        exchange=SimpleNamespace(),
        decoder=decoder,
        watch=lambda: None,  # type: ignore[arg-type,return-value]
        listings={market: ListingId(market) for market in markets},
        odd=odd_frames(Notes(), Channel.TRADES),
        sink=sink,  # type: ignore[arg-type]
        clock=Ticking(),
        polled=lambda _symbol: None,  # type: ignore[arg-type,return-value]
        page_rows=1,
        poll_ms=1_000,
    )
    for frame in frames:
        number += 1
        feed.frame(object(), frame)  # type: ignore[arg-type]
    return sink, number


def by_hand(read: Callable[[Json], Told], texts: Iterable[str]) -> dict[str, tuple[int, Decimal, Decimal, Decimal]]:
    """Prints, base, notional and what takers bought per market, each id once."""
    seen: set[tuple[str, object]] = set()
    sums: dict[str, tuple[int, Decimal, Decimal, Decimal]] = {}
    for frame in frames_of(texts, parse_float=Decimal):
        for market, number, price, size, bought in read(frame):
            if number is not None and (market, number) in seen:
                continue
            seen.add((market, number))
            many, base, notional, taken = sums.get(market, (0, Decimal(0), Decimal(0), Decimal(0)))
            amount = Decimal(size)
            value = notional + Decimal(price) * amount
            sums[market] = (many + 1, base + amount, value, taken + (amount if bought else 0))
    return sums


def figures(told: TradeCounters | None) -> tuple[int, Decimal, Decimal, Decimal]:
    assert told is not None
    return told.prints, told.quantity, told.notional, told.bought


def binance(frame: Json) -> Told:
    told = frame.get("data", frame)
    if told.get("e") == "trade" and Decimal(told["q"]):
        yield told["s"], told["t"], told["p"], told["q"], not told["m"]


def bitget(frame: Json) -> Told:
    arg = frame.get("arg", {}) if isinstance(frame, dict) else {}
    if arg.get("channel") == "trade" and arg["instType"] == "sp" and frame.get("action") == "update":
        for _, price, size, side in frame["data"]:
            yield arg["instId"], None, price, size, side == "buy"


def bitstamp(frame: Json) -> Told:
    if frame["event"] == "trade":
        told = frame["data"]
        market = frame["channel"].rpartition("_")[2]
        yield market, told["id"], told["price_str"], told["amount_str"], told["type"] == 0


def coinbaseexchange(frame: Json) -> Told:
    if frame["type"] == "match":
        yield frame["product_id"], frame["trade_id"], frame["price"], frame["size"], frame["side"] == "sell"


def gate(frame: Json) -> Told:
    if frame["channel"] == "spot.trades" and frame["event"] == "update":
        told = frame["result"]
        yield told["currency_pair"], told["id"], told["price"], told["amount"], told["side"] == "buy"


def gemini(frame: Json) -> Told:
    if frame["type"] == "trade":
        yield frame["symbol"], frame["event_id"], frame["price"], frame["quantity"], frame["side"] == "buy"


def gemini_multi(frame: Json) -> Told:
    for told in frame.get("events", ()):
        if told["type"] == "trade":
            yield "BTCUSD", told["tid"], told["price"], told["amount"], told["makerSide"] == "ask"


def htx(frame: Json) -> Told:
    if str(frame.get("ch")).endswith(".trade.detail"):
        for told in frame["tick"]["data"]:
            yield frame["ch"].split(".")[1], told["tradeId"], told["price"], told["amount"], told["direction"] == "buy"


def kucoin(frame: Json) -> Told:
    if frame.get("subject") == "trade.l3match":
        told = frame["data"]
        yield told["symbol"], told["tradeId"], told["price"], told["size"], told["side"] == "buy"


def okx(frame: Json) -> Told:
    if frame.get("arg", {}).get("channel") == "trades":
        for told in frame.get("data", ()):
            yield told["instId"], told["tradeId"], told["px"], told["sz"], told["side"] == "buy"


def bitfinex(frame: Json) -> Told:
    if isinstance(frame, list) and frame[1] == "te":
        number, _, amount, price = frame[2]
        yield "tBTCUSD", number, price, abs(amount), amount > 0


WIRE: list[tuple[str, Callable[[Json], Told], Callable[[dict[str, str]], TradeDecoder], int]] = [
    ("bitget_20220407T000755Z", bitget, bitget_trades, 30),
    ("bitstamp_20210417T164130Z", bitstamp, bitstamp_trades, 16),
    ("coinbase_20210417T164336Z", coinbaseexchange, coinbaseexchange_trades, 97),
    ("gateio_20210422T121211Z", gate, gate_trades, 9),
    ("gemini_20210417T164542Z", gemini, GeminiTrades, 51),
    ("huobi_20210417T164749Z", htx, htx_trades, 73),
    ("kucoin_20210425T191845Z", kucoin, kucoin_trades, 18),
    ("okx_20220513T162316Z", okx, okx_trades, 74),
]


@pytest.mark.parametrize(("name", "read", "decoder", "prints"), WIRE, ids=[row[0].partition("_")[0] for row in WIRE])
def test_every_recorded_print_is_counted_once(recorded_data: Path, name: str, read: Any, decoder: Any, prints: int):
    """History told at subscription is none of it."""
    texts = list(lines_of(recorded_data / "cryptofeed-wire" / f"{name}.jsonl.gz"))
    expected = by_hand(read, texts)
    markets = {market: market for market in expected}

    sink, _ = counted(decoder(markets), markets, frames_of(texts))

    assert {market: figures(found.counters) for market, found in sink.counts.items()} == expected
    assert sum(many for many, *_ in expected.values()) == prints
    assert sink.losses == 0


@pytest.mark.parametrize("most", LINES)
@pytest.mark.parametrize("market", ["binance_spot_btcusdt", "binance_usdm_btcusdt", "binance_coinm_btcusd_perp"])
def test_binance_numbers_every_trade(recorded_data: Path, market: str, most: int | None):
    """Minutes of three matching engines: no number is left out, and none of the volume."""
    path = next((recorded_data / "binance-3mkt").glob(f"{market}_*"), Path(market))
    texts = [text for text in lines_of(path, most) if "@trade" in text]
    expected = by_hand(binance, texts)
    markets = {name: name for name in expected}

    sink, _ = counted(binance_trades(markets), markets, frames_of(texts))

    assert {name: figures(found.counters) for name, found in sink.counts.items()} == expected
    assert sink.losses == 0


@pytest.mark.nightly
def test_an_hour_of_binance_in_2018(recorded_data: Path):
    path = next((recorded_data / "ccws-2018").glob("binance_*"), Path("binance"))
    texts = [text for text in lines_of(path) if '"e":"trade"' in text]
    expected = by_hand(binance, texts)
    sink, _ = counted(binance_trades({"BTCUSDT": "BTCUSDT"}), ["BTCUSDT"], frames_of(texts))
    many, *_ = expected["BTCUSDT"]
    assert many > 20_000
    assert sink.losses == 0
    assert figures(sink.counts["BTCUSDT"].counters) == expected["BTCUSDT"]


@pytest.mark.parametrize("most", LINES)
def test_bitfinex_tells_each_trade_twice_and_it_counts_once(recorded_data: Path, most: int | None):
    """`te` and `tu` of 2018, numbered as SEQ_ALL does it; the recording's channel 1 is the trades'."""
    path = next((recorded_data / "ccws-2018").glob("bitfinex_*"), Path("bitfinex"))
    texts = list(lines_of(path, most))
    expected = by_hand(bitfinex, texts)
    frames = [frame for frame in frames_of(texts) if isinstance(frame, list) and frame[0] == 1]
    subscribed = {"event": "subscribed", "channel": "trades", "chanId": 1, "symbol": "tBTCUSD"}
    numbered = [subscribed, *([*frame, number] for number, frame in enumerate(frames))]

    sink, _ = counted(BitfinexTrades({"tBTCUSD": "tBTCUSD"}), ["tBTCUSD"], numbered)

    assert figures(sink.counts["tBTCUSD"].counters) == expected["tBTCUSD"]


@pytest.mark.parametrize("most", LINES)
def test_gemini_counts_frames_so_a_lost_one_is_missed(recorded_data: Path, most: int | None):
    """The socket of 2018 as it was, and with one frame taken away."""
    path = next((recorded_data / "ccws-2018").glob("gemini_*"), Path("gemini"))
    texts = list(lines_of(path, most))
    expected = by_hand(gemini_multi, texts)
    frames = list(frames_of(texts))
    whole, _ = counted(GeminiTrades({"BTCUSD": "BTCUSD"}), ["BTCUSD"], frames)
    robbed, _ = counted(GeminiTrades({"BTCUSD": "BTCUSD"}), ["BTCUSD"], frames[:1_000] + frames[1_001:])

    assert figures(whole.counts["BTCUSD"].counters) == expected["BTCUSD"]
    assert (whole.losses, robbed.losses) == (0, 1)
