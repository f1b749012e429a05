"""Recorded markets as outside liquidity: three Binance engines, BTC, 2024-08-08 23:54 to 2024-08-09 00:05 UTC.

Which tape plays which venue, and how its numbers are made comparable:

    tape                         plays      book       price factor   sizes
    spot   BTCUSDT               binance    BTC/USDT   1              BTC
    USD-M  BTCUSDT perpetual     kraken     BTC/USD    1.000363       BTC
    COIN-M BTCUSD_PERP           coinbase   BTC/USD    1.000277       contracts of 100 USD -> 100 / price BTC

The factors are the constant bases given with the recordings: perpetuals are other instruments than spot, and only so
scaled are the three one market. After scaling, bids are rounded down and asks up to the protocol's tick, so that no
book is better than it was; levels that fall on one tick are merged; sizes are rounded down to the protocol's step.
USD, USDT and USDC are worth the same in these recordings, so the books between them are drawn by the order flow
around 1 while the venue's tape runs; other books of the venue stay empty.

Each tape is one REST snapshot and a stream of numbered changes, joined by the venue's own rule; a gap is an error of
the recording and raises `TapeBroken`. All tapes start together, at the moment the last of them has a book. A tape that
ends leaves its venue as it is, connected and silent: it is never looped.
"""

import gzip
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from connectors.lab.core import Exchange, SymbolRules
from connectors.lab.flow import HiddenValues, VenueFlow
from connectors.tape import read_manifest
from router.model import rounding
from router.model.money import ONE, ZERO, ratio
from router.model.side import Side

_CONTRACT_USD = Decimal(100)
FX_VALUES = MappingProxyType({"USD": ONE, "USDT": ONE, "USDC": ONE, "ETH": ONE})
MONEY = frozenset({"USD", "USDT", "USDC"})


class TapeBroken(Exception):
    """The recording does not obey its venue's synchronisation rule."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TapeRole:
    """How one recording plays a venue. `inverse`: sizes are contracts of 100 USD; `futures`: changes carry `pu`."""

    venue: str
    symbol: str
    pattern: str
    factor: Decimal
    inverse: bool
    futures: bool


ROLES: tuple[TapeRole, ...] = (
    TapeRole(
        venue="binance",
        symbol="BTC/USDT",
        pattern="binance_spot_btcusdt_*.jsonl.gz",
        factor=ONE,
        inverse=False,
        futures=False,
    ),
    TapeRole(
        venue="kraken",
        symbol="BTC/USD",
        pattern="binance_usdm_btcusdt_*.jsonl.gz",
        factor=Decimal("1.000363"),
        inverse=False,
        futures=True,
    ),
    TapeRole(
        venue="coinbase",
        symbol="BTC/USD",
        pattern="binance_coinm_btcusd_perp_*.jsonl.gz",
        factor=Decimal("1.000277"),
        inverse=True,
        futures=True,
    ),
)


def find_tapes(given: str | None = None) -> Path | None:
    """The folder of the recordings: as given, else `SOR_DATA_DIR`, else `../shared/data`; None when there is none."""
    roots = [given] if given else [os.environ.get("SOR_DATA_DIR"), "../shared/data"]
    for root in roots:
        if root is None:
            continue
        if given and read_manifest(Path(root)) is not None:
            return Path(root)  # a day recorded with `sor record`
        for folder in (Path(root), Path(root) / "binance-3mkt"):
            if all(any(folder.glob(role.pattern)) for role in ROLES):
                return folder
    return None


class Rescaler:
    """Changes of one recorded book in a venue's prices, sizes and ticks."""

    def __init__(self, role: TapeRole, symbol: SymbolRules) -> None:
        self._role = role
        self._symbol = symbol
        self._source: dict[tuple[Side, str], tuple[Decimal, Decimal]] = {}
        self._merged: dict[tuple[Side, Decimal], Decimal] = {}

    def price(self, side: Side, text: str) -> Decimal:
        """A recorded price, scaled and rounded away from the other side."""
        scaled = Decimal(text) * self._role.factor
        direction = rounding.down if side is Side.BUY else rounding.up
        return direction(scaled, self._symbol.tick)

    def size(self, price_text: str, size_text: str) -> Decimal:
        """A recorded size in base, rounded down to the step."""
        size = Decimal(size_text)
        if self._role.inverse:
            size = ratio(size * _CONTRACT_USD, Decimal(price_text))
        return rounding.down(size, self._symbol.step)

    def apply(self, side: Side, levels: list[list[str]]) -> dict[Decimal, Decimal]:
        """The venue's levels that change when these recorded ones do: whole sizes, 0 where a level is gone."""
        changed: dict[Decimal, Decimal] = {}
        for price_text, size_text, *_ in levels:
            size = self.size(price_text, size_text)
            price, before = self._source.pop((side, price_text), (None, ZERO))
            if price is None:
                price = self.price(side, price_text)
            if size > 0:
                self._source[side, price_text] = (price, size)
            merged = self._merged.get((side, price), ZERO) - before + size
            if merged > 0:
                self._merged[side, price] = merged
            else:
                self._merged.pop((side, price), None)
            changed[price] = merged
        return changed


@dataclass(frozen=True, kw_only=True, slots=True)
class Beat:
    """One moment of a tape: changes of the book, or a trade."""

    ts_ns: int
    bids: list[list[str]]
    asks: list[list[str]]
    trade: tuple[str, str, bool] | None = None
    """Price, size, and whether the buyer was the maker."""


