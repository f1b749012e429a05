"""What people ask for beside a plain sweep: every policy there is, its envelope, and second thoughts."""

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

from router.model import events as e
from router.model.ids import Nanos
from router.model.orders import ParentOrder, QuantityBasis
from router.model.policies import (
    BestSingleParams,
    CatchUp,
    Envelope,
    IcebergParams,
    InForce,
    IsParams,
    LimitOrBetterParams,
    OffsetIn,
    PassiveThenSweepParams,
    PegParams,
    PegTo,
    Placement,
    PolicyParams,
    PovParams,
    Randomize,
    Refresh,
    RestVenue,
    Slicing,
    SniperParams,
    SweepParams,
    Tolerance,
    TwapParams,
    Urgency,
    VolumeCurve,
    VwapParams,
)
from router.simulate.scene import price_of, size_of

_S = 1_000_000_000
_PLAIN = 0.5
"""How many orders stay as simple as they were."""
_CURVE = VolumeCurve(
    id="c",
    asof="d",
    built_from="nothing",
    weekday=tuple(map(Decimal, range(1, 25))),
    weekend=tuple(map(Decimal, range(24, 0, -1))),
)
_TAKING = ("SWEEP", "BEST_SINGLE", "TWAP", "VWAP", "POV", "IS", "SNIPER")
_RESTING = ("LIMIT_OR_BETTER", "ICEBERG", "PEG", "PASSIVE_THEN_SWEEP")
_TIMED = frozenset({"TWAP", "VWAP", "POV", "IS", *_RESTING})
_OFF_THE_TICK = Decimal("0.05")
"""A limit that no order can have: which way it was rounded is seen."""


_WAITS = frozenset({"stop_price", "max_slippage_bps"})
"""For a price that never comes they wait without an end, so an order with one of them has an end of its own."""


def worked(order: ParentOrder, draws: random.Random, now_ns: Nanos, *, resting: bool = False) -> ParentOrder:
    """The same order, half the time under another policy, and sometimes within bounds; `resting`: one that rests."""
    if not resting and draws.random() < _PLAIN:
        return order
    policy = draws.choice(_RESTING if resting else (*_TAKING, *_RESTING))
    if policy in _RESTING:
        near = price_of(60_000 - order.side.sign * draws.uniform(-60, 60))
        order = replace(order, limit_price=near + _OFF_THE_TICK)
    params = order.params if policy == "SWEEP" else _params(policy, order, draws)
    return replace(order, policy=policy, params=params, envelope=_envelope(policy, order, draws, now_ns))


def attributed(order: ParentOrder, draws: random.Random) -> ParentOrder:
    """The same order, sometimes counted otherwise, or for one round only."""
    order = _sized(order, draws)
    bounds: dict[str, Any] = {}
    if isinstance(order.params, SweepParams | BestSingleParams) and draws.random() < 0.3:  # noqa: PLR2004 - some
        if order.envelope.stop_price is None and order.envelope.max_slippage_bps is None:
            bounds["in_force"] = draws.choice((InForce.IOC, InForce.FOK))
            bounds |= {"duration_ms": None, "must_complete": False}
    elif draws.random() < 0.2:  # noqa: PLR2004 - some
        bounds |= {"pilot_pct": draws.randint(5, 60), "pilot_timeout_ms": draws.randint(1_000, 60_000)}
        bounds["duration_ms"] = order.envelope.duration_ms or draws.randint(10_000, 60_000)
    if draws.random() < 0.1:  # noqa: PLR2004 - a few
        bounds["max_fee_bps"] = Decimal(draws.choice((8, 9, 10)))
    if order.policy in _TIMED and draws.random() < 0.8:  # noqa: PLR2004 - some
        bounds["tolerance"] = draws.choice(list(Tolerance))
        if isinstance(order.params, TwapParams):
            slicing = replace(order.params.slicing, slices=draws.randint(8, 30))
            order = replace(order, params=replace(order.params, slicing=slicing))
    return replace(order, envelope=replace(order.envelope, **bounds))


def confirmed(order: ParentOrder, draws: random.Random) -> list[tuple[int, e.Event]]:
    """So many ns after the order: somebody lets the rest after a pilot go, too early, in time, or never."""
    if order.envelope.pilot_pct is None:
        return []
    word = e.PauseAsked(parent_id=order.id, resume=True, principal="people", confirms=True)
    return [(int(draws.uniform(0.5, 40) * _S), word) for _ in range(draws.randint(0, 3))]


def _sized(order: ParentOrder, draws: random.Random) -> ParentOrder:
    """For an amount of money, or for base after fees."""
    basis = draws.choice((*(QuantityBasis.GROSS,) * 4, QuantityBasis.NET, QuantityBasis.VALUE, QuantityBasis.VALUE_NET))
    if basis is QuantityBasis.GROSS:
        return order
    asked = order.quantity * Decimal("60000.01") if basis.by_value else order.quantity
    return replace(order, quantity=Decimal(0), quantity_basis=basis, asked=asked)


