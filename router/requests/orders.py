"""A parent order as its owner writes it: one shape per policy, one envelope for all; into the model and back."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidationError

from router.model.baskets import Leg
from router.model.errors import BadInput
from router.model.ids import EntityId, InstrumentId, ParentId, RefId, VenueId
from router.model.money import ZERO, plain
from router.model.orders import ParentOrder, QuantityBasis
from router.model.policies import Envelope, InForce, Randomize, Tolerance
from router.model.side import Side
from router.requests import estimates
from router.requests import parameters as p
from router.requests.curves import CurveBody
from router.requests.estimates import EstimateBody
from router.requests.fields import (
    PAIR,
    Amount,
    Body,
    Duration,
    Moment,
    Name,
    Share,
    duration,
    milliseconds,
    moment,
    nanoseconds,
    sentence,
)

_STRAYING_MOST = 50


class VenuesBody(Body):
    """Where a parent may trade. Absent `include` means every configured venue; an empty one is refused."""

    include: list[Name] | None = Field(default=None, min_length=1, max_length=64)
    exclude: list[Name] = Field(default_factory=list, max_length=64)


class RandomizeBody(Body):
    """How far slices stray. The seed follows from the order's reference where none is given."""

    size_pct: int = Field(default=20, ge=0, le=100)
    time_pct: int = Field(default=30, ge=0, le=50)
    seed: int | None = Field(default=None, ge=0, le=2**62)


class OrderBody(Body):
    """What every order may say. Quantities in base; values and prices in the reporting currency; times in UTC.

    Exactly one of `base_quantity` and `quote_value` says how large it is: so much base, or so much money to spend at
    most, or to raise. With `size_includes_fees` fees count: so much base arrives, or leaves, with a fee taken in base;
    so much money is spent, or raised, with the other fees.
    """

    ref_id: Name
    instrument: Annotated[str, Field(pattern=PAIR)]
    side: Literal["BUY", "SELL"]
    base_quantity: Amount | None = None
    quote_value: Amount | None = None
    size_includes_fees: bool = False
    limit_price: Amount | None = None
    policy: str = "SWEEP"
    params: SerializeAsAny[p.ParamsBody] = Field(default_factory=p.SweepBody)
    venues: VenuesBody = Field(default_factory=VenuesBody)
    start_time: Moment | None = None
    end_time: Moment | None = None
    duration: Duration | None = None
    all_in_limit_price: Amount | None = None
    stop_price: Amount | None = None
    stop_age_ms: int = Field(default=Envelope().stop_age_ms, ge=1, le=60_000)
    would_price: Amount | None = None
    max_participation_rate: Share | None = None
    must_complete: bool = False
    passive_only: bool = False
    max_slippage_bps: Amount | None = None
    price_collar_bps: Amount | None = None
    min_child_notional: Amount | None = None
    max_child_quantity: Amount | None = None
    max_children_outstanding: int | None = Field(default=None, ge=1, le=1_000)
    max_venues: int | None = Field(default=None, ge=1, le=64)
    max_share_per_venue: Share | None = None
    randomize: RandomizeBody | None = None
    time_in_force: Literal["GTC", "GTD", "IOC", "FOK"] | None = None
    pilot_pct: int | None = Field(default=None, ge=1, le=99)
    pilot_timeout: Duration = "1h"
    tolerance: Literal["narrow", "standard", "wide"] | None = None
    allow_past_end_time: bool = False
    max_fee_bps: Amount | None = None
    allow_taker: bool = True
    display_quantity: Amount | None = None
    discretion_offset: Amount | None = None
    self_match_prevention: Literal[True] = True
    estimate: EstimateBody | None = None
    benchmark: Literal["arrival", "sweep_to_fill", "interval_twap", "interval_vwap", "pwp"] | None = None

    @property
    def quantity(self) -> Decimal | None:
        """Base; None of an order that asks for money."""
        return _number(self.base_quantity)

    @property
    def limit(self) -> Decimal | None:
        """Reporting currency per unit of base."""
        return _number(self.limit_price)

    @property
    def way(self) -> Side:
        """The side, as the model names it."""
        return Side(self.side)


class SweepOrder(OrderBody):
    """Everything now."""

    policy: Literal["SWEEP"] = "SWEEP"
    params: p.SweepBody = Field(default_factory=p.SweepBody)


class BestSingleOrder(OrderBody):
    """Everything now, at one venue a round."""

    policy: Literal["BEST_SINGLE"] = "BEST_SINGLE"
    params: p.BestSingleBody = Field(default_factory=p.BestSingleBody)


