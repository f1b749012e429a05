"""`sor whatif schedule`: when a policy would trade how much, from a file alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field
from rich.console import RenderableType
from rich.table import Table

from policies.almgren_chriss import Impact, growth, growth_of_half_life, holdings, kappa, outcome
from policies.passive_then_sweep import patient_ns, slices_of
from policies.pov import pov_due
from policies.shortfall import HALF_LIVES, next_slice
from policies.slices import Slice, borders_ns, even_shares, middles_ns, number_of_slices, schedule, shares_of
from policies.vwap import weights_between
from router.cli.case import Case, case_of
from router.model.errors import BadInput
from router.model.ids import Nanos
from router.model.money import ONE, ZERO, plain, ratio, roughly
from router.model.policies import IsParams, PassiveThenSweepParams, PovParams, Randomize, TwapParams, VwapParams
from router.model.rounding import down
from router.ports.policy import Volume
from router.requests import parameters
from router.requests.fields import Amount, Body, Duration, Moment, Signed, milliseconds, moment, nanoseconds
from router.requests.orders import RandomizeBody

_MS = 1_000_000
Report = dict[str, Any]


class ImpactBody(Body):
    """What trading does to the price, over one slice. With `risk_aversion` it takes the place of an urgency."""

    sigma: Amount
    epsilon: Amount = "0"
    eta: Amount
    gamma: Amount = "0"
    risk_aversion: Signed


class ScheduleCase(Case):
    """A quantity and a time to work it in. `others`: what others trade in each window, for POV."""

    policy: Literal["TWAP", "VWAP", "POV", "IS", "PASSIVE_THEN_SWEEP"]
    quantity: Amount
    lot: Amount = "0.00000001"
    slice_min: Amount = "0"
    start_time: Moment = "1970-01-01T00:00:00Z"
    duration: Duration
    params: dict[str, Any]
    randomize: RandomizeBody | None = None
    others: list[Amount] = Field(default_factory=list, max_length=10_000)
    impact: ImpactBody | None = None


_PARAMS: dict[str, type[parameters.ParamsBody]] = {
    "TWAP": parameters.TwapBody,
    "VWAP": parameters.VwapBody,
    "POV": parameters.PovBody,
    "IS": parameters.IsBody,
    "PASSIVE_THEN_SWEEP": parameters.PassiveThenSweepBody,
}


def schedule_report(data: object) -> Report:
    """The schedule of a case. Raises `BadInput` for a case that is not one."""
    case = case_of(ScheduleCase, data)
    params = case_of(_PARAMS[case.policy], case.params, "params").model()
    if Decimal(case.lot) == 0:
        raise BadInput("lot", "must be more than zero")
    if milliseconds(case.duration) == 0:
        raise BadInput("duration", "must be more than zero")
    if case.impact is not None and case.policy != "IS":
        raise BadInput("impact", "goes with the policy IS")
    match params:
        case PovParams():
            return _pov(case, params)
        case IsParams():
            return _shortfall(case, params)
        case TwapParams() | VwapParams():
            return _sliced(case, _planned(case, params))
        case PassiveThenSweepParams():
            return _patient(case, params)
    raise AssertionError(params)


def _times(case: ScheduleCase) -> tuple[Nanos, Nanos]:
    starts_ns = nanoseconds(case.start_time)
    return starts_ns, Nanos(starts_ns + milliseconds(case.duration) * _MS)


def _planned(case: ScheduleCase, params: TwapParams | VwapParams) -> tuple[Slice, ...]:
    count = number_of_slices(params.slicing, *_times(case))
    borders, chance = borders_ns(*_times(case), count), _chance(case)
    shares = (
        even_shares(count, chance)
        if isinstance(params, TwapParams)
        else shares_of(weights_between(params.curve, borders))
    )
    return schedule(
        Decimal(case.quantity), shares, middles_ns(borders, chance), Decimal(case.lot), Decimal(case.slice_min)
    )


def _patient(case: ScheduleCase, params: PassiveThenSweepParams) -> Report:
    """When each slice begins to rest, and from when on what is left of it is taken."""
    slices, window_ns = slices_of(
        Decimal(case.quantity), params, _times(case), _chance(case), Decimal(case.lot), Decimal(case.slice_min)
    )
    report = _sliced(case, slices)
    for one, planned in zip(report["slices"], slices, strict=True):
        one["takes_from"] = moment(patient_ns(planned, window_ns, params))
    return report


def _chance(case: ScheduleCase) -> Randomize | None:
    if case.randomize is None:
        return None
    if case.randomize.seed is None:
        raise BadInput("randomize.seed", "is missing: without an order there is nothing to derive it from")
    return Randomize(seed=case.randomize.seed, size_pct=case.randomize.size_pct, time_pct=case.randomize.time_pct)


def _sliced(case: ScheduleCase, slices: Sequence[Slice], more: Report | None = None) -> Report:
    done = slices[-1].cumulative if slices else ZERO
    return {
        "policy": case.policy,
        "quantity": case.quantity,
        "slices": [
            {"at": moment(one.at_ns), "quantity": plain(one.quantity), "cumulative": plain(one.cumulative)}
            for one in slices
        ],
        "residual": plain(Decimal(case.quantity) - done),
    } | (more or {})


def _pov(case: ScheduleCase, params: PovParams) -> Report:
    """What would be due at each window's end, if all that was due before has filled."""
    if not case.others:
        raise BadInput("others", "is missing: POV follows what others trade in each window")
    starts_ns, _ = _times(case)
    quantity, lot = Decimal(case.quantity), Decimal(case.lot)
    done = total = recent = ZERO
    slices = []
    for number, others in enumerate(map(Decimal, case.others), 1):
        total, recent = total + others, recent + others
        due = min(pov_due(done, Volume(total=total, recent=recent), params, lot), quantity - done)
        if due > 0 and (due >= Decimal(case.slice_min) or due == quantity - done):
            done, recent = done + due, ZERO
            at_ns = Nanos(starts_ns + number * params.window_ms * _MS)
            slices.append(Slice(at_ns=at_ns, quantity=due, cumulative=done))
    return _sliced(case, slices)


