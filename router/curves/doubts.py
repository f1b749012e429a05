"""What speaks against trusting a curve: said with the order that uses it, never a reason to refuse it."""

from router.curves.days import DAY_NS, day_name, day_number, is_weekend
from router.model.ids import InstrumentId, Nanos
from router.model.policies import VolumeCurve

AGE_DAYS_MAX = 30
WEEKDAYS_MIN = 14
WEEKEND_DAYS_MIN = 6
"""Together 20 days, as few as a curve's shape settles on; crypto profiles drift within a month or two."""


def curve_doubts(curve: VolumeCurve, instrument: InstrumentId, at_ns: Nanos) -> tuple[str, ...]:
    """A sentence for each doubt about using this curve for an order of `instrument` accepted then."""
    name = f"curve {curve.id} of {curve.asof}"
    doubts = []
    if curve.instrument is not None and curve.instrument != instrument:
        doubts.append(f"{name} was built for {curve.instrument}, not for {instrument}")
    doubts += _of_age(curve, name, at_ns)
    if not curve.days_used:
        doubts.append(f"{name} does not say which days it was built from")
        return tuple(doubts)
    weekend = sum(map(is_weekend, curve.days_used))
    for count, wanted, kind in (
        (len(curve.days_used) - weekend, WEEKDAYS_MIN, "weekdays"),
        (weekend, WEEKEND_DAYS_MIN, "days of a weekend"),
    ):
        if count < wanted:
            doubts.append(f"{name} was built from {count} {kind}; fewer than {wanted} are few")
    return tuple(doubts)


def _of_age(curve: VolumeCurve, name: str, at_ns: Nanos) -> list[str]:
    today = at_ns // DAY_NS
    try:
        age_days = today - day_number(curve.asof)
    except ValueError:
        return [f"{name}: how old it is cannot be told"]
    if age_days > AGE_DAYS_MAX:
        return [f"{name} is {age_days} days old; more than {AGE_DAYS_MAX} are many"]
    if age_days < 0:
        return [f"{name} is of a day after {day_name(today)}"]
    return []