class LimitOrBetterOrder(OrderBody):
    """Take what crosses, rest the remainder."""

    policy: Literal["LIMIT_OR_BETTER"] = "LIMIT_OR_BETTER"
    params: p.LimitOrBetterBody = Field(default_factory=p.LimitOrBetterBody)


class TwapOrder(OrderBody):
    """Equal slices."""

    policy: Literal["TWAP"] = "TWAP"
    params: p.TwapBody


class VwapOrder(OrderBody):
    """Slices along a curve."""

    policy: Literal["VWAP"] = "VWAP"
    params: p.VwapBody


class PovOrder(OrderBody):
    """A share of all volume."""

    policy: Literal["POV"] = "POV"
    params: p.PovBody


class IsOrder(OrderBody):
    """Least shortfall."""

    policy: Literal["IS"] = "IS"
    params: p.IsBody


class IcebergOrder(OrderBody):
    """A small piece at a time."""

    policy: Literal["ICEBERG"] = "ICEBERG"
    params: p.IcebergBody


class PegOrder(OrderBody):
    """A price that follows the market."""

    policy: Literal["PEG"] = "PEG"
    params: p.PegBody = Field(default_factory=p.PegBody)


class SniperOrder(OrderBody):
    """Nothing rests."""

    policy: Literal["SNIPER"] = "SNIPER"
    params: p.SniperBody


class PassiveThenSweepOrder(OrderBody):
    """Rest first, take later."""

    policy: Literal["PASSIVE_THEN_SWEEP"] = "PASSIVE_THEN_SWEEP"
    params: p.PassiveThenSweepBody


SHAPES: Mapping[str, type[OrderBody]] = {
    "SWEEP": SweepOrder,
    "BEST_SINGLE": BestSingleOrder,
    "LIMIT_OR_BETTER": LimitOrBetterOrder,
    "TWAP": TwapOrder,
    "VWAP": VwapOrder,
    "POV": PovOrder,
    "IS": IsOrder,
    "ICEBERG": IcebergOrder,
    "PEG": PegOrder,
    "SNIPER": SniperOrder,
    "PASSIVE_THEN_SWEEP": PassiveThenSweepOrder,
}
"""An order's shape, by the policy it names."""
ENVELOPE_FIELDS = frozenset(
    "start_time end_time duration all_in_limit_price stop_price stop_age_ms would_price max_participation_rate "
    "must_complete passive_only max_slippage_bps price_collar_bps min_child_notional max_child_quantity "
    "max_children_outstanding max_venues max_share_per_venue randomize time_in_force "
    "pilot_pct pilot_timeout tolerance allow_past_end_time max_fee_bps allow_taker display_quantity discretion_offset "
    "self_match_prevention benchmark".split()
)
"""What belongs to the envelope, by its name at the door."""
TAKING = frozenset({"SWEEP", "BEST_SINGLE", "TWAP", "VWAP", "POV", "IS", "SNIPER"})
"""Policies that only ever take what stands in a book."""
RESTING = frozenset({"LIMIT_OR_BETTER", "ICEBERG", "PEG", "PASSIVE_THEN_SWEEP"})
"""Policies whose orders stand in a book, where others decide when they fill."""
_AT_ONCE = frozenset({"SWEEP", "BEST_SINGLE"})
BENCHMARKS: Mapping[str, str] = {
    "SWEEP": "sweep_to_fill",
    "BEST_SINGLE": "arrival",
    "LIMIT_OR_BETTER": "arrival",
    "TWAP": "interval_twap",
    "VWAP": "interval_vwap",
    "POV": "pwp",
    "IS": "arrival",
    "ICEBERG": "arrival",
    "PEG": "arrival",
    "SNIPER": "arrival",
    "PASSIVE_THEN_SWEEP": "interval_twap",
}
"""What an order is judged by where it does not say."""
_SCHEDULED = frozenset({"TWAP", "VWAP", "POV", "IS"})
_WITH_AN_END = frozenset({"TWAP", "VWAP", "IS", "PASSIVE_THEN_SWEEP"})
_WITH_A_LIMIT = frozenset({"LIMIT_OR_BETTER", "ICEBERG"})


