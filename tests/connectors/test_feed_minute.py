"""The benchmark of many streams, for a moment: it measures what it says, on a lab in a process of its own."""

from bench.feed_minute import minute


async def test_every_book_of_every_venue_follows():
    """No book is lost and none is stale, whatever the pace. How late the loop is, `make bench` says."""
    seen = await minute(seconds=0.5, venues=("kraken",), symbols=3, pinned=False)
    assert seen.messages > 0
    assert seen.lost == []
    assert seen.unusable == []
