"""What is remembered, and when."""

from dataclasses import replace
from decimal import Decimal

from router.market_record.encoding import block_of, packed, text_of, unpacked
from router.market_record.reading import volumes
from router.market_record.samples import Block, Gap
from router.market_record.sampling import Cadence, InUse, Sampler
from router.model.ids import InstrumentId, Nanos
from tests.market_record.makers import BTC, MS, counters, sample, view


def test_a_change_of_any_top_is_remembered_and_quiet_once_in_a_while():
    """An older book, or a level below the best, is no change; a book that can no longer be used is one."""
    sampler = Sampler(quiet_ms=1_000)

    assert sampler.look(view(0)) is not None
    assert sampler.look(view(200, age_ns=200 * MS)) is None
    changed = sampler.look(view(400, "99.6"))
    assert changed is not None
    assert changed.bid == Decimal("99.6")
    assert sampler.look(view(600, "99.6", unusable="stale: 600 ms old")) is not None
    assert sampler.look(view(800, "99.6", unusable="stale: 800 ms old")) is None
    assert sampler.look(view(1_600, "99.6", unusable="stale: 1600 ms old")) is not None


def test_an_instrument_without_listings_says_nothing():
    assert Sampler(quiet_ms=1).look(replace(view(0), listings=())) is None


def test_an_instrument_stays_in_use_for_a_while_after_its_parent():
    """Markouts look half an hour ahead."""
    eth = InstrumentId("ETH/USD")
    cadence = Cadence(change_ms=200, quiet_ms=1_000, after_ms=1_800_000, write_ms=5_000, keep_days=1, always=(eth,))
    in_use = InUse(cadence)
    in_use.worked_on(BTC, Nanos(1_000 * MS))

    assert in_use.at(Nanos(1_801_000 * MS)) == (BTC, eth)
    assert in_use.at(Nanos(1_801_001 * MS)) == (eth,)


def test_a_block_comes_back_digit_for_digit():
    """Levels, ages, reasons, counters, marks and gaps; a venue with one side and no counters, too."""
    full = sample(5, trades=counters(3, 2, "0.30000000000000000001"))
    bare = replace(full, bid=None, venues=(replace(full.venues[0], bid=None, trades=None, unusable="no book yet"),))
    gap = Gap(from_ns=Nanos(1), to_ns=Nanos(2), why="the recorder stood still", lost=3)
    block = Block(first_ns=Nanos(1), last_ns=Nanos(9), samples=(full, bare), gaps=(gap,))

    assert block_of(Nanos(1), Nanos(9), unpacked(packed(text_of(block)))) == block


def test_volume_is_counted_within_epochs_and_a_hole_is_told():
    """Of an epoch that began in between all is counted, of the one that was lost only what had been seen."""
    steady = [sample(0, trades=counters(1, 2, "5")), sample(9, trades=counters(1, 6, "8"))]
    (volume,) = volumes(steady)
    assert (volume.prints, volume.quantity, volume.notional, volume.whole) == (4, Decimal(3), Decimal(300), True)

    broken = [*steady, sample(10), sample(20, trades=counters(2, 1, "0.5")), sample(30, trades=counters(2, 4, "2"))]
    (volume,) = volumes(broken)
    assert (volume.prints, volume.quantity, volume.whole) == (8, Decimal(5), False)

    (volume,) = volumes([sample(0, trades=counters(1, 2, "5")), sample(9, trades=counters(2, 1, "0.5"))])
    assert (volume.prints, volume.quantity, volume.whole) == (1, Decimal("0.5"), False)

    (volume,) = volumes([sample(0), sample(9)])
    assert (volume.prints, volume.whole) == (0, False)