def parse_order(data: object) -> OrderBody:
    """The order, or `BadInput` with the first field that is wrong."""
    policy = data.get("policy", "SWEEP") if isinstance(data, dict) else "SWEEP"
    shape = SHAPES.get(policy) if isinstance(policy, str) else None
    if shape is None:
        raise BadInput("policy", f"must be {', '.join(SHAPES)}")
    try:
        body = shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "order"
        raise BadInput(field, sentence(first)) from None
    _check(body)
    return body


def curve_named(body: OrderBody) -> tuple[str, str] | None:
    """Name and day of the stored curve an order goes by, if it names one."""
    params = body.params
    if not isinstance(params, p.VwapBody) or params.curve_id is None or params.curve_asof is None:
        return None
    return params.curve_id, params.curve_asof


def with_curve(body: OrderBody, curve: CurveBody) -> OrderBody:
    """The order as if its owner had given the curve it names."""
    params = body.params.model_copy(update={"curve": curve, "curve_id": None, "curve_asof": None})
    return body.model_copy(update={"params": params})


def _check(body: OrderBody) -> None:
    _check_size(body)
    _check_fit(body)
    for field in ("base_quantity", "quote_value", "limit_price", "all_in_limit_price", "stop_price", "would_price"):
        if getattr(body, field) == "0":
            raise BadInput(field, "must be more than zero")
    both = set(body.venues.include or ()) & set(body.venues.exclude)
    if both:
        raise BadInput("venues", f"{', '.join(sorted(both))} is both included and excluded")
    body.params.check()
    _check_times(body)
    _check_prices(body)
    rate = _number(body.max_participation_rate)
    if rate is not None and not 0 < rate < 1:
        raise BadInput("max_participation_rate", "must be more than 0 and less than 1")
    if rate is not None and body.policy not in TAKING:
        raise BadInput("max_participation_rate", f"what rests fills as others please: not with {body.policy}")
    share = _number(body.max_share_per_venue)
    if share is not None and share == 0:
        raise BadInput("max_share_per_venue", "must be more than 0")
    chance = body.randomize
    if chance is not None and chance.time_pct + chance.size_pct / 2 > _STRAYING_MOST:
        raise BadInput("randomize", "time_pct and half of size_pct may come to 50: more strays by over a slice")


def _check_size(body: OrderBody) -> None:
    if body.base_quantity is None and body.quote_value is None:
        raise BadInput("base_quantity", "is missing: give base_quantity or quote_value")
    if body.base_quantity is not None and body.quote_value is not None:
        raise BadInput("quote_value", "is another way to give base_quantity: give one of them")
    if body.policy not in TAKING and (body.quote_value is not None or body.size_includes_fees):
        field = "size_includes_fees" if body.quote_value is None else "quote_value"
        raise BadInput(field, f"{body.policy} rests base: give base_quantity alone")


def _check_fit(body: OrderBody) -> None:
    """What means nothing with its policy."""
    takes = body.policy in TAKING
    if body.tolerance is not None and body.policy not in _SCHEDULED:
        raise BadInput("tolerance", f"is about a schedule, and {body.policy} has none")
    if not takes and body.pilot_pct is not None:
        raise BadInput("pilot_pct", f"{body.policy} rests: there is no part of it to measure first")
    if not takes and body.max_fee_bps is not None:
        raise BadInput("max_fee_bps", f"bounds what taking costs, and {body.policy} rests")
    if takes and not body.allow_taker:
        raise BadInput("allow_taker", f"{body.policy} only takes: without that nothing of it is left")
    for field in ("display_quantity", "discretion_offset"):
        if getattr(body, field) is not None:
            shown = f"is about what an order shows, and {body.policy} shows nothing" if takes else "is not offered yet"
            raise BadInput(field, shown)


def _check_times(body: OrderBody) -> None:
    if body.end_time is not None and body.duration is not None:
        raise BadInput("duration", "is another way to give end_time: give one of them")
    if body.policy in _WITH_AN_END and body.end_time is None and body.duration is None:
        raise BadInput("end_time", f"{body.policy} needs an end: give end_time or duration")
    begin, end = body.start_time, body.end_time
    if begin is not None and end is not None and nanoseconds(end) <= nanoseconds(begin):
        raise BadInput("end_time", "must be after start_time")
    if body.duration is not None and milliseconds(body.duration) == 0:
        raise BadInput("duration", "must be more than zero")
    ends = body.end_time is not None or body.duration is not None
    if body.must_complete and not ends:
        raise BadInput("must_complete", "goes with an end: give end_time or duration")
    if body.allow_past_end_time and not ends:
        raise BadInput("allow_past_end_time", "goes with an end: give end_time or duration")
    if body.allow_past_end_time and body.must_complete:
        raise BadInput("allow_past_end_time", "is another way to go on than must_complete: give one of them")
    _check_in_force(body, ends=ends)


