"""A day recorded with `sor record`, played into the lab: each venue of the lab gets the tape of its own name.

What was recorded is decoded as it was when it was traded on: by the venue's own decoder, from the raw frames and the
REST books beside them. Levels are brought to the lab's ticks like those of the other tapes: bids down, asks up, sizes
down. A connection that broke leaves the book as it was until the venue had sent a new one. All tapes start together, at
the moment the last of them has a book, and none is looped.
"""

import hashlib
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from connectors.ccxt_venue import mapping
from connectors.ccxt_venue.decoders import BookChanged, BookWhole, Signal, SnapshotWanted, levels
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.registry import dialect_of
from connectors.ccxt_venue.trades.decoding import Print
from connectors.lab.core import Exchange
from connectors.lab.flow import HiddenValues, VenueFlow
from connectors.lab.tapes import FX_VALUES, MONEY, Rescaler, TapeBroken, TapeRole
from connectors.tape import answer_of, frame_of, read_manifest, rows
from router.model.errors import BadInput
from router.model.ids import VenueId, account_id
from router.model.money import ONE
from router.model.side import Side

Json = Any
T = TypeVar("T")
_MID = Decimal(61_700)


class RecordedPlayer:
    """One venue's tape, played into its books."""

    def __init__(self, venue: str, protocol: str, paths: Sequence[Path], exchange: Exchange) -> None:
        self._exchange = exchange
        self._dialect = dialect_of(protocol)
        self._rows = rows(paths)
        meta = next(self._rows, None)
        if meta is None or meta.get("k") != "meta":
            raise TapeBroken(f"the tape of {venue} has no beginning")
        markets: Mapping[str, Json] = {
            symbol: market for symbol, market in meta["markets"].items() if symbol in exchange.symbols
        }
        self.symbols = tuple(markets)
        self._desk = Desk(account=account_id(VenueId(venue), "main"), names=mapping.names_of(markets.values()))
        self._books = self._dialect.book_decoder(markets)
        self._trades = self._dialect.trade_decoder(markets)
        self._wanted: set[str] = set()
        self._urls: set[str] = set()
        self._told: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
        self._scaled = {symbol: Rescaler(_role(venue, symbol), exchange.symbols[symbol]) for symbol in markets}
        self._next: dict[str, Json] | None = next(self._rows, None)
        self.begins_ns = self._first_book()

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self._next is None

    def play_until(self, tape_ns: int, now_ns: int) -> None:
        """Everything recorded up to `tape_ns`."""
        while self._next is not None and self._next["ts_ns"] <= tape_ns:
            self._play(self._next, now_ns)
            self._turn()

    def _turn(self) -> None:
        """On to the next row; the `meta` a further file begins with says nothing new."""
        self._next = next((row for row in self._rows if row["k"] != "meta"), None)

    def _first_book(self) -> int:
        while self._next is not None and not self._told:
            self._play(self._next, 0)
            at_ns = int(self._next["ts_ns"])
            self._turn()
            if self._told:
                return at_ns
        raise TapeBroken("the tape shows no book of a symbol this lab has")

    def _play(self, row: Mapping[str, Json], now_ns: int) -> None:
        books = row["c"] == "books"
        match row["k"]:
            case "conn" if books:
                self._connected(str(row["u"]))
            case "recv" if books:
                for signal in self._books.take(frame_of(row)) or ():
                    self._heed(signal, now_ns)
            case "recv" if row["c"] == "trades":
                for told in self._trades.take(frame_of(row)) or ():
                    if isinstance(told, Print) and told.symbol in self._scaled and told.size > 0 and not told.past:
                        self._print(told, now_ns)
            case "http" if row["w"] == "book":
                bids, asks = _at_once(self._dialect.book(_answering(row), self._desk, row["s"]))
                self._heed(BookWhole(row["s"], dict(levels(bids)), dict(levels(asks))), now_ns)
            case "http" if row["s"] in self._wanted:
                self._wanted.discard(row["s"])
                body = _at_once(self._dialect.depth(_answering(row), self._desk, row["s"]))
                for signal in self._books.snapshot(row["s"], body):
                    self._heed(signal, now_ns)

    def _connected(self, url: str) -> None:
        """A second connection to one place means that the first, and all that came over it, is gone."""
        if url in self._urls:
            self._books.forget()
            self._wanted.clear()
            self._urls.clear()
        self._urls.add(url)

    def _heed(self, signal: Signal, now_ns: int) -> None:
        match signal:
            case BookWhole(symbol, bids, asks) if symbol in self._scaled:
                before = self._told.get(symbol, ({}, {}))
                self._told[symbol] = (dict(bids), dict(asks))
                gone_bids, gone_asks = (
                    [(price, 0.0) for price in old if price not in new]
                    for old, new in zip(before, (bids, asks), strict=True)
                )
                self._set(symbol, [*gone_bids, *bids.items()], [*gone_asks, *asks.items()], now_ns)
            case BookChanged(symbol, bids, asks) if symbol in self._told:
                for side, changed in zip(self._told[symbol], (bids, asks), strict=True):
                    side.update(changed)
                self._set(symbol, bids, asks, now_ns)
            case SnapshotWanted(symbol):
                self._wanted.add(symbol)

    def _set(
        self, symbol: str, bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]], now_ns: int
    ) -> None:
        scaled = self._scaled[symbol]
        down, up = (
            scaled.apply(side, [[repr(price), repr(size)] for price, size in changed])
            for side, changed in ((Side.BUY, bids), (Side.SELL, asks))
        )
        self._exchange.set_outside(symbol, list(down.items()), list(up.items()), now_ns)

    def _print(self, told: Print, now_ns: int) -> None:
        taker = told.taker or Side.BUY
        scaled = self._scaled[told.symbol]
        size = scaled.size(str(told.price), str(told.size))
        if size > 0:
            price = scaled.price(Side.SELL if taker is Side.BUY else Side.BUY, str(told.price))
            self._exchange.print_outside(told.symbol, taker, price, size, now_ns)


