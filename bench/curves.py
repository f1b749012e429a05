"""`python -m bench curves`: how far a volume curve is from a day it has not seen, beside a flat line.

From recorded minute bars (`../shared/data/bars-lean`, or `SOR_DATA_DIR`). Curves and schedules are the shipped ones:
`sor curves build`'s days and shares, VWAP's weights over its slices. A day of the record that is not whole is left out.

Misplaced: half the sum of |share said - share traded| over the buckets, the part of an order that stands in the wrong
one. Worst lead or lag: the most by which what should be done differs from what was traded. Both of a day, in %. VWAP:
orders of four hours, six a day, in slices of the bucket's length; the mean over them of how far their price is from the
market's, in bps, a bar's price being (high + low + close) / 3, a slice's the plain mean of its minutes.
"""

import csv
import gzip
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

from policies.slices import borders_ns
from policies.vwap import weights_between
from router.cli.curve_files import read_files
from router.curves.days import DAY_MINUTES, DAY_NS, DayVolume, chosen, day_number
from router.curves.estimate import curve_shares
from router.model.ids import Nanos
from router.model.policies import VolumeCurve

FOLDER = Path(os.environ.get("SOR_DATA_DIR", "../shared/data")) / "bars-lean"
SILENCE_MAX = 60
WINDOWS = 6
BUCKETS = {60: 24, 5: 288}
BPS = 10_000


@dataclass(frozen=True)
class Case:
    """What a curve is built from, and the day it is held against: names of files between venue and `_trade`."""

    name: str
    learnt: tuple[str, ...]
    day: str


CASES = (
    Case("BTC/USD, Thu for Fri", ("coinbase_btcusd_minute_20180405",), "coinbase_btcusd_minute_20180406"),
    Case("BTC/EUR, Thu for Fri", ("coinbase_btceur_minute_20180405",), "coinbase_btceur_minute_20180406"),
    Case("LTC/USD, Thu for Fri", ("coinbase_ltcusd_minute_20180405",), "coinbase_ltcusd_minute_20180406"),
    *(
        Case(
            f"four pairs' Thu for {name}'s Fri",
            tuple(f"coinbase_{one}_minute_20180405" for one in ("btcusd", "btceur", "ethusd", "ltcusd")),
            f"coinbase_{pair}_minute_20180406",
        )
        for name, pair in (("BTC/USD", "btcusd"), ("BTC/EUR", "btceur"), ("LTC/USD", "ltcusd"))
    ),
    Case("BTC/USD 2016, Fri for Sat", ("coinbase_btcusd_minute_20161007",), "coinbase_btcusd_minute_20161008"),
    Case("another venue, same day", ("bybit_btcusdt_minute_20221213",), "binance_btcbusd_minute_20221213"),
)


@dataclass(frozen=True)
class Distance:
    """Of a curve from a day: `misplaced` and `lag` as shares of the day, `off_bps` from its VWAP."""

    misplaced: float
    lag: float
    off_bps: float


def run(*, quick: bool) -> Iterator[str]:
    """One table per length of a bucket."""
    if not FOLDER.is_dir():
        yield f"no recorded bars at {FOLDER}: set SOR_DATA_DIR"
        return
    for minutes, buckets in BUCKETS.items():
        if quick and minutes != max(BUCKETS):
            continue
        lines = [
            f"\nbuckets of {minutes} min | misplaced % (flat) | worst lead or lag % (flat) | off VWAP bps (flat)",
            "---|---|---|---",
        ]
        for case in CASES:
            curve = _curve(case, buckets)
            if curve is None:
                lines.append(f"{case.name} | a day is not whole | |")
                continue
            flat = _flat(buckets)
            said, even = _distance(curve, case.day, buckets), _distance(flat, case.day, buckets)
            lines.append(
                f"{case.name} | {said.misplaced:.1%} ({even.misplaced:.1%}) | {said.lag:.1%} ({even.lag:.1%})"
                f" | {said.off_bps:.2f} ({even.off_bps:.2f})".replace("%", "")
            )
        yield "\n".join(lines)


def _file(name: str) -> Path:
    return FOLDER / f"crypto_{name}_trade.csv.gz"


def _days(name: str, buckets: int) -> tuple[DayVolume, ...]:
    series, _ = read_files([_file(name)], bars=True, buckets=buckets)
    return chosen(series, silence_max=SILENCE_MAX)[0]


def _curve(case: Case, buckets: int) -> VolumeCurve | None:
    days = [_days(name, buckets) for name in (*case.learnt, case.day)]
    if not all(days):
        return None
    return _named(curve_shares([one.volumes for known in days[:-1] for one in known]))


def _flat(buckets: int) -> VolumeCurve:
    return _named((Decimal(1),) * buckets)


def _named(shares: tuple[Decimal, ...]) -> VolumeCurve:
    return VolumeCurve(id="bench", asof="", built_from="", weekday=shares, weekend=shares)


def _distance(curve: VolumeCurve, day: str, buckets: int) -> Distance:
    (real,) = _days(day, buckets)
    traded = _shares(real.volumes)
    begins = day_number(real.day) * DAY_NS
    said = _between(curve, begins, begins + DAY_NS, buckets)
    apart = [one - other for one, other in zip(said, traded, strict=True)]
    off = [_off_bps(curve, day, begins, number, buckets // WINDOWS) for number in range(WINDOWS)]
    return Distance(
        misplaced=sum(map(abs, apart)) / 2,
        lag=max(map(abs, accumulate(apart))),
        off_bps=sum(off) / len(off),
    )


def _between(curve: VolumeCurve, begins: int, ends: int, count: int) -> list[float]:
    """The shares of an order's slices, as the policy weighs them."""
    return _shares(weights_between(curve, borders_ns(Nanos(begins), Nanos(ends), count)))


def _shares(weights: Sequence[Decimal]) -> list[float]:
    total = sum(weights)
    return [float(one / total) for one in weights]


def _off_bps(curve: VolumeCurve, day: str, begins: int, window: int, slices: int) -> float:
    length = DAY_MINUTES // WINDOWS
    bars = _bars(day)[window * length : (window + 1) * length]
    market = sum(price * volume for price, volume in bars) / sum(volume for _, volume in bars)
    starts = begins + window * length * DAY_NS // DAY_MINUTES
    shares = _between(curve, starts, starts + length * DAY_NS // DAY_MINUTES, slices)
    step = length // slices
    means = [sum(price for price, _ in bars[at * step : (at + 1) * step]) / step for at in range(slices)]
    ours = sum(share * mean for share, mean in zip(shares, means, strict=True))
    return abs(ours / market - 1) * BPS


def _bars(day: str) -> list[tuple[float, float]]:
    """Price and volume of each minute; a minute without a trade has the price before it."""
    text = gzip.decompress(_file(day).read_bytes()).decode()
    told = {int(row[0]) // 60_000: tuple(map(float, row[2:])) for row in csv.reader(io.StringIO(text))}
    first = told[min(told)]
    found, price = [], first[2]
    for minute in range(DAY_MINUTES):
        high, low, close, volume = told.get(minute, (price, price, price, 0.0))
        found.append(((high + low + close) / 3, volume))
        price = close
    return found
