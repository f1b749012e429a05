"""Bitstamp: a book that counts nothing, records that leave things out, an id that is good once."""

import gzip
import json
import random
from decimal import Decimal

import pytest

from connectors.ccxt_venue.book_bitstamp import BitstampBooks, BitstampOrders
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.decoders import BookBroken, BookChanged, BookWhole, Mirror, SnapshotWanted
from connectors.lab.faults import Call, FaultKind
from router.model.orders import TimeInForce, VenueOrderStatus
from router.model.outcomes import Accepted, CancelTaken, CancelUnclear, Exists, Found, Lost, Missing
from tests.connectors.rig import child, place

pytestmark = pytest.mark.parametrize("venue_name", ["bitstamp"], indirect=True)

SYMBOL, CHANNEL = "BTC/USD", "diff_order_book_btcusd"


def books():
    return BitstampBooks({"btcusd": SYMBOL})


def subscribed():
    return {"event": "bts:subscription_succeeded", "channel": CHANNEL, "data": {}}


def diff(at_us, bids=(), asks=()):
    data = {"timestamp": "0", "microtimestamp": str(at_us), "bids": list(bids), "asks": list(asks)}
    return {"event": "data", "channel": CHANNEL, "data": data}


def rest(at_us, bids=(("10", "1"),), asks=(("11", "1"),)):
    return {"microtimestamp": str(at_us), "bids": [list(row) for row in bids], "asks": [list(row) for row in asks]}


def kinds(signals):
    return [type(signal) for signal in signals]


def live(at_us=100):
    """Books that began with a snapshot from between two diffs."""
    started = books()
    assert kinds(started.take(subscribed())) == [SnapshotWanted]
    started.take(diff(at_us - 10, bids=[["9", "1"]]))
    assert kinds(started.snapshot(SYMBOL, rest(at_us))) == [BookWhole]
    return started


def test_diffs_after_the_snapshot_are_applied_and_those_before_it_are_not(venue_name):
    started = books()
    started.take(subscribed())
    started.take(diff(90, bids=[["9", "7"]]))
    started.take(diff(110, asks=[["12", "5"]]))
    (whole,) = started.snapshot(SYMBOL, rest(100))
    assert whole == BookWhole(SYMBOL, {10.0: 1.0}, {11.0: 1.0, 12.0: 5.0})
    assert started.take(diff(120, bids=[["10", "0"]])) == [BookChanged(SYMBOL, [(10.0, 0.0)], [])]


def test_a_snapshot_older_than_the_first_diff_begins_nothing(venue_name):
    """Between the two anything may have happened. The next diff asks again."""
    started = books()
    started.take(subscribed())
    started.take(diff(200))
    assert started.snapshot(SYMBOL, rest(199)) == ()
    assert kinds(started.take(diff(210))) == [SnapshotWanted]
    assert kinds(started.snapshot(SYMBOL, rest(200))) == [BookWhole]


def test_a_book_that_began_without_a_diff_is_checked_at_the_first(venue_name):
    """The subscription stood before the snapshot was asked for, but the snapshot may be seconds old."""
    started = books()
    started.take(subscribed())
    started.snapshot(SYMBOL, rest(100))
    assert kinds(started.take(diff(200, asks=[["12", "1"]]))) == [BookChanged, SnapshotWanted]


def test_time_that_does_not_grow_breaks_the_book(venue_name):
    started = live(100)
    assert kinds(started.take(diff(110))) == [BookChanged]
    assert kinds(started.take(diff(110))) == [BookBroken]


def test_late_diffs_from_before_the_snapshot_say_nothing(venue_name):
    started = live(100)
    assert started.take(diff(95, bids=[["10", "9"]])) == ()


def test_the_book_is_held_against_rest_and_a_lost_diff_breaks_it(venue_name):
    """Every three seconds of the venue's time: a snapshot brought forward must be the book."""
    for lost in (False, True):
        started = live(100)
        if not lost:
            started.take(diff(1_000_000, bids=[["10", "3"]]))
        signals = started.take(diff(3_100_000, asks=[["12", "1"]]))
        assert kinds(signals) == [BookChanged, SnapshotWanted]
        told = rest(2_000_000, bids=[["10", "3"]])  # older than our book: the last diff is brought to it
        assert kinds(started.snapshot(SYMBOL, told)) == ([BookBroken] if lost else [])