class RecordedSource:
    """A venue's outside liquidity from its tape; money books that were not recorded are drawn around 1 meanwhile."""

    def __init__(self, *, player: RecordedPlayer, exchange: Exchange, start_ns: int, speed: float, seed: int) -> None:
        self._player = player
        self._start_ns = start_ns
        self._speed = speed
        drawn = [
            name
            for name, rules in exchange.symbols.items()
            if {rules.base, rules.quote} <= MONEY and name not in player.symbols
        ]
        self._money = VenueFlow(exchange=exchange, values=HiddenValues(seed, _MID, FX_VALUES), seed=seed, symbols=drawn)

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self._player.ended

    def step(self, elapsed_ns: int, now_ns: int) -> None:
        """Play on; after the tape's end nothing, on any book."""
        if self._player.ended:
            return
        self._player.play_until(self._start_ns + int(elapsed_ns * self._speed), now_ns)
        self._money.step(elapsed_ns, now_ns)


def recorded_sources(
    folder: Path, exchanges: Mapping[str, Exchange], *, speed: float = 1.0, seed: int = 0
) -> dict[str, RecordedSource]:
    """A source for every venue of the lab that was recorded under its name. Raises `BadInput` when none was."""
    manifest = read_manifest(folder) or {}
    players = dict(_players(folder, manifest.get("venues", {}), exchanges))
    if not players:
        raise BadInput("tapes", f"{folder} holds none of {', '.join(exchanges)}")
    start_ns = max(player.begins_ns for player in players.values())
    return {
        venue: RecordedSource(player=player, exchange=exchanges[venue], start_ns=start_ns, speed=speed, seed=seed)
        for venue, player in players.items()
    }


def _players(
    folder: Path, recorded: Mapping[str, Json], exchanges: Mapping[str, Exchange]
) -> Iterator[tuple[str, RecordedPlayer]]:
    for venue, told in recorded.items():
        paths = _files(folder, venue, told)
        if venue in exchanges and paths:
            yield venue, RecordedPlayer(venue, told["protocol"], paths, exchanges[venue])


def _files(folder: Path, venue: str, told: Mapping[str, Json]) -> Sequence[Path]:
    """As the manifest names them, hashes checked; a recorder that was killed left a manifest that names none."""
    if not told["files"]:
        return sorted(folder.glob(f"{venue}_????????T??????Z_???.jsonl.gz"))
    for file in told["files"]:
        path = folder / file["name"]
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
            raise BadInput("tapes", f"{path} is not what was recorded: its hash is another")
    return [folder / file["name"] for file in told["files"]]


def _role(venue: str, symbol: str) -> TapeRole:
    """As it was: no factor, no contracts."""
    return TapeRole(venue=venue, symbol=symbol, pattern="", factor=ONE, inverse=False, futures=False)


def _answering(row: Mapping[str, Json]) -> Any:  # noqa: ANN401 - an `Ask`
    """A venue that answers whatever it is asked with this row."""

    async def ask(_endpoint: str, _params: Mapping[str, object]) -> Json:
        return answer_of(row)

    return ask


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing but recorded answers."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise TapeBroken("a recorded book needs more than its one answer")
