"""While no stream of public trades can be had, REST brings them: each once, and whatever may be missing is said."""

from decimal import Decimal

import pytest

from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.registry import DIALECTS
from connectors.ccxt_venue.trades.decoding import Print
from connectors.ccxt_venue.trades.polling import COSTS_AS, Pages, page_rows, prints_of
from connectors.lab.faults import Call, FaultKind
from router.model.side import Side
from tests.connectors.rig import SYMBOLS, Notes, venue_at
from tests.waiting import eventually

SIDES_UNSURE = frozenset({"coinbase"})
NIGHTLY = [pytest.param(name, marks=pytest.mark.nightly) for name in sorted(SYMBOLS.keys() - {"kraken"})]


@pytest.fixture(params=["kraken", *NIGHTLY])
def venue_name(request):
    return str(request.param)


@pytest.fixture
async def cut_off(lab, control, venue_name):
    """What an account tells that is let in by no socket; some trades lie in the past."""
    await trade(control, venue_name, "0.3", "0.4")
    await control.inject(venue_name, FaultKind.WS_REFUSED, times=None)
    notes = Notes()
    account = venue_at(lab, venue_name, poll_ms=50)
    await account.start(notes)
    await eventually(lambda: notes.prints)  # by REST
    yield notes
    await account.stop()


async def trade(control, venue_name, *quantities):
    for quantity in quantities:
        await control.print_trade(venue_name, SYMBOLS[venue_name], "SELL", quantity, "60001")


def told(notes):
    (prints,) = notes.prints.values()
    return [str(each.quantity.normalize()) for each in prints]


async def test_trades_come_by_rest_once_each_and_the_stream_begins_anew(cut_off, control, venue_name):
    notes = cut_off
    await trade(control, venue_name, "0.5", "0.6")
    await eventually(lambda: len(told(notes)) == 2)
    await trade(control, venue_name, "0.7")
    await eventually(lambda: len(told(notes)) == 3)
    assert told(notes) == ["0.5", "0.6", "0.7"]
    (prints,) = notes.prints.values()
    assert {each.taker for each in prints} == {None if venue_name in SIDES_UNSURE else Side.SELL}
    rows = await control.prints(venue_name, SYMBOLS[venue_name])
    for ours, theirs in zip(prints, rows[-3:], strict=True):
        assert ours.price == Decimal(theirs["price"])
        assert abs((ours.venue_time_ns or 0) - theirs["at_ns"]) <= 10**9
    assert notes.epochs == 1

    await control.clear_faults()
    await eventually(lambda: notes.epochs == 2)
    assert notes.trades_lost_why == ["the stream is back: what was traded since the last page is not known"]
    await trade(control, venue_name, "0.8")
    await eventually(lambda: told(notes))
    assert told(notes) == ["0.8"]

    await control.inject(venue_name, FaultKind.WS_REFUSED, times=None)
    await control.inject(venue_name, FaultKind.WS_KILL, channel="public")
    await eventually(lambda: notes.epochs == 3)
    await trade(control, venue_name, "0.9")
    await eventually(lambda: told(notes))
    assert told(notes) == ["0.9"]


async def test_a_page_that_cannot_be_read_ends_the_count(cut_off, control, venue_name):
    """Both ways are down: nothing is claimed until one of them is back."""
    notes = cut_off
    await control.inject(venue_name, FaultKind.HTTP_5XX, call=Call.PRINTS, times=3)
    await eventually(lambda: notes.trades_lost_why)
    assert notes.trades_lost_why[0].startswith("not read")
    await eventually(lambda: notes.epochs == 2)
    await trade(control, venue_name, "0.9")
    await eventually(lambda: told(notes))
    assert told(notes) == ["0.9"]


# Pages by themselves.


def page(*ids):
    return [Print("BTC/USD", str(each), Decimal(1), Decimal(1), None, None) for each in ids]


def test_a_page_follows_when_it_shares_a_trade_with_the_last():
    pages = Pages()
    assert not pages.follows(page(1, 2, 3), 3)
    assert pages.follows(page(2, 3, 4), 3)
    assert pages.follows(page(4, 5, 6), 3)
    assert not pages.follows(page(8, 9, 10), 3)
    assert pages.follows(page(9, 10, 11), 3)


def test_where_nothing_was_traded_all_that_fits_on_a_page_is_new():
    pages = Pages()
    assert not pages.follows([], 3)
    assert pages.follows([], 3)
    assert pages.follows(page(1, 2), 3)

    pages = Pages()
    assert not pages.follows([], 3)
    assert not pages.follows(page(5, 6, 7), 3)


def test_a_page_that_is_empty_for_once_loses_nothing():
    pages = Pages()
    pages.follows(page(1, 2), 3)
    assert pages.follows([], 3)
    assert not pages.follows(page(7), 3)


@pytest.mark.parametrize("change", [{"id": None}, {"id": ""}, {"symbol": "ETH/USD"}, {"price": "0"}, {"amount": "x"}])
def test_a_trade_that_cannot_be_told_apart_is_none(change):
    row = {"id": "7", "symbol": "BTC/USD", "price": "1.5", "amount": "2", "side": "sell", "timestamp": 5}
    (read,) = prints_of("kraken", "BTC/USD", [row])
    assert read == Print("BTC/USD", "7", Decimal("1.5"), Decimal(2), Side.SELL, 5_000_000)
    with pytest.raises(AnswerUnusable):
        prints_of("kraken", "BTC/USD", [{**row, **change}])


def test_no_more_is_asked_for_than_a_venue_gives():
    assert [page_rows(name) for name in ("bybit", "cryptocom", "kraken")] == [60, 150, 500]


@pytest.mark.parametrize("venue", sorted(DIALECTS))
def test_a_poll_counts_against_a_limit_of_the_venue(venue):
    dialect = DIALECTS[venue]()
    limits = {limit.name for limit in dialect.limits}
    cost = dialect.cost(COSTS_AS, {})
    assert cost
    assert cost.keys() <= limits