class Joiner:
    """The venue's rule for joining a snapshot and numbered changes."""

    def __init__(self, snapshot_id: int, *, futures: bool) -> None:
        self._last = snapshot_id
        self._futures = futures
        self._begun = False

    def takes(self, change: Mapping[str, object]) -> bool:
        """Whether a change is news to the snapshot. Raises `TapeBroken` at a gap."""
        first, final = _number(change, "U"), _number(change, "u")
        if not self._begun and (final < self._last or (final == self._last and not self._futures)):
            return False
        follows = _number(change, "pu") == self._last if self._futures else first == self._last + 1
        bridges = first <= self._last + (0 if self._futures else 1) and not self._begun
        if not follows and not bridges:
            raise TapeBroken(f"change {first}..{final} does not follow {self._last}")
        self._last = final
        self._begun = True
        return True


def beats(path: Path, *, futures: bool) -> Iterator[Beat]:
    """The tape from its snapshot on: first the whole book, then every change and trade in recorded order."""
    early: list[Mapping[str, object]] = []
    joiner: Joiner | None = None
    for ts_ns, kind, data in _rows(path):
        if kind == "http":
            joiner = Joiner(_number(data, "lastUpdateId"), futures=futures)
            yield Beat(ts_ns=ts_ns, bids=_levels(data, "bids"), asks=_levels(data, "asks"))
            yield from (_change(change, ts_ns) for change in early if joiner.takes(change))
        elif joiner is None:
            early += [data] if data["e"] == "depthUpdate" else []
        elif data["e"] == "trade":
            if Decimal(str(data["q"])) > 0:
                trade = (str(data["p"]), str(data["q"]), bool(data["m"]))
                yield Beat(ts_ns=ts_ns, bids=[], asks=[], trade=trade)
        elif joiner.takes(data):
            yield _change(data, ts_ns)


class TapePlayer:
    """One recording, played into one book."""

    def __init__(self, role: TapeRole, path: Path, exchange: Exchange) -> None:
        self._role = role
        self._exchange = exchange
        self._rescaler = Rescaler(role, exchange.symbols[role.symbol])
        self._beats = beats(path, futures=role.futures)
        self._next: Beat | None = next(self._beats, None)
        if self._next is None:
            raise TapeBroken(f"{path.name} has no snapshot")
        self.begins_ns = self._next.ts_ns

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self._next is None

    def play_until(self, tape_ns: int, now_ns: int) -> None:
        """Everything recorded up to `tape_ns`."""
        while self._next is not None and self._next.ts_ns <= tape_ns:
            self._play(self._next, now_ns)
            self._next = next(self._beats, None)

    def _play(self, beat: Beat, now_ns: int) -> None:
        symbol = self._role.symbol
        if beat.trade is not None:
            price_text, size_text, buyer_made = beat.trade
            taker = Side.SELL if buyer_made else Side.BUY
            size = self._rescaler.size(price_text, size_text)
            if size > 0:
                price = self._rescaler.price(Side.SELL if taker is Side.BUY else Side.BUY, price_text)
                self._exchange.print_outside(symbol, taker, price, size, now_ns)
            return
        bids = self._rescaler.apply(Side.BUY, beat.bids)
        asks = self._rescaler.apply(Side.SELL, beat.asks)
        self._exchange.set_outside(symbol, list(bids.items()), list(asks.items()), now_ns)


class TapeSource:
    """A venue's outside liquidity from its tape, and the money books around 1 while that runs."""

    def __init__(self, *, player: TapePlayer, exchange: Exchange, start_ns: int, speed: float, seed: int) -> None:
        self._player = player
        self._start_ns = start_ns
        self._speed = speed
        money = [name for name, rules in exchange.symbols.items() if {rules.base, rules.quote} <= MONEY]
        values = HiddenValues(seed, Decimal(61_800), FX_VALUES)
        self._money = VenueFlow(exchange=exchange, values=values, seed=seed, symbols=money)

    def step(self, elapsed_ns: int, now_ns: int) -> None:
        """Play on; after the tape's end nothing, on any book."""
        if self._player.ended:
            return
        self._player.play_until(self._start_ns + int(elapsed_ns * self._speed), now_ns)
        self._money.step(elapsed_ns, now_ns)


def tape_sources(
    folder: Path, exchanges: Mapping[str, Exchange], *, speed: float = 1.0, seed: int = 0
) -> dict[str, TapeSource]:
    """A source for every venue that has a role, by venue. All start when the last of the tapes has its book."""
    players = {
        role.venue: TapePlayer(role, next(iter(sorted(folder.glob(role.pattern)))), exchanges[role.venue])
        for role in ROLES
        if role.venue in exchanges
    }
    start_ns = max((player.begins_ns for player in players.values()), default=0)
    return {
        venue: TapeSource(player=player, exchange=exchanges[venue], start_ns=start_ns, speed=speed, seed=seed)
        for venue, player in players.items()
    }


def _rows(path: Path) -> Iterator[tuple[int, str, Mapping[str, object]]]:
    """Time, kind and payload of what matters in a tape: the snapshot, book changes, trades."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if "@bookTicker" in line:
                continue
            row = json.loads(line)
            if row["k"] == "http":
                yield row["ts_ns"], "http", json.loads(row["d"])
            elif row["k"] == "recv":
                yield row["ts_ns"], "recv", json.loads(row["d"])["data"]


def _change(data: Mapping[str, object], ts_ns: int) -> Beat:
    return Beat(ts_ns=ts_ns, bids=_levels(data, "b"), asks=_levels(data, "a"))


def _levels(data: Mapping[str, object], field: str) -> list[list[str]]:
    levels = data[field]
    assert isinstance(levels, list)
    return levels


def _number(data: Mapping[str, object], field: str) -> int:
    value = data[field]
    assert isinstance(value, int)
    return value