def _check_in_force(body: OrderBody, *, ends: bool) -> None:
    field, in_force = "time_in_force", body.time_in_force
    if in_force == "GTD" and not ends:
        raise BadInput(field, "GTD needs an end: give end_time or duration")
    if in_force == "GTC" and ends:
        raise BadInput(field, "GTC has no end: take GTD, or leave end_time and duration out")
    if in_force not in {"IOC", "FOK"}:
        return
    if body.pilot_pct is not None:
        raise BadInput("pilot_pct", f"needs a second round, which {in_force} never has")
    if body.policy not in _AT_ONCE:
        raise BadInput(field, f"{in_force} is one round, and {body.policy} works over time: take SWEEP or BEST_SINGLE")
    if ends:
        raise BadInput(field, f"{in_force} is one round and has no end: leave end_time and duration out")
    if isinstance(body.params, p.SweepBody) and Decimal(body.params.reach_bps):
        raise BadInput("params.reach_bps", f"comes back for what lies deeper, which {in_force} never does")


def _check_prices(body: OrderBody) -> None:
    if body.policy in _WITH_A_LIMIT and body.limit_price is None:
        raise BadInput("limit_price", f"{body.policy} needs one")
    would, limit = _number(body.would_price), body.limit
    if would is not None and limit is not None and (would - limit) * body.way.sign > 0:
        raise BadInput("would_price", "must not be worse than the limit_price")
    if body.passive_only and body.policy in TAKING:
        raise BadInput("passive_only", f"does not go with {body.policy}, which takes")
    if not body.allow_taker and (body.would_price is not None or body.must_complete):
        raise BadInput("allow_taker", "false never takes: it goes with neither would_price nor must_complete")
    if body.passive_only and body.would_price is not None:
        raise BadInput("passive_only", "never takes: it does not go with would_price")
    if body.passive_only and body.must_complete:
        raise BadInput("passive_only", "may not complete: it does not go with must_complete")


def order_model(
    body: OrderBody,
    parent_id: ParentId,
    entity: EntityId,
    principal: str,
    *,
    ref_id: RefId | None = None,
    leg: Leg | None = None,
) -> ParentOrder:
    """The parent a checked body describes, defaults filled in. `ref_id`: of a `leg`, which has none of its own."""
    include = body.venues.include
    basis, asked = _size(body)
    return ParentOrder(
        id=parent_id,
        entity=entity,
        ref_id=RefId(body.ref_id) if ref_id is None else ref_id,
        instrument=InstrumentId(body.instrument),
        side=body.way,
        quantity=asked if basis is QuantityBasis.GROSS else ZERO,
        limit_price=body.limit,
        policy=body.policy,
        params=body.params.model(),
        venues_include=None if include is None else tuple(VenueId(name) for name in include),
        venues_exclude=tuple(VenueId(name) for name in body.venues.exclude),
        principal=principal,
        envelope=_envelope(body, parent_id),
        quantity_basis=basis,
        asked=None if basis is QuantityBasis.GROSS else asked,
        leg=leg,
        estimate=None if body.estimate is None else body.estimate.model(),
    )


def _size(body: OrderBody) -> tuple[QuantityBasis, Decimal]:
    """What is counted, and how much of it. Of base after fees the most that may trade is fixed when it is accepted."""
    if body.quote_value is not None:
        return QuantityBasis.VALUE_NET if body.size_includes_fees else QuantityBasis.VALUE, Decimal(body.quote_value)
    assert body.base_quantity is not None
    return QuantityBasis.NET if body.size_includes_fees else QuantityBasis.GROSS, Decimal(body.base_quantity)


