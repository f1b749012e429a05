"""The parameters of each policy as an order's owner writes them, and their way into the model and back."""

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Literal

from pydantic import Field

from router.model.errors import BadInput
from router.model.money import plain
from router.model.policies import (
    BestSingleParams,
    CatchUp,
    IcebergParams,
    IsParams,
    LimitOrBetterParams,
    OffsetIn,
    PassiveThenSweepParams,
    PegParams,
    PegTo,
    Placement,
    PolicyParams,
    PovParams,
    Refresh,
    RestVenue,
    Slicing,
    SniperParams,
    SweepParams,
    TwapParams,
    Urgency,
    VwapParams,
)
from router.requests.curves import CurveBody, curve_written
from router.requests.fields import Amount, Body, Duration, Name, Share, duration, milliseconds

SLICES_MAX = 10_000
_REPRICE_MS_LEAST = 100
"""No order moves more often than that, whatever happens: each move is two calls of a venue's budget."""


class ParamsBody(Body, ABC):
    """Parameters of some policy."""

    @abstractmethod
    def model(self) -> PolicyParams:
        """The same, defaults filled in. Raises `BadInput` for what cannot be."""

    def check(self) -> None:
        """Raises `BadInput` for what cannot be."""
        self.model()


class RoundsBody(ParamsBody):
    """How often, and how soon, what did not fill is tried again."""

    rounds_max: int = Field(default=SweepParams().rounds_max, ge=1, le=1_000)
    round_wait_ms: int = Field(default=SweepParams().round_wait_ms, ge=1, le=60_000)


class SweepBody(RoundsBody):
    """Parameters of SWEEP."""

    reach_bps: Amount = "0"

    def model(self) -> SweepParams:
        """As the model has it."""
        return SweepParams(
            rounds_max=self.rounds_max,
            round_wait_ms=self.round_wait_ms,
            reach_bps=Decimal(self.reach_bps) or None,
        )


class BestSingleBody(RoundsBody):
    """Parameters of BEST_SINGLE."""

    def model(self) -> BestSingleParams:
        """As the model has it."""
        return BestSingleParams(rounds_max=self.rounds_max, round_wait_ms=self.round_wait_ms)


class LimitOrBetterBody(ParamsBody):
    """Parameters of LIMIT_OR_BETTER."""

    rest_venue_rule: Literal["BEST_TOUCH", "SHORTEST_QUEUE"] = "BEST_TOUCH"
    reprice_ticks: int = Field(default=1, ge=1, le=100_000)
    stand_ms: int = Field(default=LimitOrBetterParams().stand_ms, ge=0, le=86_400_000)
    round_wait_ms: int = Field(default=250, ge=1, le=60_000)

    def model(self) -> LimitOrBetterParams:
        """As the model has it."""
        return LimitOrBetterParams(
            rest_venue_rule=RestVenue(self.rest_venue_rule),
            reprice_ticks=self.reprice_ticks,
            stand_ms=self.stand_ms,
            round_wait_ms=self.round_wait_ms,
        )


class SlicesBody(ParamsBody):
    """`slices` parts, or one every `slice_interval`: exactly one of both."""

    slices: int | None = Field(default=None, ge=1, le=SLICES_MAX)
    slice_interval: Duration | None = None
    round_wait_ms: int = Field(default=250, ge=1, le=60_000)

    def slicing(self, catch_up: CatchUp = CatchUp.CAP, cap: str = "2") -> Slicing:
        """As the model has it."""
        if (self.slices is None) == (self.slice_interval is None):
            raise BadInput("params.slices", "give slices or slice_interval, and only one of them")
        slice_ms = None if self.slice_interval is None else milliseconds(self.slice_interval)
        if slice_ms == 0:
            raise BadInput("params.slice_interval", "must be more than zero")
        if Decimal(cap) < 1:
            raise BadInput("params.catch_up_cap", "must be at least 1")
        return Slicing(
            slices=self.slices,
            slice_ms=slice_ms,
            catch_up=catch_up,
            catch_up_cap=Decimal(cap),
            round_wait_ms=self.round_wait_ms,
        )


class TwapBody(SlicesBody):
    """Parameters of TWAP."""

    catch_up: Literal["none", "spread", "cap"] = "cap"
    catch_up_cap: Amount = "2"
    child_style: Literal["taker"] = "taker"

    def model(self) -> PolicyParams:
        """As the model has it."""
        return TwapParams(slicing=self.slicing(CatchUp(self.catch_up.upper()), self.catch_up_cap))