def test_a_snapshot_ahead_of_our_diffs_waits_for_them(venue_name):
    """What it knows already comes again with the next diff."""
    started = live(100)
    assert started.snapshot(SYMBOL, rest(500, asks=[["11", "2"]])) == ()
    assert kinds(started.take(diff(600, asks=[["11", "2"]]))) == [BookChanged]
    assert started.snapshot(SYMBOL, rest(700, asks=[["11", "9"]])) == ()
    assert kinds(started.take(diff(800, asks=[["12", "1"]]))) == [BookChanged, BookBroken]


def test_quiet_is_proven_by_the_same_book_not_older_than_ours(venue_name):
    started = live(100)
    assert started.agrees(SYMBOL, rest(100))
    assert not started.agrees(SYMBOL, rest(99))
    assert not started.agrees(SYMBOL, rest(101, bids=[["10", "2"]]))


@pytest.mark.parametrize("event", ["bts:error", "bts:request_reconnect"])
def test_a_stream_the_venue_ends_is_not_waited_for(venue_name, event):
    """Stock ccxt looks a refusal's number up among texts, finds nothing, and waits for ever."""
    message = {"event": event, "channel": "", "data": {"code": 4009, "message": "Connection is unauthorized."}}
    for decoder in (books(), BitstampOrders()):
        with pytest.raises(AnswerUnusable):
            decoder.take(message)


def tape(recorded_data):
    path = recorded_data / "cryptofeed-wire" / "bitstamp_20210417T164130Z.jsonl.gz"
    if not path.exists():
        pytest.skip("no recorded Bitstamp stream")
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    snapshots = {
        row["u"].rpartition("/")[2]: json.loads(row["d"])
        for row in rows
        if row["k"] == "http" and "order_book" in row["u"]
    }
    return snapshots, [json.loads(row["d"]) for row in rows if row["k"] == "recv"]


def test_every_book_of_a_recorded_stream_is_as_rebuilt_by_hand(venue_name, recorded_data):
    """Snapshots of REST and the diffs after them, over ten markets."""
    snapshots, frames = tape(recorded_data)
    decoder, mirrors = BitstampBooks({market: market for market in snapshots}), {}
    asked = set()
    for frame in frames:
        asked |= {s.symbol for s in decoder.take(frame) or () if isinstance(s, SnapshotWanted)}
    assert asked == set(snapshots)
    for market, body in snapshots.items():
        began = [
            int(f["data"]["microtimestamp"])
            for f in frames
            if f["channel"] == f"diff_order_book_{market}" and f["data"]
        ]
        signals = list(decoder.snapshot(market, body))
        if began and began[0] > int(body["microtimestamp"]):
            assert signals == []
            continue
        (mirrors[market],) = signals
        byhand = Mirror()
        byhand.set_whole(*([(float(p), float(s)) for p, s in body[side]] for side in ("bids", "asks")))
        for frame in frames:
            data = frame["data"]
            of_it = frame["channel"] == f"diff_order_book_{market}" and data
            if of_it and int(data["microtimestamp"]) > int(body["microtimestamp"]):
                byhand.change(*([(float(p), float(s)) for p, s in data[side]] for side in ("bids", "asks")))
        assert mirrors[market] == BookWhole(market, byhand.bids, byhand.asks)
    assert len(mirrors) >= 8