def _envelope(body: OrderBody, parent_id: ParentId) -> Envelope:
    return Envelope(
        start_ns=None if body.start_time is None else nanoseconds(body.start_time),
        end_ns=None if body.end_time is None else nanoseconds(body.end_time),
        duration_ms=None if body.duration is None else milliseconds(body.duration),
        all_in_limit_price=_number(body.all_in_limit_price),
        stop_price=_number(body.stop_price),
        stop_age_ms=body.stop_age_ms,
        would_price=_number(body.would_price),
        max_participation_rate=_number(body.max_participation_rate),
        must_complete=body.must_complete,
        passive_only=body.passive_only or not body.allow_taker,
        max_slippage_bps=_number(body.max_slippage_bps),
        price_collar_bps=_number(body.price_collar_bps),
        min_child_notional=_number(body.min_child_notional),
        max_child_quantity=_number(body.max_child_quantity),
        max_children_outstanding=body.max_children_outstanding,
        max_venues=body.max_venues,
        max_share_per_venue=_number(body.max_share_per_venue),
        randomize=None if body.randomize is None else _randomize(body.randomize, parent_id),
        in_force=_in_force(body),
        pilot_pct=body.pilot_pct,
        pilot_timeout_ms=milliseconds(body.pilot_timeout),
        tolerance=None if body.tolerance is None else Tolerance(body.tolerance.upper()),
        past_end=body.allow_past_end_time,
        max_fee_bps=_number(body.max_fee_bps),
        benchmark=None if body.benchmark == BENCHMARKS[body.policy] else body.benchmark,
    )


def _in_force(body: OrderBody) -> InForce:
    """As it says; else until its end where it has one."""
    if body.time_in_force is not None:
        return InForce(body.time_in_force)
    return InForce.GTC if body.end_time is None and body.duration is None else InForce.GTD


def _randomize(body: RandomizeBody, parent_id: ParentId) -> Randomize:
    digest = hashlib.sha256(f"schedule|{parent_id}".encode()).digest()
    seed = int.from_bytes(digest[:6]) if body.seed is None else body.seed
    return Randomize(seed=seed, size_pct=body.size_pct, time_pct=body.time_pct)


def order_written(order: ParentOrder) -> dict[str, Any]:
    """An accepted order as its owner would have to write it, every default named. It is the same order when read."""
    envelope, chance = order.envelope, order.envelope.randomize
    include = order.venues_include
    return {
        "ref_id": str(order.ref_id),
        "instrument": str(order.instrument),
        "side": order.side.value,
        "base_quantity": None if order.quantity_basis.by_value else plain(order.size),
        "quote_value": plain(order.size) if order.quantity_basis.by_value else None,
        "size_includes_fees": order.quantity_basis in (QuantityBasis.NET, QuantityBasis.VALUE_NET),
        "limit_price": _text(order.limit_price),
        "policy": order.policy,
        "params": p.written(order.params),
        "venues": {
            "include": None if include is None else list(map(str, include)),
            "exclude": list(map(str, order.venues_exclude)),
        },
        "start_time": None if envelope.start_ns is None else moment(envelope.start_ns),
        "end_time": None if envelope.end_ns is None else moment(envelope.end_ns),
        "duration": None if envelope.duration_ms is None else duration(envelope.duration_ms),
        "all_in_limit_price": _text(envelope.all_in_limit_price),
        "stop_price": _text(envelope.stop_price),
        "stop_age_ms": envelope.stop_age_ms,
        "would_price": _text(envelope.would_price),
        "max_participation_rate": _text(envelope.max_participation_rate),
        "must_complete": envelope.must_complete,
        "passive_only": envelope.passive_only,
        "max_slippage_bps": _text(envelope.max_slippage_bps),
        "price_collar_bps": _text(envelope.price_collar_bps),
        "min_child_notional": _text(envelope.min_child_notional),
        "max_child_quantity": _text(envelope.max_child_quantity),
        "max_children_outstanding": envelope.max_children_outstanding,
        "max_venues": envelope.max_venues,
        "max_share_per_venue": _text(envelope.max_share_per_venue),
        "randomize": None
        if chance is None
        else {"size_pct": chance.size_pct, "time_pct": chance.time_pct, "seed": chance.seed},
        "time_in_force": _in_force_written(envelope),
        "pilot_pct": envelope.pilot_pct,
        "pilot_timeout": duration(envelope.pilot_timeout_ms),
        "tolerance": None if envelope.tolerance is None else envelope.tolerance.value.lower(),
        "allow_past_end_time": envelope.past_end,
        "max_fee_bps": _text(envelope.max_fee_bps),
        "allow_taker": not envelope.passive_only,
        "display_quantity": None,
        "discretion_offset": None,
        "self_match_prevention": True,
        "benchmark": envelope.benchmark or BENCHMARKS.get(order.policy),
        "estimate": None if order.estimate is None else estimates.written(order.estimate),
    }


def _in_force_written(envelope: Envelope) -> str:
    """An order of before it could say has an end, or none."""
    ends = envelope.end_ns is not None or envelope.duration_ms is not None
    return (InForce.GTD if ends else envelope.in_force).value


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
