"""Which days a curve learns from, and what is said of the others."""

from decimal import Decimal

from router.curves.days import DAY_MINUTES, MINUTE_NS, DayCount, chosen, day_name, day_number, is_weekend

FRIDAY = day_number("2026-01-30")
HOUR = 60


def day(*silent: tuple[int, int], quantity: str = "1") -> DayCount:
    """A day with something in every minute but the silent ones."""
    count = DayCount(24)
    for minute in range(DAY_MINUTES):
        if not any(begin <= minute < end for begin, end in silent):
            count.add(minute * MINUTE_NS, Decimal(quantity))
            count.hear(minute)
    return count


def test_a_day_counts_where_its_volume_fell() -> None:
    """By the bucket its time is in, to the last digit; the last nanosecond of a day is of its last bucket."""
    count = DayCount(24)
    for at_ns, quantity in (
        (0, "0.1"),
        (HOUR * MINUTE_NS - 1, "0.2"),
        (HOUR * MINUTE_NS, "5"),
        (86_400 * 10**9 - 1, "7"),
    ):
        count.add(at_ns, Decimal(quantity))

    assert count.volumes[0] == Decimal("0.3")
    assert (count.volumes[1], count.volumes[23]) == (5, 7)
    assert sum(count.volumes) == Decimal("12.3")


def test_the_longest_silence_is_found_at_the_edges_too() -> None:
    """A file that stops at 16:48 is silent until midnight."""
    assert day((100, 130), (200, 220)).silence() == (100, 130)
    assert day((0, 50)).silence() == (0, 50)
    assert day((1_008, 1_440)).silence() == (1_008, 1_440)
    assert day().silence() == (0, 0)
    assert DayCount(24).silence() == (0, 1_440)


def test_a_day_is_used_where_every_market_is_whole() -> None:
    """One that stops early, or is missing, leaves the day out, by name and with the hour."""
    whole, cut = day(), day((1_008, 1_440))
    series = {"kraken": {FRIDAY: whole, FRIDAY + 1: whole, FRIDAY + 2: whole}, "okx": {FRIDAY: whole, FRIDAY + 2: cut}}

    used, left_out = chosen(series, silence_max=HOUR)

    assert [(one.day, one.weekend, sum(one.volumes)) for one in used] == [("2026-01-30", False, 2 * DAY_MINUTES)]
    assert [(one.day, one.why) for one in left_out] == [
        ("2026-01-31", "there is nothing of okx"),
        ("2026-02-01", "okx is silent from 16:48 to 24:00"),
    ]


def test_days_that_were_asked_for_and_are_not_there_are_named() -> None:
    """Nothing is left out in silence."""
    used, left_out = chosen({"kraken": {FRIDAY: day()}}, silence_max=HOUR, first=FRIDAY - 1, last=FRIDAY)

    assert [one.day for one in used] == ["2026-01-30"]
    assert [one.day for one in left_out] == ["2026-01-29"]
    assert chosen({}, silence_max=HOUR) == ((), ())


def test_days_have_names() -> None:
    """And their place in the week."""
    assert day_name(0) == "1970-01-01"
    assert [is_weekend(day_name(FRIDAY + ahead)) for ahead in range(4)] == [False, True, True, False]