def _shortfall(case: ScheduleCase, params: IsParams) -> Report:
    """Each slice the first of the best schedule for what is left, as the policy works it."""
    count = number_of_slices(params.slicing, *_times(case))
    borders, lot = borders_ns(*_times(case), count), Decimal(case.lot)
    whole = left = down(Decimal(case.quantity), lot)
    factor = _factor(case, params, count)
    slices = []
    for number in range(count):
        size = next_slice(left, factor, count - number, lot, Decimal(case.slice_min))
        if size <= 0:
            continue
        left -= size
        slices.append(Slice(at_ns=borders[number], quantity=size, cumulative=whole - left))
    return _sliced(case, slices, _expectation(case, factor, count))


def _factor(case: ScheduleCase, params: IsParams, count: int) -> Decimal:
    if case.impact is None:
        return growth_of_half_life(ratio(Decimal(count), HALF_LIVES[params.urgency]), ONE)
    impact = _impact(case.impact)
    if impact.eta_tilde(ONE) <= 0:
        raise BadInput("impact.eta", "must be more than half of gamma, or trading fast would cost nothing")
    return growth(Decimal(case.impact.risk_aversion), impact, ONE)


def _impact(body: ImpactBody) -> Impact:
    return Impact(
        sigma=Decimal(body.sigma), epsilon=Decimal(body.epsilon), eta=Decimal(body.eta), gamma=Decimal(body.gamma)
    )


def _expectation(case: ScheduleCase, factor: Decimal, count: int) -> Report:
    """Of the schedule before it is rounded to lots."""
    if case.impact is None:
        return {}
    held = holdings(Decimal(case.quantity), factor, count)
    found = outcome(held, _impact(case.impact), ONE)
    with roughly():
        pace = kappa(factor, ONE) if factor > 1 else None
        return {
            "holdings": [f"{one:.10g}" for one in held],
            "expected_cost": f"{found.expected:.10g}",
            "variance": f"{found.variance:.10g}",
            "half_life_slices": None if pace is None else f"{ratio(ONE, pace):.10g}",
        }


def schedule_table(report: Report) -> RenderableType:
    """The slices, one a line."""
    title = f"{report['policy']} {report['quantity']}, {report['residual']} left over"
    patient = any("takes_from" in one for one in report["slices"])
    table = Table("at", "quantity", "cumulative", *(("takes from",) if patient else ()), title=title)
    for one in report["slices"]:
        table.add_row(one["at"], one["quantity"], one["cumulative"], *((one["takes_from"],) if patient else ()))
    return table
