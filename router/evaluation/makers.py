"""A seeded market whose truth is known: makers quote around one hidden price.

Per venue: its makers see the hidden price `lag_ms` late and move all their quotes when it has gone `requote_bps` away;
in between sizes are redrawn. `duplicated` of what is taken at one venue is withdrawn at the others for a while.
"""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from router.evaluation.history import DEPTH, BookHistory, MarketHistory
from router.model import rounding
from router.model.ids import Nanos
from router.model.instruments import Instrument, Listing
from router.model.market import FxMark, Level

_STEP_MS = 20
_LEVELS = min(40, DEPTH)
_MS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Makers:
    """How one venue is quoted. `size` is the mean of a level in base, `gap_bps` the mean distance between levels."""

    listing: Listing
    lag_ms: int
    requote_bps: float
    redraw_per_s: float
    half_spread_bps: float
    gap_bps: float
    size: float
    noise_bps: float = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class HiddenPrice:
    """A walk: `sigma_bps` per root second, and jumps of `jump_bps` every `jump_every_s` on average."""

    start: float = 60_000.0
    sigma_bps: float = 0.35
    jump_bps: float = 2.0
    jump_every_s: float = 8.0


def seeded(
    seed: str,
    instrument: Instrument,
    makers: tuple[Makers, ...],
    *,
    seconds: int,
    price: HiddenPrice | None = None,
    duplicated: Decimal = Decimal(0),
) -> MarketHistory:
    """The market of this seed."""
    hidden = _walk(Random(f"{seed}:price"), price or HiddenPrice(), seconds)
    books = tuple(_quoted(Random(f"{seed}:{one.listing.id}"), one, hidden) for one in makers)
    assets = sorted({one.listing.quote for one in makers} | {instrument.reporting})
    return MarketHistory(
        name=f"seeded {seed}",
        instrument=instrument,
        books=books,
        fx=tuple(FxMark(asset=asset, rate=Decimal(1), age_ns=0, source="declared") for asset in assets),
        begins_ns=Nanos(0),
        ends_ns=Nanos(seconds * 1_000 * _MS),
        duplicated=duplicated,
    )


def _walk(draw: Random, price: HiddenPrice, seconds: int) -> list[float]:
    path, now = [], price.start
    step_s = _STEP_MS / 1_000
    for _ in range(seconds * 1_000 // _STEP_MS):
        moved = draw.gauss(0, price.sigma_bps * step_s**0.5)
        if draw.random() < step_s / price.jump_every_s:
            moved += draw.choice((-1, 1)) * draw.expovariate(1 / price.jump_bps)
        now *= 1 + moved / 1e4
        path.append(now)
    return path


def _quoted(draw: Random, makers: Makers, hidden: list[float]) -> BookHistory:
    book = BookHistory(listing=makers.listing)
    lag = makers.lag_ms // _STEP_MS
    anchor, noise = 0.0, 0.0
    bids: list[Level] = []
    asks: list[Level] = []
    for step in range(len(hidden)):
        noise = 0.999 * noise + draw.gauss(0, makers.noise_bps * 0.045)
        fair = hidden[max(0, step - lag)] * (1 + noise / 1e4)
        changed = abs(fair - anchor) > anchor * makers.requote_bps / 1e4
        if changed:
            anchor = fair
            bids, asks = _ladder(draw, makers, fair, -1), _ladder(draw, makers, fair, 1)
        if draw.random() < makers.redraw_per_s * _STEP_MS / 1_000:
            side = draw.choice((bids, asks))
            rank = int(draw.random() ** 2 * len(side))
            side[rank] = Level(side[rank].price, _size(draw, makers))
            changed = True
        if changed:
            book.add(step * _STEP_MS * _MS, tuple(bids), tuple(asks))
    return book


def _ladder(draw: Random, makers: Makers, fair: float, away: int) -> list[Level]:
    listing = makers.listing
    levels: list[Level] = []
    at = fair * (1 + away * makers.half_spread_bps / 1e4)
    for _ in range(_LEVELS):
        exact = Decimal(f"{at:.8f}")
        price = rounding.up(exact, listing.tick) if away > 0 else rounding.down(exact, listing.tick)
        if levels and price == levels[-1].price:
            price += away * listing.tick
        levels.append(Level(price, _size(draw, makers)))
        at = float(price) * (1 + away * draw.expovariate(1 / makers.gap_bps) / 1e4)
    return levels


def _size(draw: Random, makers: Makers) -> Decimal:
    drawn = makers.size * draw.lognormvariate(-0.32, 0.8)
    return max(rounding.down(Decimal(f"{drawn:.8f}"), makers.listing.step), makers.listing.step)
