"""What every schedule promises, whatever it is asked for."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.pov import pov_due, pov_quantity
from policies.slices import borders_ns, even_shares, middles_ns, schedule, shares_of
from policies.twap import Twap, twap_slices
from policies.vwap import weights_between
from router.model.ids import Nanos
from router.model.money import exactly
from router.model.policies import CatchUp, Envelope, PovParams, Randomize, Slicing, TwapParams, VolumeCurve
from router.ports.policy import Progress, Volume
from tests.policies.makers import HOUR, START, S, fresh, order

D = Decimal
CENT = D("0.01")
LOTS = st.sampled_from([D("0.01"), D("0.001"), D("0.5"), D("1e-8"), D(3)])
QUANTITIES = st.decimals(min_value="0.001", max_value="5000", places=4)
COUNTS = st.integers(1, 60)
CHANCE = st.builds(Randomize, seed=st.integers(0, 2**32), size_pct=st.integers(0, 40), time_pct=st.integers(0, 30))
MAYBE_CHANCE = st.none() | CHANCE


@given(QUANTITIES, COUNTS, LOTS, st.integers(0, 40), MAYBE_CHANCE)
def test_a_schedule_is_whole_rising_and_above_the_minimum(
    quantity: Decimal, count: int, lot: Decimal, minimum_lots: int, randomize: Randomize | None
) -> None:
    """To the lot; no slice below what a venue takes, unless the whole quantity is."""
    times = middles_ns(borders_ns(START, Nanos(START + HOUR), count), randomize)
    smallest = lot * minimum_lots

    with exactly():
        found = schedule(quantity, even_shares(count, randomize), times, lot, smallest)

    whole = quantity // lot * lot
    assert sum((one.quantity for one in found), D(0)) == whole
    assert all(one.quantity > 0 and one.quantity % lot == 0 for one in found)
    assert all(one.quantity >= min(smallest, whole) for one in found)
    assert all(before.at_ns < after.at_ns for before, after in pairwise(found))
    assert all(START <= one.at_ns < START + HOUR for one in found)


@given(st.lists(st.decimals(min_value=0, max_value=100, places=3), min_size=1, max_size=40), QUANTITIES, LOTS)
def test_uneven_schedules_are_whole_too(weights: list[Decimal], quantity: Decimal, lot: Decimal) -> None:
    """A window without volume gets no slice."""
    weights = [*weights, D(1)]
    times = middles_ns(borders_ns(START, Nanos(START + HOUR), len(weights)))

    with exactly():
        found = schedule(quantity, shares_of(weights), times, lot, D(0))

    assert sum((one.quantity for one in found), D(0)) == quantity // lot * lot


@given(COUNTS, CHANCE)
def test_chance_stays_within_its_bounds(count: int, randomize: Randomize) -> None:
    """Sizes within `size_pct` of their own, times within `time_pct` of a window, never a slice away from the line."""
    borders = borders_ns(START, Nanos(START + HOUR), count)
    shares, times = even_shares(count, randomize), middles_ns(borders, randomize)
    sizes = [(after - before) * count for before, after in pairwise((D(0), *shares))]
    window = D(HOUR) / count

    assert all(abs(size - 1) <= D(randomize.size_pct) / 100 + D("1e-20") for size in sizes)
    for number, at_ns in enumerate(times):
        middle = START + window * number + window / 2
        assert abs(at_ns - middle) <= window * randomize.time_pct / 100 + 2
        on_the_line = (D(at_ns) - START) / window
        before = shares[number - 1] * count if number else D(0)
        assert abs(before - on_the_line) <= 1 + D("1e-9")
        assert abs(shares[number] * count - on_the_line) <= 1 + D("1e-9")


SEED_7 = [(10_168_660_000, D("3.51")), (33_051_440_000, D("2.92")), (51_253_480_000, D("3.57"))]


def test_the_same_seed_says_the_same_everywhere() -> None:
    """Written down once: another process, another version of Python, the same schedule."""
    parent = order(
        "TWAP",
        TwapParams(slicing=Slicing(slices=3)),
        envelope=Envelope(duration_ms=60_000, randomize=Randomize(seed=7)),
    )
    params = parent.params
    assert isinstance(params, TwapParams)

    found = [(one.at_ns - START, one.quantity) for one in twap_slices(fresh(parent), params)]

    assert found == SEED_7


def test_a_curve_is_followed_through_midnight_and_weekend() -> None:
    """Friday's last hour, and the weekend's own first one."""
    day = tuple(D(hour + 1) for hour in range(24))
    curve = VolumeCurve(id="c", asof="2026-01-01", built_from="a test", weekday=day, weekend=(D(5),) * 24)
    friday_23 = START + 23 * HOUR

    borders = [Nanos(friday_23), Nanos(friday_23 + HOUR), Nanos(friday_23 + 3 * HOUR // 2), Nanos(friday_23 + 2 * HOUR)]

    assert weights_between(curve, borders) == (24, D("2.5"), D("2.5"))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.decimals(0, 1, places=2)), max_size=40),
    st.sampled_from(list(CatchUp)),
    st.integers(1, 12),
    MAYBE_CHANCE,
)
def test_a_target_depends_on_facts_alone(
    moments: list[tuple[int, Decimal]], catch_up: CatchUp, slices: int, randomize: Randomize | None
) -> None:
    """A policy that saw everything and one that has just started answer alike; and nothing is ever sent twice."""
    slicing = Slicing(slices=slices, catch_up=catch_up)
    parent = order(
        "TWAP", TwapParams(slicing=slicing), "7.77", envelope=Envelope(duration_ms=3_600_000, randomize=randomize)
    )
    at, now_ns, veteran = fresh(parent, slice_min=D("0.05")), START, Twap()
    for seconds, filled in moments:
        now_ns = Nanos(now_ns + seconds * S)
        with exactly():
            target, again = veteran.target(at, now_ns, None), Twap().target(at, now_ns, None)
        assert target == again
        assert target.quantity <= parent.quantity
        due = target.quantity - at.committed
        assert due >= 0
        if due > 0:
            done = (due * filled).quantize(CENT)
            at = replace(
                at, filled=at.filled + done, rounds=at.rounds + 1, last_round_ns=now_ns, last_round_sent=done > 0
            )


def play(parent_at: Progress, until_ns: int, fill: Decimal = D(1)) -> list[tuple[int, Decimal]]:
    """Rounds of a policy that is asked exactly when it wants to be, each filled to this share."""
    at, now_ns, rounds = parent_at, START, []
    while now_ns < until_ns:
        with exactly():
            target = Twap().target(at, Nanos(now_ns), None)
        if target.finished:
            break
        if (due := target.quantity - at.committed) > 0:
            rounds.append((now_ns - START, due))
            done = (due * fill).quantize(CENT)
            at = replace(at, filled=at.filled + done, last_round_ns=Nanos(now_ns), last_round_sent=True)
            continue
        assert target.not_before_ns is not None
        assert target.not_before_ns > now_ns
        now_ns = target.not_before_ns
    return rounds


def test_slices_come_one_by_one() -> None:
    """In the middle of their windows, each once."""
    parent = order("TWAP", TwapParams(slicing=Slicing(slice_ms=900_000)), "1")

    assert play(fresh(parent), START + HOUR) == [
        (450 * S, D("0.25")),
        (1350 * S, D("0.25")),
        (2250 * S, D("0.25")),
        (3150 * S, D("0.25")),
    ]


def test_what_is_missed_is_made_up_for_as_asked() -> None:
    """Half of each slice fills: nothing is made up, the rest is spread, or twice a slice is the most."""
    rounds = {}
    for catch_up in CatchUp:
        parent = order("TWAP", TwapParams(slicing=Slicing(slices=4, catch_up=catch_up)), "4")
        rounds[catch_up] = [due for _, due in play(fresh(parent), START + 3151 * S, D("0.5"))][:4]

    assert rounds[CatchUp.NONE] == [1, 1, 1, 1]
    assert rounds[CatchUp.SPREAD] == [1, D("1.16"), D("1.46"), D("2.19")]
    assert rounds[CatchUp.CAP] == [1, D("1.5"), D("1.75"), D("1.87")]


@given(
    st.lists(st.tuples(st.decimals(0, 500, places=3), st.decimals(0, 1, places=3)), max_size=30),
    st.decimals("0.01", "0.5", places=2),
    st.none() | st.decimals("0.01", "0.6", places=2),
)
def test_a_share_of_volume_is_kept_in_every_window(
    windows: list[tuple[Decimal, Decimal]], rate: Decimal, most: Decimal | None
) -> None:
    """Whatever fills of what was due: never above the rate of all there was, nor above the most within a window."""
    params, committed, total, recent = PovParams(target_rate=rate, max_rate=most), D(0), D(0), D(0)
    for others, fills in windows:
        total, recent = total + others, recent + others
        with exactly():
            due = pov_due(committed, Volume(total=total, recent=recent), params, CENT)
        done = (due * fills).quantize(CENT, rounding="ROUND_FLOOR")
        committed += done
        assert due * (1 - rate) <= rate * params.catch_up_cap * recent
        if most is not None:
            assert due * (1 - most) <= most * recent
        assert committed <= pov_quantity(total, rate, CENT)
        if done:
            recent = D(0)
