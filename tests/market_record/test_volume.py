"""What others traded, from samples: epochs, holes, and our own prints."""

from decimal import Decimal

from router.market_record.samples import Gap, Sample
from router.market_record.volume import HOLE_NS, Meter, OwnPrint, TapeVolume, one_tape_each
from router.model.ids import ListingId, Nanos
from tests.market_record.makers import BTC, MS, counters, sample

S = 1_000
KRAKEN = sample(0).venues[0].listing


def metered(
    samples: list[Sample], seconds: list[int], own: list[OwnPrint] | None = None, gaps: tuple[Gap, ...] = ()
) -> TapeVolume:
    meter = Meter(BTC, [one * S * MS for one in seconds])
    for one in samples:
        meter.look(one)
    (tape,) = meter.told(own or (), gaps)
    return tape


def at(second: float, quantity: str, *, epoch: int = 1, prints: int = 1) -> Sample:
    """So much had been traded by then, since the second `epoch`, or before."""
    return sample(int(second * S), trades=counters(epoch * S * MS, prints, quantity))


def ours(second: float, quantity: str, trade_id: str = "t") -> OwnPrint:
    return OwnPrint(listing=KRAKEN, trade_id=trade_id, at_ns=Nanos(int(second * S * MS)), quantity=Decimal(quantity))


def spans(holes: tuple) -> list[tuple]:
    return [(one.from_ns // (S * MS), one.to_ns // (S * MS), one.why.partition(":")[0]) for one in holes]


def test_a_bucket_holds_what_was_traded_between_its_edges() -> None:
    """What the samples before the window had counted is no part of it, nor what comes after it."""
    tape = metered(
        [at(9, "5", prints=2), at(11, "6", prints=3), at(12, "6", prints=3), at(13, "8", prints=6), at(14, "9")],
        [10, 12, 13],
    )

    assert [one.quantity for one in tape.buckets] == [1, 2]
    assert (tape.total.prints, tape.total.quantity, tape.total.notional) == (4, 3, 300)
    assert (tape.missing, tape.unsplit) == ((), ())
    assert tape.whole(10 * S * MS, 13 * S * MS)


def test_between_epochs_prints_are_missing_and_a_new_one_counts_from_its_beginning() -> None:
    """What is given is a lower bound, and where it is one is said."""
    samples = [at(10, "5"), at(11, "7"), sample(12 * S), at(14, "0.5", epoch=13), at(16, "2", epoch=13)]
    tape = metered(samples, [10, 12, 16])

    assert [one.quantity for one in tape.buckets] == [2, 2]
    assert spans(tape.missing) == [(11, 13, "prints may be missing")]
    assert not tape.whole(10 * S * MS, 12 * S * MS)
    assert tape.whole(13 * S * MS, 16 * S * MS)


def test_a_tape_that_is_lost_at_the_end_is_missing_until_it() -> None:
    """However short: from its last good sample on nobody knows."""
    tape = metered([at(10, "5"), at(11, "7"), sample(12 * S)], [10, 12])

    assert spans(tape.missing) == [(11, 12, "prints may be missing")]


def test_a_window_that_nobody_sampled_at_first_or_at_last_is_missing_there() -> None:
    """An epoch older than the window may have counted before it; the record's own word for it is told."""
    gap = Gap(from_ns=Nanos(31 * S * MS), to_ns=Nanos(90 * S * MS), why="no recorder was running")
    tape = metered([at(20, "5"), at(21, "6"), at(30, "6")], [10, 60], gaps=(gap,))

    assert tape.total.quantity == 1
    assert spans(tape.missing) == [(10, 20, "there is no sample"), (30, 60, "there is no sample")]
    assert tape.missing[1].why == "there is no sample: no recorder was running"

    young = metered([at(20, "5", epoch=15), at(60, "6", epoch=15)], [10, 60])
    assert young.total.quantity == 6
    assert spans(young.missing) == [(10, 15, "prints may be missing")]
    assert metered([sample(20 * S)], [10, 60]).missing[0].to_ns == 60 * S * MS


def test_samples_far_apart_miss_nothing_and_cannot_be_divided() -> None:
    """The same epoch on both sides: all is counted, and where it belongs is not known."""
    tape = metered([at(10, "5"), at(30, "9"), at(35, "10")], [10, 20, 35])

    assert tape.total.quantity == 5
    assert tape.missing == ()
    assert [(one.from_ns, one.to_ns, one.quantity) for one in tape.unsplit] == [(10 * S * MS, 30 * S * MS, 4)]
    assert not tape.whole(10 * S * MS, 20 * S * MS)


def test_our_own_prints_are_taken_off_once() -> None:
    """By the venue's trade id, however often the trade is booked; in the bucket of the venue's time."""
    samples = [at(10, "5"), at(12, "8"), at(14, "12")]
    tape = metered(samples, [10, 12, 14], [ours(11, "1"), ours(11, "1"), ours(13, "0.5", "u"), ours(15, "7", "v")])

    assert [(one.own, one.others) for one in tape.buckets] == [(1, 2), (Decimal("0.5"), Decimal("3.5"))]
    assert (tape.total.own, tape.own_unseen) == (Decimal("1.5"), 0)
    assert tape.own_at_edges == Decimal("8.5")


def test_a_print_that_arrived_late_or_early_is_found_in_the_next_bucket_or_the_one_before() -> None:
    """A bucket is never below nothing, and the sum is right; what is on no bucket of the tape is said."""
    late = metered([at(10, "5"), at(12, "5"), at(14, "6")], [10, 12, 14], [ours(11.9, "1")])
    early = metered([at(10, "5"), at(12, "6"), at(14, "6")], [10, 12, 14], [ours(12.1, "1")])
    never = metered([at(10, "5"), at(12, "5.5"), at(14, "5.5")], [10, 12, 14], [ours(11, "2")])

    assert [one.own for one in late.buckets] == [0, 1]
    assert [one.own for one in early.buckets] == [1, 0]
    assert (never.total.others, never.own_unseen) == (0, Decimal("1.5"))


def test_ours_from_a_time_that_is_missing_is_not_taken_off() -> None:
    """Its print is not counted either: taking it off would make others' volume too small."""
    samples = [at(10, "5"), at(14, "6", epoch=13)]

    tape = metered(samples, [10, 14], [ours(12, "3")])

    assert (tape.total.quantity, tape.total.own, tape.own_unseen) == (6, 0, 0)


def test_two_accounts_of_an_exchange_see_one_tape() -> None:
    """The one with less missing counts, the other is named."""
    good = metered([at(10, "5"), at(14, "6")], [10, 14])
    bad = metered([sample(10 * S), at(14, "6", epoch=13)], [10, 14])
    second = ListingId("other/main:BTC/USD")

    from dataclasses import replace

    twin = replace(bad, listing=second)
    assert one_tape_each((twin, good), lambda _: "kraken:BTC/USD") == ((good,), (second,))
    assert one_tape_each((good, twin), str) == ((good, twin), ())


def test_what_is_older_than_the_sample_before_is_passed_over() -> None:
    """Blocks of two recorders may overlap; a counter never goes back."""
    meter = Meter(BTC, [10 * S * MS, 20 * S * MS])
    for one in (at(10, "5"), at(14, "9"), at(12, "7"), at(16, "9"), at(19, "10")):
        meter.look(one)
    (tape,) = meter.told(())

    assert tape.total.quantity == 5
    assert HOLE_NS == 5 * S * MS