class VwapBody(TwapBody):
    """Parameters of VWAP: the curve itself, or the name of a stored one, which is looked up when the order is taken."""

    curve: CurveBody | None = None
    curve_id: Name | None = None
    curve_asof: Name | None = None

    def check(self) -> None:
        """Raises `BadInput` for what cannot be, as far as it can be told before a curve is looked up."""
        self.slicing(CatchUp(self.catch_up.upper()), self.catch_up_cap)
        named = self.curve_id is not None or self.curve_asof is not None
        if self.curve is None and not named:
            raise BadInput("params.curve", "is missing: give it, or curve_id and curve_asof of a stored one")
        if self.curve is not None and named:
            raise BadInput("params.curve", "is another way to name a stored one by curve_id: give one of them")
        if self.curve is not None:
            self.curve.model("params.curve")
        elif self.curve_id is None:
            raise BadInput("params.curve_id", "is missing: a stored curve has a name and a day")
        elif self.curve_asof is None:
            raise BadInput("params.curve_asof", "is missing: a stored curve has a name and a day")

    def model(self) -> PolicyParams:
        """As the model has it."""
        self.check()
        if self.curve is None:
            raise BadInput("params.curve_id", "is looked up when an order is taken: here, give params.curve itself")
        slicing = self.slicing(CatchUp(self.catch_up.upper()), self.catch_up_cap)
        return VwapParams(curve=self.curve.model("params.curve"), slicing=slicing)


class PovBody(ParamsBody):
    """Parameters of POV."""

    target_rate: Share
    max_rate: Share | None = None
    min_rate: Share | None = None
    window: Duration = "1m"
    catch_up_cap: Amount = "2"

    def model(self) -> PovParams:
        """As the model has it."""
        target, most = Decimal(self.target_rate), None if self.max_rate is None else Decimal(self.max_rate)
        if not 0 < target < 1:
            raise BadInput("params.target_rate", "must be more than 0 and less than 1")
        if most is not None and not target <= most < 1:
            raise BadInput("params.max_rate", "must be at least the target_rate and less than 1")
        least = None if self.min_rate is None else Decimal(self.min_rate)
        if least is not None and not 0 < least <= target:
            raise BadInput("params.min_rate", "must be more than 0 and at most the target_rate")
        if least is not None and most is None:
            raise BadInput("params.min_rate", "needs a max_rate: it lifts every other bound on a window")
        if Decimal(self.catch_up_cap) < 1:
            raise BadInput("params.catch_up_cap", "must be at least 1")
        window_ms = milliseconds(self.window)
        if window_ms == 0:
            raise BadInput("params.window", "must be more than zero")
        cap = Decimal(self.catch_up_cap)
        return PovParams(target_rate=target, max_rate=most, window_ms=window_ms, catch_up_cap=cap, min_rate=least)


class IsBody(SlicesBody):
    """Parameters of IS."""

    urgency: Literal["LOW", "MEDIUM", "HIGH"] = "MEDIUM"
    risk_aversion: Amount | None = None
    volatility_bps: Amount | None = None

    def model(self) -> IsParams:
        """As the model has it."""
        if (self.risk_aversion is None) != (self.volatility_bps is None):
            raise BadInput("params.volatility_bps", "goes with risk_aversion: give both, or the urgency alone")
        return IsParams(
            slicing=self.slicing(),
            urgency=Urgency(self.urgency),
            risk_aversion=_number(self.risk_aversion),
            volatility_bps=_number(self.volatility_bps),
        )


class IcebergBody(ParamsBody):
    """Parameters of ICEBERG."""

    display_quantity: Amount
    refresh: Literal["on_fill", "timed"] = "on_fill"
    refresh_ms: int = Field(default=1_000, ge=0, le=86_400_000)
    variance_pct: int = Field(default=0, ge=0, le=90)

    def model(self) -> IcebergParams:
        """As the model has it."""
        shown = Decimal(self.display_quantity)
        if shown == 0:
            raise BadInput("params.display_quantity", "must be more than zero")
        if self.refresh == "timed" and self.refresh_ms < _REPRICE_MS_LEAST:
            raise BadInput("params.refresh_ms", f"must be at least {_REPRICE_MS_LEAST} where the clock refreshes")
        return IcebergParams(
            display_quantity=shown,
            refresh=Refresh(self.refresh.upper()),
            refresh_ms=self.refresh_ms,
            variance_pct=self.variance_pct,
        )


class PegBody(ParamsBody):
    """Parameters of PEG."""

    peg_to: Literal["near", "mid", "far"] = "near"
    offset: Amount = "0"
    offset_in: Literal["PRICE", "BPS", "DEPTH"] = "PRICE"
    min_reprice_interval: Duration = "1s"

    def model(self) -> PegParams:
        """As the model has it."""
        if milliseconds(self.min_reprice_interval) < _REPRICE_MS_LEAST:
            raise BadInput("params.min_reprice_interval", f"must be at least {_REPRICE_MS_LEAST}ms")
        return PegParams(
            peg_to=PegTo(self.peg_to.upper()),
            offset=Decimal(self.offset),
            offset_in=OffsetIn(self.offset_in),
            min_reprice_interval_ms=milliseconds(self.min_reprice_interval),
        )


