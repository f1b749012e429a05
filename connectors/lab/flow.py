"""A seeded order flow: books of several venues around one hidden price, alive and never crossed at one venue.

The hidden USD value of every asset is a walk drawn from the seed, the same for all venues; each book adds its own
slow noise of a fraction of a basis point, so that venues differ as real ones do and cross each other by a little at
times. A book is a list of levels whose sizes are now and then redrawn, more often near the touch: what somebody took
stays away until then. Every book draws from its own generator: what one venue does never depends on another.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connectors.lab.core import Exchange, SymbolRules
from router.model import rounding
from router.model.side import Side

_STEP_NS = 100_000_000
_LEVELS = 80
_REDRAWN_PER_STEP = 6
_TRADES_PER_STEP = 0.15
_STABLE = frozenset({"USD", "USDT", "USDC"})
_CENTS = Decimal("0.01")
_VALUES: Mapping[str, Decimal] = {
    "USD": Decimal(1),
    "USDT": Decimal("0.99951"),
    "USDC": Decimal("0.99993"),
    "ETH": Decimal(2_650),
}


class HiddenValues:
    """USD values of all assets, by step. BTC walks, with a pull back to where it began; the others stand still."""

    def __init__(self, seed: int, btc: Decimal, values: Mapping[str, Decimal] | None = None) -> None:
        self._draws = random.Random(f"{seed}:mid")
        self._values = dict(_VALUES if values is None else values)
        self._start = float(btc)
        self._path = [float(btc)]

    def at(self, asset: str, step: int) -> float:
        """USD per unit of `asset`. Raises `KeyError` for an asset the flow knows nothing of."""
        if asset != "BTC":
            return float(self._values[asset])
        while len(self._path) <= step:
            last = self._path[-1]
            self._path.append(last + self._draws.gauss(0.0, last * 0.000012) + (self._start - last) * 0.0005)
        return self._path[step]


@dataclass(frozen=True, kw_only=True, slots=True)
class BookShape:
    """How a book looks. Sizes in base; `spread_bps` full width, `gap_bps` mean distance between levels."""

    spread_bps: float
    gap_bps: float
    size_touch: float
    size_deep: float
    noise_bps: float


def shape_of(symbol: SymbolRules, depth: float) -> BookShape:
    """A usual shape: thick and flat where money is changed for money, thinner elsewhere. `depth` scales sizes."""
    if symbol.base in _STABLE:
        return BookShape(
            spread_bps=1.0, gap_bps=0.6, size_touch=200_000 * depth, size_deep=600_000 * depth, noise_bps=0.1
        )
    unit = depth if symbol.base == "BTC" else 20 * depth
    return BookShape(spread_bps=0.25, gap_bps=0.35, size_touch=0.30 * unit, size_deep=1.1 * unit, noise_bps=0.45)


@dataclass(kw_only=True, slots=True)
class _Ladder:
    """One side as the flow has it: prices in ticks, best first."""

    side: Side
    ticks: list[int] = field(default_factory=list)


class BookFlow:
    """The outside liquidity of one book."""

    def __init__(
        self, *, exchange: Exchange, symbol: SymbolRules, shape: BookShape, values: HiddenValues, seed: str
    ) -> None:
        self._exchange = exchange
        self._symbol = symbol
        self._shape = shape
        self._values = values
        self._draws = random.Random(seed)
        self._noise = 0.0
        self._sides = [_Ladder(side=Side.BUY), _Ladder(side=Side.SELL)]

    def step(self, number: int, now_ns: int) -> None:
        """Move to step `number`: the touch follows the price, some sizes are redrawn, a stranger may trade."""
        fair = self._fair(number)
        changed: dict[Side, list[tuple[Decimal, Decimal]]] = {}
        for ladder in self._sides:
            changed[ladder.side] = self._moved(ladder, fair)
        self._exchange.set_outside(self._symbol.symbol, changed[Side.BUY], changed[Side.SELL], now_ns)
        if self._draws.random() < _TRADES_PER_STEP:
            self._trade(now_ns)

    def _fair(self, number: int) -> float:
        self._noise = 0.97 * self._noise + self._draws.gauss(0.0, self._shape.noise_bps * 0.24)
        value = self._values.at(self._symbol.base, number) / self._values.at(self._symbol.quote, number)
        return value * (1 + self._noise / 10_000)

    def _moved(self, ladder: _Ladder, fair: float) -> list[tuple[Decimal, Decimal]]:
        touch = self._touch(ladder.side, fair)
        away = 1 if ladder.side is Side.SELL else -1
        changes: dict[int, Decimal] = {}
        for tick in ladder.ticks:
            if (tick - touch) * away < 0:
                changes[tick] = Decimal(0)
        kept = [tick for tick in ladder.ticks if tick not in changes]
        for tick in self._new_ticks(kept, touch, away):
            kept.append(tick)
            changes[tick] = self._size(abs(tick - touch))
        kept.sort(key=lambda tick: (tick - touch) * away)
        for tick in kept[_LEVELS:]:
            changes[tick] = Decimal(0)
        ladder.ticks = kept[:_LEVELS]
        for _ in range(_REDRAWN_PER_STEP):
            # Squared, so that the levels near the touch come up more often.
            tick = ladder.ticks[int(self._draws.random() ** 2 * len(ladder.ticks))]
            changes[tick] = self._size(abs(tick - touch))
        return [(tick * self._symbol.tick, size) for tick, size in changes.items()]

    def _new_ticks(self, kept: Sequence[int], touch: int, away: int) -> list[int]:
        """Levels between the touch and the nearest kept one, and beyond the last one until the side is full."""
        have = set(kept)
        nearest = min((abs(tick - touch) for tick in kept), default=None)
        new: list[int] = []
        distance = 0
        while nearest is not None and distance < nearest:
            new.append(touch + away * distance)
            distance += self._gap(touch)
        if nearest is None:
            new.append(touch)
        last = max((abs(tick - touch) for tick in [*kept, *new]), default=0)
        while len(have) + len(new) < _LEVELS:
            last += self._gap(touch)
            new.append(touch + away * last)
        return [tick for tick in new if tick > 0 and tick not in have]

    def _gap(self, touch: int) -> int:
        return max(1, round(self._draws.expovariate(1.0) * touch * self._shape.gap_bps / 10_000))

    def _touch(self, side: Side, fair: float) -> int:
        half = fair * self._shape.spread_bps / 20_000
        tick = float(self._symbol.tick)
        return math.floor((fair - half) / tick) if side is Side.BUY else math.floor((fair + half) / tick) + 1

    def _size(self, ticks_away: int) -> Decimal:
        depth = min(1.0, ticks_away * float(self._symbol.tick) / (self._values.at(self._symbol.base, 0) * 0.002))
        mean = self._shape.size_touch + (self._shape.size_deep - self._shape.size_touch) * depth
        drawn = mean * self._draws.lognormvariate(-0.32, 0.8)
        size = rounding.down(Decimal(f"{drawn:.8f}"), self._symbol.step)
        return max(size, self._symbol.step)

    def _trade(self, now_ns: int) -> None:
        side = self._draws.choice((Side.BUY, Side.SELL))
        ticks = self._sides[1 if side is Side.BUY else 0].ticks
        size = self._size(0) * _CENTS * self._draws.randrange(5, 95)
        quantity = max(rounding.down(size, self._symbol.step), self._symbol.step)
        self._exchange.print_outside(self._symbol.symbol, side, ticks[0] * self._symbol.tick, quantity, now_ns)


class VenueFlow:
    """The order flow of one venue: all its books, or those named."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        values: HiddenValues,
        seed: int,
        depth: float = 1.0,
        symbols: Sequence[str] | None = None,
    ) -> None:
        name = exchange.rules.name
        self._books = [
            BookFlow(
                exchange=exchange,
                symbol=symbol,
                shape=shape_of(symbol, depth),
                values=values,
                seed=f"{seed}:{name}:{symbol.symbol}",
            )
            for symbol in exchange.symbols.values()
            if symbols is None or symbol.symbol in symbols
        ]
        self._done = -1

    def step(self, elapsed_ns: int, now_ns: int) -> None:
        """Catch up with the world, one tenth of a second at a time; after a long pause only the last second of it."""
        number = elapsed_ns // _STEP_NS
        for due in range(max(self._done + 1, number - 10), number + 1):
            for book in self._books:
                book.step(due, now_ns)
        self._done = max(self._done, number)
