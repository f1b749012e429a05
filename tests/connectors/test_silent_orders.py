"""A private stream that stands and says nothing is found by what REST shows, long before an account is read again."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.bounds import bounds_of
from connectors.ccxt_venue.reports_due import Ids, ReportsDue
from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind, FrameKind
from connectors.lab.process import Lab
from router.model.ids import AccountId, ClientOrderId, Nanos, VenueOrderId
from router.model.orders import TimeInForce, VenueOrder, VenueOrderStatus
from router.model.outcomes import Accepted, Found
from router.model.side import Side
from router.model.stream_notes import Channel
from tests.connectors.rig import SYMBOLS, Notes, child, place, venue_at
from tests.waiting import eventually

REPORT_MS = 300
SECOND = 1_000_000_000
BY_DAY = ["binance", "kraken", "gemini"]
BY_NIGHT = [pytest.param(name, marks=pytest.mark.nightly) for name in ("coinbase", "bitstamp", "bybit", "okx")]


@pytest.fixture(params=[*BY_DAY, *BY_NIGHT])
def venue_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def account(lab: Lab, control: LabControl, notes: Notes, venue_name: str) -> AsyncIterator[CcxtVenue]:
    made = venue_at(lab, venue_name, report_ms=REPORT_MS)
    await made.start(notes)
    await eventually(lambda: notes.bids and made._order_feed is not None and made._order_feed.up)
    yield made
    await made.stop()


async def within_its_bound(account, probe):
    """As much again for a machine that is busy with other tests."""
    return await eventually(probe, within_s=2 * bounds_of(account.settings).untold_ms / 1000 + 1)


async def test_an_order_that_is_acknowledged_and_never_told_makes_the_stream_suspect(
    account, control, notes, venue_name
):
    """It answers pings: counted, subscribed anew, the account to be read; and the new subscription tells again."""
    await control.inject(venue_name, FaultKind.WS_SILENCE, duration_ms=60_000, channel="private")
    order = child(venue_name, quantity="0.2")
    assert isinstance(await place(account, order), Accepted)
    await within_its_bound(account, lambda: notes.suspected(Channel.ORDERS))
    (why,) = notes.suspected(Channel.ORDERS)
    assert why.startswith("an order was accepted")
    assert notes.restored >= 1
    await eventually(lambda: notes.restored >= 2 and account._order_feed.up)

    read = await account.read_account(Nanos(order.decided_at_ns))
    assert sum(trade.quantity for trade in read.trades) == order.quantity
    heard = len(notes.hints)
    await place(account, child(venue_name, quantity="0.1"))
    await eventually(lambda: len(notes.hints) > heard)
    assert len(notes.suspected(Channel.ORDERS)) == 1
    assert notes.lost == []


@pytest.mark.parametrize(
    "venue_name",
    ["kraken", *(pytest.param(name, marks=pytest.mark.nightly) for name in sorted(SYMBOLS.keys() - {"kraken"}))],
    indirect=True,
)
async def test_a_fill_that_only_rest_shows_makes_the_stream_suspect(account, control, notes, venue_name):
    """The order was acknowledged on the stream; then its subscription was lost."""
    order = child(venue_name, quantity="0.2", price="59995", time_in_force=TimeInForce.GTC)
    assert isinstance(await place(account, order), Accepted)
    await eventually(lambda: notes.hints)
    assert isinstance((await account.look_up(order, None)).result, Found)
    await asyncio.sleep(2 * REPORT_MS / 1000)  # what was told so far is no word about what comes
    assert isinstance((await account.look_up(order, None)).result, Found)
    assert notes.suspected(Channel.ORDERS) == []
    await control.inject(venue_name, FaultKind.WS_SILENCE, duration_ms=60_000, channel="private")
    await control.set_book(venue_name, SYMBOLS[venue_name], asks=[("59990", "1")], replace=False)

    async def shown():
        found = (await account.look_up(order, None)).result
        return isinstance(found, Found) and found.order.executed == order.quantity

    await eventually(shown)
    await within_its_bound(account, lambda: notes.suspected(Channel.ORDERS))
    await eventually(lambda: notes.restored >= 2)


@pytest.mark.nightly
async def test_a_stream_that_tells_is_never_suspected(account, control, notes, venue_name):
    """Orders that fill, rest and are cancelled, looked up at every step; reports repeated, late and before answers."""
    for fault in (FaultKind.REPORT_REPEAT, FaultKind.REPORT_REORDER, FaultKind.REPORT_BEFORE_ANSWER):
        await control.inject(venue_name, fault, times=None, probability=0.3, hold_ms=50)
    for step in range(12):
        rests = step % 3 == 0
        order = child(
            venue_name,
            quantity="0.05",
            price="59000" if rests else "60010",
            time_in_force=TimeInForce.GTC if rests else TimeInForce.IOC,
        )
        assert isinstance(await place(account, order), Accepted)
        await account.look_up(order, None)
        if rests:
            await account.cancel(order, None)
        await account.look_up(order, None)
        await account.read_account(Nanos(order.decided_at_ns))
        await asyncio.sleep(REPORT_MS / 2000)
    await asyncio.sleep(3 * REPORT_MS / 1000)
    assert notes.suspected(Channel.ORDERS) == []
    assert notes.restored == 0


@pytest.mark.nightly
async def test_a_stream_that_never_tells_is_rebuilt_ever_more_seldom(account, control, notes, venue_name):
    """The venue lost the subscription for good: no loop of new connections, and what fills is read all the same."""
    await control.inject(venue_name, FaultKind.WS_GAP, frames=FrameKind.REPORT, times=None)
    orders = []
    ends = asyncio.get_running_loop().time() + 4
    while asyncio.get_running_loop().time() < ends:
        orders.append(child(venue_name, quantity="0.01"))
        await place(account, orders[-1])
        await asyncio.sleep(0.1)
    assert 2 <= len(notes.suspected(Channel.ORDERS)) <= 4
    read = await account.read_account(Nanos(orders[0].decided_at_ns))
    ids = [(trade.symbol, trade.trade_id, trade.venue_order_id) for trade in read.trades]
    assert len(set(ids)) == len(ids)


# What is due, and when, by itself.

CLIENT, VENUE = ClientOrderId("c1"), VenueOrderId("v1")
BOTH = Ids(CLIENT, VENUE)


def record(executed="0", status=VenueOrderStatus.OPEN):
    return VenueOrder(
        account=AccountId("kraken/main"),
        symbol="BTC/USD",
        venue_order_id=VENUE,
        client_id=CLIENT,
        side=Side.BUY,
        status=status,
        quantity=Decimal(1),
        executed=Decimal(executed),
        limit_price=Decimal(1),
    )


def at(seconds):
    return Nanos(int(seconds * SECOND))


@pytest.mark.parametrize("named", [Ids(CLIENT, None), Ids(None, VENUE), BOTH], ids=["ours", "theirs", "both"])
@pytest.mark.parametrize("told_s", [1, 3], ids=["before the answer", "after it"])
def test_what_was_told_by_either_name_is_not_due(named, told_s):
    due = ReportsDue(5 * SECOND, 3 * SECOND)
    if told_s == 1:
        due.told(named, at(1))
    due.placed(BOTH, at(0.5), at(2))
    if told_s == 3:
        assert due.told(named, at(3))
    assert due.overdue(at(60)) is None


def test_what_was_told_of_another_order_or_before_this_one_left_does_not_count():
    due = ReportsDue(5 * SECOND, 3 * SECOND)
    due.told(BOTH, at(1))
    due.placed(BOTH, at(10), at(11))
    due.told(Ids(ClientOrderId("c2"), VenueOrderId("v2")), at(12))
    assert due.overdue(at(15)) is None
    assert due.overdue(at(17)) == "an order was accepted 6000 ms ago and nothing was told of it"


def test_a_record_that_has_not_changed_owes_nothing():
    due = ReportsDue(5 * SECOND, 3 * SECOND)
    for second in (0, 100, 200):
        due.shown(record("0.5"), at(second), at(second + 1))
    assert due.overdue(at(1_000)) is None


def test_a_change_between_two_readings_is_due_once_and_paid_by_one_report():
    due = ReportsDue(5 * SECOND, 3 * SECOND)
    due.shown(record("0.5"), at(100), at(101))
    due.shown(record("1", VenueOrderStatus.FILLED), at(110), at(111))
    assert due.overdue(at(117)) == "an order was FILLED 1 6000 ms ago and nothing was told of it"
    assert due.told(BOTH, at(118))
    due.shown(record("1", VenueOrderStatus.FILLED), at(119), at(119))
    assert due.overdue(at(200)) is None


def test_a_record_read_from_a_copy_that_lags_accuses_nobody():
    """The fill was told at 98; the copy that was read at 100 did not have it yet, the next one did."""
    due = ReportsDue(5 * SECOND, 3 * SECOND)
    due.told(BOTH, at(98))
    due.shown(record("0"), at(100), at(101))
    due.shown(record("1", VenueOrderStatus.FILLED), at(110), at(111))
    assert due.overdue(at(1_000)) is None


def test_trades_of_orders_nobody_here_knows_owe_nothing():
    """Somebody trades by hand, or an order of a process before us fills."""
    due = ReportsDue(5 * SECOND, 3 * SECOND)
    due.traded(Ids(None, VENUE), at(100), at(101))
    due.traded(BOTH, at(100), at(101))
    assert due.overdue(at(1_000)) is None
    due.shown(record("0"), at(100), at(101))
    due.traded(Ids(None, VENUE), at(110), at(111))
    assert due.overdue(at(117)) == "an order was traded 6000 ms ago and nothing was told of it"


def test_names_are_forgotten_after_a_while():
    """A day of orders is not kept; one that stands is shown again and again, and stays known."""
    due = ReportsDue(5 * SECOND, 3 * SECOND)
    for number in range(600):
        names = Ids(ClientOrderId(f"c{number}"), VenueOrderId(f"v{number}"))
        due.shown(record("0"), at(10 * number), at(10 * number))
        due.placed(names, at(10 * number), at(10 * number))
        due.told(names, at(10 * number + 1))

    assert due.overdue(at(6_010)) is None
    assert all(len(kept._kept) < 130 for kept in (due._told, due._shown, due._client_of))
    due.traded(Ids(None, VENUE), at(6_000), at(6_001))
    assert due.overdue(at(6_010)) is not None