class SniperBody(ParamsBody):
    """Parameters of SNIPER."""

    trigger_price: Amount
    min_quantity: Amount
    look_every_ms: int = Field(default=1_000, ge=100, le=3_600_000)

    def model(self) -> SniperParams:
        """As the model has it."""
        if Decimal(self.trigger_price) == 0:
            raise BadInput("params.trigger_price", "must be more than zero")
        return SniperParams(
            trigger_price=Decimal(self.trigger_price),
            min_quantity=Decimal(self.min_quantity),
            look_every_ms=self.look_every_ms,
        )


class PassiveThenSweepBody(SlicesBody):
    """Parameters of PASSIVE_THEN_SWEEP."""

    repeg_ms: int = Field(default=1_000, ge=100, le=3_600_000)
    stop_ticks: int = Field(default=10, ge=1, le=100_000)
    patience_pct: int = Field(default=70, ge=0, le=100)
    venues_max: int = Field(default=2, ge=1, le=64)
    placement: Literal["even", "queues"] = "even"

    def model(self) -> PassiveThenSweepParams:
        """As the model has it."""
        return PassiveThenSweepParams(
            slicing=self.slicing(),
            repeg_ms=self.repeg_ms,
            stop_ticks=self.stop_ticks,
            patience_pct=self.patience_pct,
            venues_max=self.venues_max,
            placement=Placement(self.placement.upper()),
        )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def written(params: PolicyParams) -> dict[str, object]:
    """The parameters as an order would have to say them, every default named."""
    match params:
        case SweepParams():
            rounds: dict[str, object] = {"rounds_max": params.rounds_max, "round_wait_ms": params.round_wait_ms}
            return rounds | {"reach_bps": _text(params.reach_bps) or "0"}
        case BestSingleParams():
            return {"rounds_max": params.rounds_max, "round_wait_ms": params.round_wait_ms}
        case LimitOrBetterParams():
            return {
                "rest_venue_rule": params.rest_venue_rule.value,
                "reprice_ticks": params.reprice_ticks,
                "stand_ms": params.stand_ms,
                "round_wait_ms": params.round_wait_ms,
            }
        case TwapParams():
            return _slicing(params.slicing) | _catching_up(params.slicing)
        case VwapParams():
            return {"curve": curve_written(params.curve)} | _slicing(params.slicing) | _catching_up(params.slicing)
        case PovParams():
            return {
                "target_rate": plain(params.target_rate),
                "max_rate": _text(params.max_rate),
                "min_rate": _text(params.min_rate),
                "window": duration(params.window_ms),
                "catch_up_cap": plain(params.catch_up_cap),
            }
        case IsParams():
            return _slicing(params.slicing) | {
                "urgency": params.urgency.value,
                "risk_aversion": _text(params.risk_aversion),
                "volatility_bps": _text(params.volatility_bps),
            }
        case IcebergParams():
            return {
                "display_quantity": plain(params.display_quantity),
                "refresh": params.refresh.value.lower(),
                "refresh_ms": params.refresh_ms,
                "variance_pct": params.variance_pct,
            }
        case PegParams():
            return {
                "peg_to": params.peg_to.value.lower(),
                "offset": plain(params.offset),
                "offset_in": params.offset_in.value,
                "min_reprice_interval": duration(params.min_reprice_interval_ms),
            }
        case SniperParams():
            return {
                "trigger_price": plain(params.trigger_price),
                "min_quantity": plain(params.min_quantity),
                "look_every_ms": params.look_every_ms,
            }
        case PassiveThenSweepParams():
            return _slicing(params.slicing) | {
                "repeg_ms": params.repeg_ms,
                "stop_ticks": params.stop_ticks,
                "patience_pct": params.patience_pct,
                "venues_max": params.venues_max,
                "placement": params.placement.value.lower(),
            }


def _slicing(slicing: Slicing) -> dict[str, object]:
    interval = None if slicing.slice_ms is None else duration(slicing.slice_ms)
    return {"slices": slicing.slices, "slice_interval": interval, "round_wait_ms": slicing.round_wait_ms}


def _catching_up(slicing: Slicing) -> dict[str, object]:
    catch_up: dict[str, object] = {
        "catch_up": slicing.catch_up.value.lower(),
        "catch_up_cap": plain(slicing.catch_up_cap),
    }
    return catch_up | {"child_style": "taker"}
