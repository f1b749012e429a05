"""What is said of a curve beside the order that goes by it."""

from dataclasses import replace
from decimal import Decimal

from router.curves.days import DAY_NS, day_name, day_number
from router.curves.doubts import curve_doubts
from router.model.ids import InstrumentId, Nanos
from router.model.policies import VolumeCurve

BTC = InstrumentId("BTC/USD")
LAST = day_number("2026-01-31")
GOOD = VolumeCurve(
    id="c",
    asof="2026-01-31",
    built_from="a test",
    weekday=(Decimal(1),),
    weekend=(Decimal(1),),
    instrument=BTC,
    days_used=tuple(day_name(LAST - back) for back in range(24, -1, -1)),
)


def doubts(curve: VolumeCurve, days_later: int = 1) -> tuple[str, ...]:
    return curve_doubts(curve, BTC, Nanos((LAST + days_later) * DAY_NS + 5))


def test_a_curve_of_the_last_weeks_is_not_doubted() -> None:
    """Up to its last day."""
    assert doubts(GOOD, 0) == doubts(GOOD, 30) == ()


def test_each_doubt_is_a_sentence() -> None:
    """Age, days, whose market; unknown is said to be unknown."""
    few = replace(GOOD, days_used=("2026-01-30", "2026-01-31"))
    assert doubts(GOOD, 31) == ("curve c of 2026-01-31 is 31 days old; more than 30 are many",)
    assert doubts(GOOD, -1) == ("curve c of 2026-01-31 is of a day after 2026-01-30",)
    assert doubts(few) == (
        "curve c of 2026-01-31 was built from 1 weekdays; fewer than 14 are few",
        "curve c of 2026-01-31 was built from 1 days of a weekend; fewer than 6 are few",
    )
    assert doubts(replace(GOOD, instrument=InstrumentId("ETH/USD"))) == (
        "curve c of 2026-01-31 was built for ETH/USD, not for BTC/USD",
    )
    assert doubts(replace(GOOD, asof="lately", days_used=(), instrument=None)) == (
        "curve c of lately: how old it is cannot be told",
        "curve c of lately does not say which days it was built from",
    )