def test_a_dropped_diff_of_a_recorded_stream_is_seen_by_the_next_check(venue_name, recorded_data):
    """Two hundred of them at random: nothing in the stream gives them away, the REST book does where it shows."""
    snapshots, frames = tape(recorded_data)
    market, random_ = "btcusd", random.Random(7)
    ours = [f for f in frames if f["channel"] == f"diff_order_book_{market}" and f["event"] == "data"]
    start = int(snapshots[market]["microtimestamp"])
    after = [f for f in ours if int(f["data"]["microtimestamp"]) > start]
    before = ours[: len(ours) - len(after)]

    def read(kept):
        decoder = BitstampBooks({market: market})
        decoder.take({"event": "bts:subscription_succeeded", "channel": f"diff_order_book_{market}", "data": {}})
        signals = []
        for frame in before + kept:
            signals += decoder.take(frame) or ()
            if int(frame["data"]["microtimestamp"]) == start:
                signals += decoder.snapshot(market, snapshots[market])
        return decoder, signals

    whole, signals = read(after)
    assert BookBroken not in kinds(signals)
    mirror = whole._books[market].mirror
    ends = int(after[-1]["data"]["microtimestamp"])
    bids = sorted(mirror.bids.items(), reverse=True)
    truth = {"microtimestamp": str(ends), "bids": bids, "asks": sorted(mirror.asks.items())}
    assert whole.snapshot(market, truth) == ()
    seen = changed = 0
    for _ in range(200):
        dropped = random_.randrange(len(after) - 1)
        decoder, _ = read(after[:dropped] + after[dropped + 1 :])
        best = decoder._books[market].mirror
        differs = (
            sorted(best.bids.items(), reverse=True)[:100] != bids[:100]
            or sorted(best.asks.items())[:100] != truth["asks"][:100]
        )
        changed += differs
        seen += differs and BookBroken in kinds(decoder.snapshot(market, truth))
    assert seen == changed
    assert changed > 20


async def test_an_order_that_rests_because_nobody_said_ioc_is_not_ours(venue, venue_name, control):
    """`timeInForce` is not read by the venue: ours says `ioc_order`, and nothing of it stays."""
    order = child(venue_name, quantity="3", price="60010")
    await place(venue, order)
    (record,) = await control.orders(venue_name)
    assert (record["tif"], record["status"]) == ("IOC", "EXPIRED")


async def test_a_used_id_is_refused_for_ever_and_means_go_and_look(venue, venue_name, control):
    """Filled long ago: the second copy says that the order exists, and there is one."""
    order = child(venue_name, quantity="0.1")
    assert isinstance(await place(venue, order), Accepted)
    assert isinstance(await place(venue, order), Exists)
    assert isinstance((await venue.look_up(order, None)).result, Found)
    assert len(await control.orders(venue_name)) == 1


async def test_a_record_without_an_amount_has_what_was_done_and_what_remains(venue, venue_name):
    order = child(venue_name, quantity="3", price="60010")
    await place(venue, order)
    found = (await venue.look_up(order, None)).result
    assert (found.order.quantity, found.order.executed) == (Decimal(3), Decimal(1))
    assert found.order.status is VenueOrderStatus.CANCELLED
    assert found.order.limit_price is None


async def test_a_cancel_without_the_venues_id_goes_by_ours(venue, venue_name, control):
    """Stock ccxt would ask for an order named `None`."""
    order = child(venue_name, price="59000", time_in_force=TimeInForce.GTC)
    await place(venue, order)
    assert isinstance(await venue.cancel(order, None), CancelTaken)
    assert isinstance(await venue.cancel(order, None), CancelUnclear)
    assert [each["status"] for each in await control.orders(venue_name)] == ["CANCELLED"]


async def test_trades_behind_a_lost_status_are_named_or_strange(venue, venue_name, control):
    """`order_status` by our id lies: its trade is there, and the order behind it bears our id."""
    order = child(venue_name, quantity="0.1")
    await control.inject(venue_name, FaultKind.RESET_AFTER, call=Call.PLACE)
    assert isinstance(await place(venue, order), Lost)
    ask = venue._dialect._status

    async def blind(asked, name):
        return None if "client_order_id" in name else await ask(asked, name)

    venue._dialect._status = blind
    assert isinstance((await venue.look_up(order, None)).result, Found)

    async def blinder(_asked, _name):
        return None

    venue._dialect._status = blinder
    missing = (await venue.look_up(order, None)).result
    assert isinstance(missing, Missing)
    assert [trade.quantity for trade in missing.strangers] == [Decimal("0.1")]