def _params(policy: str, order: ParentOrder, draws: random.Random) -> PolicyParams:
    slicing = Slicing(
        slices=draws.randint(1, 8),
        catch_up=draws.choice(list(CatchUp)),
        catch_up_cap=Decimal(draws.randint(1, 5)),
        round_wait_ms=500,
    )
    match policy:
        case "BEST_SINGLE":
            return BestSingleParams(rounds_max=draws.randint(3, 20), round_wait_ms=500)
        case "TWAP":
            return TwapParams(slicing=slicing)
        case "VWAP":
            return VwapParams(curve=_CURVE, slicing=slicing)
        case "IS":
            return IsParams(slicing=slicing, urgency=draws.choice(list(Urgency)))
        case "LIMIT_OR_BETTER":
            return LimitOrBetterParams(
                rest_venue_rule=draws.choice(list(RestVenue)),
                reprice_ticks=draws.randint(1, 200),
                round_wait_ms=500,
                stand_ms=500,
            )
        case "ICEBERG":
            return IcebergParams(
                display_quantity=size_of(draws.uniform(0.01, 0.4)),
                refresh=draws.choice(list(Refresh)),
                refresh_ms=draws.choice((100, 500, 3_000)),
                variance_pct=draws.choice((0, 40)),
            )
        case "PEG":
            return PegParams(
                peg_to=draws.choice(list(PegTo)),
                offset=Decimal(draws.randint(0, 3)),
                offset_in=draws.choice(list(OffsetIn)),
                min_reprice_interval_ms=draws.choice((200, 1_000, 5_000)),
            )
        case "PASSIVE_THEN_SWEEP":
            return PassiveThenSweepParams(
                slicing=Slicing(slices=draws.randint(1, 5), round_wait_ms=500),
                repeg_ms=draws.choice((300, 1_000)),
                stop_ticks=draws.choice((20, 200, 2_000)),
                patience_pct=draws.choice((30, 70, 100)),
                venues_max=draws.randint(1, 3),
                placement=draws.choice(list(Placement)),
            )
        case "POV":
            return PovParams(target_rate=Decimal("0.1"), window_ms=draws.choice((500, 2_000, 10_000)))
        case _:
            trigger = Decimal(60_000 + order.side.sign * draws.randint(-60, 120))
            return SniperParams(trigger_price=trigger, min_quantity=size_of(draws.uniform(0.01, 1)), look_every_ms=500)


def _envelope(policy: str, order: ParentOrder, draws: random.Random, now_ns: Nanos) -> Envelope:
    """A few bounds at a time: all of them at once would let nothing leave."""
    timed = policy in _TIMED or policy == "SNIPER" or draws.random() < 0.5  # noqa: PLR2004 - a coin
    every: dict[str, Any] = {
        "start_ns": Nanos(now_ns + int(draws.uniform(0, 10) * _S)),
        "max_child_quantity": size_of(draws.uniform(0.05, 2)),
        "max_children_outstanding": draws.randint(1, 3),
        "max_share_per_venue": Decimal(draws.randint(3, 9)) / 10,
        "max_venues": draws.randint(1, 2),
        "all_in_limit_price": Decimal(60_000 + order.side.sign * draws.randint(50, 600)),
        "max_slippage_bps": Decimal(draws.randint(1, 30)),
        "price_collar_bps": Decimal(draws.randint(2, 60)),
        "would_price": Decimal(60_000 - order.side.sign * draws.randint(0, 60)),
        "stop_price": Decimal(60_000 + order.side.sign * draws.randint(-30, 30)),
        "randomize": Randomize(seed=draws.getrandbits(40)),
    }
    bounds = {name: value for name, value in every.items() if draws.random() < 0.15}  # noqa: PLR2004 - one or two
    limit, would = order.limit_price, bounds.get("would_price")
    if limit is not None and would is not None and (would - limit) * order.side.sign > 0:
        del bounds["would_price"]
    if timed or bounds.keys() & _WAITS:
        bounds |= {"duration_ms": draws.randint(2_000, 60_000), "must_complete": draws.random() < 0.5}  # noqa: PLR2004
    if policy in _RESTING and not bounds.get("must_complete") and "would_price" not in bounds:
        bounds["passive_only"] = draws.random() < 0.5  # noqa: PLR2004 - a coin
    return Envelope(**bounds)


def second_thoughts(order: ParentOrder, draws: random.Random) -> list[tuple[int, e.Event]]:
    """So many ns after the order: wait and go on, or other terms."""
    after_ns = int(draws.uniform(0.05, 20) * _S)
    if draws.random() < 0.15:  # noqa: PLR2004 - some
        later_ns = after_ns + int(draws.uniform(0.05, 20) * _S)
        pause = e.PauseAsked(parent_id=order.id, resume=False, principal="people")
        return [(after_ns, pause), (later_ns, replace(pause, resume=True))]
    if draws.random() < 0.15:  # noqa: PLR2004 - some
        quantity = size_of(float(order.quantity) * draws.uniform(0.3, 1.5))
        return [(after_ns, e.AmendAsked(parent_id=order.id, principal="people", quantity=quantity))]
    return []
