"""The work: every cell is one market, one fee table and one size; every parent of it is replayed under every rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from router.evaluation.contestants import RIVALS, Rule, this_router
from router.evaluation.history import MarketHistory
from router.evaluation.replay import Delays, Run, Task, clairvoyant, replay
from router.model.ids import EntityId, Nanos, ParentId, RefId
from router.model.orders import ParentOrder
from router.model.policies import SweepParams
from router.model.side import Side

_NS = 1_000_000_000
_CLUSTER_NS = 15 * _NS
_LEAD_NS, _TAIL_NS = 32 * _NS, 20 * _NS
SIZES = ("0.01", "0.1", "1", "4", "10")
"""Base, times a random factor from 0.7 to 1.3."""

FEES: Mapping[str, dict[str, Decimal]] = {
    "tiers": {"binance": Decimal(4), "kraken": Decimal(5), "coinbase": Decimal("4.5")},
    "equal": dict.fromkeys(("binance", "kraken", "coinbase"), Decimal(5)),
}
"""Taker fees in bps, in quote. `tiers`: three neighbouring tiers, as an account that trades much has them."""

DELAYS = Delays(
    feed_ms={"binance": 15, "kraken": 25, "coinbase": 20},
    order_ms={"binance": 40, "kraken": 60, "coinbase": 30},
)

REACH = Decimal("0.2")
OURS = "this router"
PATIENT = "this router, reach_bps 0.2"
RULES: Mapping[str, Rule] = {OURS: this_router(None), PATIENT: this_router(REACH), **RIVALS}
SLACKS: Mapping[str, Rule] = {
    f"limits {bps} bps beyond": this_router(None, Decimal(bps)) for bps in ("0.25", "0.5", "1", "2", "5")
}
REACHES: Mapping[str, Rule] = {f"reach {bps} bps": this_router(Decimal(bps)) for bps in ("0.05", "0.1", "0.5", "1")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What came of the parents of one cell, by rule, in the parents' order. `clusters`: which stretch of time."""

    market: str
    fees: str
    size: str
    clusters: tuple[int, ...]
    late: tuple[bool, ...]
    """Does the parent stand in the second half of the market?"""
    runs: Mapping[str, tuple[Run, ...]]
    oracle: tuple[float, ...]


def tasks(history: MarketHistory, size: str, count: int) -> list[Task]:
    """Parents at random times, random sides, sizes around `size`: by seed, never by what the book does."""
    found = []
    for number in range(count):
        draw = Random(f"parent:{size}:{number}")
        at_ns = draw.randrange(history.begins_ns + _LEAD_NS, history.ends_ns - _TAIL_NS)
        side = draw.choice(list(Side))
        quantity = Decimal(f"{float(size) * draw.uniform(0.7, 1.3):.5f}")
        order = ParentOrder(
            id=ParentId("evaluated"),
            entity=EntityId("evaluated"),
            ref_id=RefId(f"{size}-{number}"),
            instrument=history.instrument.id,
            side=side,
            quantity=quantity,
            limit_price=None,
            policy="SWEEP",
            params=SweepParams(),
        )
        found.append(Task(order=order, at_ns=Nanos(at_ns), seed=f"{size}:{number}"))
    return found


def cell(
    market: str,
    fees: str,
    history: MarketHistory,
    size: str,
    count: int,
    rules: Mapping[str, Rule],
    delays: Delays,
) -> Cell:
    """Replay them all."""
    return cell_of(market, fees, history, size, tasks(history, size, count), rules, delays)


def cell_of(
    market: str,
    fees: str,
    history: MarketHistory,
    size: str,
    wanted: Sequence[Task],
    rules: Mapping[str, Rule],
    delays: Delays,
) -> Cell:
    """Replay these."""
    middle = (history.begins_ns + history.ends_ns) // 2
    return Cell(
        market=market,
        fees=fees,
        size=size,
        clusters=tuple(int((one.at_ns - history.begins_ns) // _CLUSTER_NS) for one in wanted),
        late=tuple(one.at_ns >= middle for one in wanted),
        runs={name: tuple(replay(history, delays, one, rule) for one in wanted) for name, rule in rules.items()},
        oracle=tuple(clairvoyant(history, delays, one) for one in wanted),
    )
