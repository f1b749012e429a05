"""Public trades reach the sink once each, as the venue's own record has them; whatever may be missing is said."""

from decimal import Decimal

import pytest

from connectors.lab.faults import FaultKind
from router.model.side import Side
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, Notes, child, place, venue_at
from tests.waiting import eventually


def by_night(*venues):
    return [pytest.param(venue, marks=pytest.mark.nightly) for venue in venues]


FEW_BY_DAY = pytest.mark.parametrize(
    "venue_name", ["binance", "kraken", "coinbase", *by_night("bitstamp", "gemini", "bybit", "okx")], indirect=True
)


def told(notes):
    """What the sink was told of the one listing."""
    (prints,) = notes.prints.values()
    return [(each.price, each.quantity, each.taker, each.venue_time_ns) for each in prints]


async def recorded(control, venue_name, since=0):
    """What the venue says was traded, after so many."""
    rows = (await control.prints(venue_name, SYMBOLS[venue_name]))[since:]
    return [(Decimal(row["price"]), Decimal(row["quantity"]), Side(row["taker_side"]), row["at_ns"]) for row in rows]


def alike(ours, theirs):
    """Every figure, except that venues cut their times to micro- or milliseconds."""
    return [each[:3] for each in ours] == [each[:3] for each in theirs] and all(
        0 <= theirs_[3] - (ours_[3] or 0) < 1_000_000 for ours_, theirs_ in zip(ours, theirs, strict=True)
    )


async def strangers_trade(control, venue_name, *trades):
    for side, quantity, price in trades:
        await control.print_trade(venue_name, SYMBOLS[venue_name], side, quantity, price)


@pytest.fixture
async def watched(lab, control, venue_name):
    """An account on a venue where three trades lie in the past; its trades stream stands."""
    await strangers_trade(control, venue_name, *[("BUY", "0.3", "60001")] * 3)
    notes = Notes()
    account = venue_at(lab, venue_name)
    await account.start(notes)
    await eventually(lambda: notes.prints and notes.bids)
    yield account, notes
    await account.stop()


async def test_every_print_is_told_once_as_the_venue_recorded_it(watched, control, venue_name):
    """Strangers' trades and our own; what was traded before the subscription is not new volume."""
    account, notes = watched
    await strangers_trade(control, venue_name, ("BUY", "0.01", "60003.5"), ("SELL", "2", "60002"))
    await place(account, child(venue_name, quantity="1.5", price="60020"))
    await strangers_trade(control, venue_name, ("SELL", "0.7", "60004"))

    await eventually(lambda: len(told(notes)) >= 5)
    assert alike(told(notes), await recorded(control, venue_name, since=3))
    assert notes.epochs == 1


@pytest.mark.parametrize("venue_name", ["binance", "kraken", "coinbase", *by_night("gemini")], indirect=True)
async def test_a_print_that_never_arrives_is_noticed_by_the_next(watched, control, venue_name):
    """These venues number trades, or frames: the hole begins a new epoch, without a new connection."""
    _, notes = watched
    await strangers_trade(control, venue_name, ("BUY", "1", "60001"))
    await eventually(lambda: told(notes))
    await control.inject(venue_name, FaultKind.WS_GAP, frames="print")
    await strangers_trade(control, venue_name, ("BUY", "5", "60001"), ("SELL", "0.25", "60002"))
    await eventually(lambda: notes.epochs == 2)

    await eventually(lambda: told(notes))
    assert alike(told(notes), await recorded(control, venue_name, since=5))
    assert "gap" in notes.trades_lost_why[0]


@FEW_BY_DAY
async def test_a_broken_book_touches_no_trade(watched, control, venue_name):
    """The other socket: the book is lost and comes back, and the count of trades goes on."""
    _, notes = watched
    await control.inject(venue_name, FaultKind.WS_KILL, frames="delta")
    price = "60006"
    await control.set_book(venue_name, SYMBOLS[venue_name], bids=BIDS, asks=[(price, "1.5"), *ASKS])
    await eventually(lambda: notes.lost)
    await strangers_trade(control, venue_name, ("SELL", "0.25", "60002"))

    await eventually(lambda: told(notes))
    assert notes.epochs == 1


@FEW_BY_DAY
async def test_prints_that_may_be_missing_begin_a_new_epoch_and_touch_no_book(watched, control, venue_name):
    """The socket that carries trades is reset: the sink is told, starts anew, and the book never noticed."""
    _, notes = watched
    await control.inject(venue_name, FaultKind.WS_KILL, frames="print")
    await strangers_trade(control, venue_name, ("BUY", "1", "60001"))
    await eventually(lambda: notes.epochs == 2)
    await strangers_trade(control, venue_name, ("SELL", "0.25", "60002"))

    await eventually(lambda: told(notes))
    assert alike(told(notes), await recorded(control, venue_name, since=4))
    assert len(notes.trades_lost_why) == 1
    assert notes.lost == []


@pytest.mark.nightly
@pytest.mark.parametrize("venue_name", ["kraken", "coinbase", "gemini"], indirect=True)
async def test_a_socket_that_no_longer_beats_is_no_quiet_market(watched, control, venue_name):
    """It is open and answers pings: three beats missed, and what was traded meanwhile is not claimed to be known."""
    _, notes = watched
    await control.inject(venue_name, FaultKind.WS_SILENCE, duration_ms=17_000, channel="public")
    await strangers_trade(control, venue_name, ("BUY", "1", "60001"))
    await eventually(lambda: notes.trades_lost_why, within_s=30)
    assert "no beat" in notes.trades_lost_why[0]
    await eventually(lambda: notes.epochs == 2, within_s=30)
