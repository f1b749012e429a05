"""What is Bybit's alone: late rejections, lists that forget, numbered books that restart, windows, fees, powers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ccxt_venue.book_bybit import BybitBooks, BybitOrders
from connectors.ccxt_venue.bybit import Bybit, fee_asset, weeks
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.decoders import BookBroken, BookChanged, BookWhole
from connectors.ccxt_venue.dialect import Absence, Desk, KeyPowers, Wanted
from connectors.ccxt_venue.mapping import Names
from connectors.lab.bybit import BybitVenue
from connectors.lab.bybit_books import BookTopic
from connectors.lab.core import BookChanged as BookChanged_
from connectors.lab.core import Exchange
from connectors.lab.faults import Call, FaultKind
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.model.ids import Nanos, account_id
from router.model.orders import TimeInForce, VenueOrderStatus
from router.model.outcomes import Accepted, Exists, Found, Lost, Missing
from router.model.side import Side
from tests.connectors.rig import ASKS, BIDS, Notes, child, place, venue_at
from tests.waiting import eventually

BTC = "BTC/USDT"
NAMES = Names(symbol_by_id={"BTCUSDT": BTC}, id_by_symbol={BTC: "BTCUSDT"}, asset_by_id={"BTC": "BTC", "USDT": "USDT"})
DESK = Desk(account=account_id("bybit", "main"), names=NAMES)
WEEK_MS = 7 * 86_400_000


@pytest.fixture
def venue_name():
    return "bybit"


# Orders and lists


async def test_an_order_the_engine_rejects_after_the_gateway_took_it_is_found_rejected(venue, control):
    """Accepted, with an id; the record then says Rejected, nothing was traded and nothing stands in the book."""
    usual = venue._dialect.create_params
    venue._dialect.create_params = lambda order, deadline: {**usual(order, deadline), "timeInForce": "PostOnly"}
    order = child("bybit", price="60020")
    accepted = await place(venue, order)
    assert isinstance(accepted, Accepted)
    found = (await venue.look_up(order, None)).result
    assert isinstance(found, Found)
    assert found.order.status is VenueOrderStatus.REJECTED
    assert (found.order.executed, found.trades) == (0, ())
    assert found.order.venue_order_id == accepted.venue_order_id
    assert await control.orders("bybit") == []
    assert isinstance(await place(venue, order), Exists)


async def test_a_restart_of_the_venue_hides_no_order(venue, lab, notes):
    """Realtime forgets what has ended; history is asked, too. The books start over by themselves, and none is lost."""
    order = child("bybit", quantity="0.3")
    await place(venue, order)
    before = notes.snapshots
    lab.venues["bybit"].restart()
    found = (await venue.look_up(order, None)).result
    assert isinstance(found, Found)
    assert found.order.executed == Decimal("0.3")
    await eventually(lambda: notes.snapshots > before)
    deltas = notes.deltas
    await eventually(lambda: notes.deltas > deltas)
    assert notes.lost == []


async def test_nothing_is_asked_before_an_order(venue, control):
    """What kind of account it is was said in the options: ccxt's two questions could fail, or be answered wrong."""
    rules = [
        await control.inject("bybit", FaultKind.HTTP_5XX, path_contains=path, times=None)
        for path in ("/v5/user/query-api", "/v5/account/info")
    ]
    assert isinstance(await place(venue, child("bybit")), Accepted)
    assert [each["matched"] for each in await control.faults() if each["id"] in rules] == [0, 0]


async def test_every_page_is_read(venue, control):
    """More open orders than fifty, more trades than a hundred; the list ends where a page is empty."""
    start = child("bybit")
    for cents in range(53):
        await control.place("bybit", BTC, "BUY", "0.001", f"59000.{cents:02d}", client_id=f"by-hand-{cents}")
    await control.set_book("bybit", BTC, bids=BIDS, asks=[(str(60010 + n), "0.001") for n in range(130)])
    await place(venue, child("bybit", quantity="0.13", price="60200"))
    read = await venue.read_account(Nanos(start.decided_at_ns))
    assert len({order.venue_order_id for order in read.open_orders}) == 53
    assert len({trade.trade_id for trade in read.trades}) == 130


async def test_a_trade_by_hand_without_any_id_is_explained_by_its_order(venue, control):
    """Somebody trades in the app while our order is looked for: absence stays provable."""
    lost = child("bybit")
    await control.place("bybit", BTC, "BUY", "0.1", "60010", tif="IOC")
    looked = await venue.look_up(lost, None)
    assert isinstance(looked.result, Missing)
    assert looked.result.strangers == ()
    assert len(looked.result.endpoints) == 4


async def test_a_late_copy_is_refused_by_its_own_window(venue, control):
    """The window travels with the request, not with the client: it ends at the deadline given, whatever is usual."""
    order = child("bybit")
    await control.inject("bybit", FaultKind.DELAY_REQUEST, call=Call.PLACE, delay_ms=500)
    from tests.connectors.rig import approved, pass_gate

    outcome, _ = await venue.place(approved(order), Nanos(order.decided_at_ns + 200_000_000), pass_gate)
    assert isinstance(outcome, Lost) or outcome.transient
    assert await control.orders("bybit") == []


@pytest.mark.parametrize("offset_ms", [-30_000, 30_000])
async def test_a_clock_half_a_minute_off_changes_nothing(offset_ms, notes):
    """Requests and the private login are dated by the venue's clock: ours would be refused."""
    venues = (LabVenueSettings(name="bybit", protocol="bybit", clock_offset_ms=offset_ms),)
    async with Lab(LabSettings(venues=venues, static=True, breath_ms=50)) as lab:
        lab.venues["bybit"].exchange.set_outside(BTC, _decimals(BIDS), _decimals(ASKS), 1)
        account = venue_at(lab, "bybit")
        await account.start(notes)
        try:
            await eventually(lambda: [each for each in lab.venues["bybit"].sessions if "order" in each.subscriptions])
            order = child("bybit", quantity="0.1")
            assert isinstance(await place(account, order), Accepted)
            await eventually(lambda: [hint for hint in notes.hints if hint.client_id == order.client_id])
        finally:
            await account.stop()


def answering(*answers):
    """An `Ask` that gives these answers in turn, the last one for ever."""
    left = list(answers)

    async def ask(_endpoint, _params):
        return left.pop(0) if len(left) > 1 else left[0]

    return ask


def listing(*rows):
    return {"retCode": 0, "retMsg": "OK", "result": {"list": list(rows), "nextPageCursor": ""}}


def trade_row(**changes):
    row = {
        "symbol": "BTCUSDT",
        "orderId": "7",
        "orderLinkId": "",
        "side": "Buy",
        "execFee": "0.0001",
        "execId": "1",
        "execPrice": "60000",
        "execQty": "0.1",
        "execTime": "1700000000000",
        "feeCurrency": "BTC",
        "isMaker": False,
    }
    return {**row, **changes}


async def test_a_trade_of_ours_that_no_list_explains_is_no_absence():
    order = child("bybit")
    wanted = Wanted(child=order, venue_order_id=None, since_ns=Nanos(0))
    ask = answering(listing(), listing(), listing(), listing(trade_row(orderLinkId=order.client_id)))
    with pytest.raises(AnswerUnusable, match="a trade names our order"):
        await Bybit().find(ask, DESK, wanted)


async def test_a_trade_nobody_can_name_is_a_stranger():
    wanted = Wanted(child=child("bybit"), venue_order_id=None, since_ns=Nanos(0))
    ask = answering(listing(), listing(), listing(), listing(trade_row()), listing())
    found = await Bybit().find(ask, DESK, wanted)
    assert isinstance(found, Absence)
    assert [trade.venue_order_id for trade in found.strangers] == ["7"]


async def test_a_cursor_that_goes_in_a_circle_is_no_list():
    page = listing(trade_row())
    page["result"]["nextPageCursor"] = "page%3A1"
    with pytest.raises(AnswerUnusable, match="repeats itself"):
        await Bybit().trades_since(answering(page), DESK, [], Nanos(0), Nanos(1_700_000_000_000_000_000))


@given(st.integers(0, 2 * 10**12), st.integers(0, 2 * 10**12))
def test_weeks_cover_every_moment_that_is_still_listed(start_ms, end_ms):
    """Seven days at most each, no hole in between, back to where the venue keeps trades."""
    spans = list(weeks(start_ms, end_ms))
    assert all(0 < end - start <= WEEK_MS for start, end in spans)
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    if start_ms < end_ms:
        assert spans[0][0] == max(start_ms, end_ms - 730 * 86_400_000)
        assert spans[-1][1] == end_ms
    else:
        assert spans == []


# Money and keys


@pytest.mark.parametrize(
    ("side", "maker", "fee", "asset"),
    [
        (Side.BUY, False, "0.1", "BTC"),
        (Side.SELL, False, "0.1", "USDT"),
        (Side.BUY, True, "0.1", "BTC"),
        (Side.BUY, True, "-0.1", "USDT"),
        (Side.SELL, True, "-0.1", "BTC"),
    ],
)
def test_a_fee_that_names_no_asset_is_in_the_one_received_and_a_rebate_in_the_one_given(side, maker, fee, asset):
    assert fee_asset(BTC, side, {"isMaker": maker, "execFee": fee}) == asset


async def test_a_fee_is_in_the_asset_its_row_names():
    """Whatever the rule says: a third coin, too."""
    (trade,) = await Bybit().trades_of(answering(listing(trade_row(feeCurrency="MNT"))), DESK, child_order(), Nanos(0))
    assert [(fee.asset, fee.amount) for fee in trade.fees] == [("MNT", Decimal("0.0001"))]


def child_order():
    from router.model.orders import VenueOrder

    return VenueOrder(
        account=DESK.account,
        symbol=BTC,
        venue_order_id="7",
        client_id=None,
        side=Side.BUY,
        status=VenueOrderStatus.FILLED,
        quantity=Decimal("0.1"),
        executed=Decimal("0.1"),
        limit_price=None,
        venue_time_ns=None,
    )


@pytest.mark.parametrize(
    ("wallet", "powers"),
    [
        ([], KeyPowers(may_withdraw=False, may_trade=True)),
        (["SubMemberTransferList"], KeyPowers(may_withdraw=False, may_trade=True)),
        (["AccountTransfer"], KeyPowers(may_withdraw=True, may_trade=True)),
        (["Withdraw"], KeyPowers(may_withdraw=True, may_trade=True)),
        (None, KeyPowers(may_withdraw=None, may_trade=True)),
    ],
)
async def test_what_moves_money_is_a_power_of_the_wallet(wallet, powers):
    told = {"retCode": 0, "result": {"uta": 1, "permissions": {"Spot": ["SpotTrade"], "Wallet": wallet}}}
    assert await Bybit().key_powers(answering(told)) == powers


async def test_an_account_that_is_not_unified_is_refused():
    """Ccxt was told that it is: balances, orders and streams would be another account's."""
    told = {"retCode": 0, "result": {"uta": 0, "permissions": {"Wallet": []}}}
    with pytest.raises(AnswerUnusable, match="not a unified"):
        await Bybit().key_powers(answering(told))


# Books


def frame(number, *, kind="delta", bids=(), asks=(), seq=None):
    data = {"s": "BTCUSDT", "b": list(bids), "a": list(asks), "u": number, "seq": seq or number * 10}
    return {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 1, "data": data}


def books(depth=50):
    reading = BybitBooks({"BTCUSDT": BTC}, depth)
    whole = frame(100, kind="snapshot", bids=[["10", "1"], ["9", "1"]], asks=[["11", "1"], ["12", "1"]])
    assert list(reading.take(whole)) == [BookWhole(BTC, {10.0: 1.0, 9.0: 1.0}, {11.0: 1.0, 12.0: 1.0})]
    return reading


def test_each_frame_of_a_book_follows_the_one_before():
    reading = books()
    assert list(reading.take(frame(101, bids=[["10", "2"]]))) == [BookChanged(BTC, [(10.0, 2.0)], [])]
    (broken,) = reading.take(frame(103, bids=[["10", "3"]]))
    assert broken == BookBroken(BTC, "gap: update 103 after 101")
    assert list(reading.take(frame(104))) == []


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_no_book_with_a_hole_in_it_is_shown(arrives):
    """Drop any frames: from the first hole on nothing is passed on until a whole book comes."""
    reading, whole = books(), True
    for number, there in enumerate(arrives, start=101):
        whole = whole and there
        signals = list(reading.take(frame(number, bids=[["10", str(number)]]))) if there else []
        assert any(isinstance(signal, BookChanged) for signal in signals) == (whole and there)
    (again,) = reading.take(frame(500, kind="snapshot", bids=[["10", "1"]], asks=[["11", "1"]]))
    assert isinstance(again, BookWhole)


moves = st.lists(st.tuples(st.sampled_from(Side), st.integers(0, 12), st.integers(0, 5)), min_size=1, max_size=40)


@given(moves, st.integers(1, 6))
def test_the_labs_frames_rebuild_the_exchanges_own_view(changes, depth):
    """Levels come into view and leave it, at any depth: after each frame the reader holds what the exchange shows."""
    exchange = Exchange(BybitVenue.default_rules("bybit", 0), BybitVenue.default_symbols())
    topic, reading = BookTopic(exchange, BTC, "BTCUSDT", depth), BybitBooks({"BTCUSDT": BTC}, depth)
    reading.take(topic.snapshot(1, 0))
    for place_in_time, (side, offset, size) in enumerate(changes, start=2):
        price = Decimal(100 - offset if side is Side.BUY else 101 + offset)
        bids, asks = ([(price, Decimal(size))], []) if side is Side.BUY else ([], [(price, Decimal(size))])
        exchange.set_outside(BTC, bids, asks, place_in_time)
        told = topic.change({event.price for event in exchange.drain() if isinstance(event, BookChanged_)}, 1, 0)
        signals = [] if told is None else list(reading.take(told))
        assert not any(isinstance(signal, BookBroken) for signal in signals)
        mirror = reading._books[BTC].mirror
        shown = exchange.book(BTC, depth)
        assert (mirror.bids, mirror.asks) == tuple({float(p): float(s) for p, s in rows} for rows in shown)


def test_a_repeated_frame_is_a_gap_too():
    (broken,) = books().take(frame(100))
    assert isinstance(broken, BookBroken)


@pytest.mark.parametrize("kind", ["snapshot", "delta"])
def test_a_book_numbered_one_is_a_whole_book(kind):
    """The venue's service has restarted; deltas go on from two."""
    reading = books()
    (whole,) = reading.take(frame(1, kind=kind, bids=[["8", "5"]], asks=[["9", "5"]]))
    assert whole == BookWhole(BTC, {8.0: 5.0}, {9.0: 5.0})
    assert [type(signal) for signal in reading.take(frame(2, bids=[["8", "4"]]))] == [BookChanged]


def test_deltas_before_the_first_snapshot_are_nothing():
    assert list(BybitBooks({"BTCUSDT": BTC}, 50).take(frame(7, bids=[["1", "1"]]))) == []


def test_what_falls_out_of_view_is_not_kept():
    """Only the levels subscribed to are kept up to date."""
    reading = books(depth=2)
    assert list(reading.take(frame(101, bids=[["10.5", "1"]]))) == [BookChanged(BTC, [(10.5, 1.0), (9.0, 0.0)], [])]


def test_rest_shows_that_nothing_has_happened_by_showing_the_same_levels():
    """`u` counts another depth's frames there; the cross sequence tells that the answer is not an older book."""
    reading = books()
    same = {"b": [["10", "1"], ["9", "1"]], "a": [["11", "1"], ["12", "1"]], "seq": 1000, "u": 5}
    assert reading.agrees(BTC, same)
    assert not reading.agrees(BTC, {**same, "seq": 999})
    assert not reading.agrees(BTC, {**same, "b": [["10", "1"]]})
    assert not BybitBooks({"BTCUSDT": BTC}, 50).agrees(BTC, same)


async def test_a_quiet_book_is_not_a_dead_socket():
    """There are no heartbeats: with nothing to tell for long, REST proves the book and the connection stays."""
    settings = LabSettings(venues=(LabVenueSettings(name="bybit", protocol="bybit"),), static=True, breath_ms=0)
    notes = Notes()
    async with Lab(settings) as lab:
        exchange = lab.venues["bybit"].exchange
        exchange.set_outside(BTC, _decimals(BIDS), _decimals(ASKS), 1)
        account = venue_at(lab, "bybit", silence_ms=150)
        await account.start(notes)
        try:
            await eventually(lambda: notes.heartbeats >= 3)
            assert (notes.snapshots, notes.lost) == (1, [])
        finally:
            await account.stop()


def _decimals(rows):
    return [(Decimal(price), Decimal(size)) for price, size in rows]


@pytest.mark.parametrize("reader", [BybitOrders(), BybitBooks({}, 50)])
def test_a_refused_login_or_subscription_ends_the_connection(reader):
    """The client would reject a future nobody waits for, and wait on."""
    for operation in ("auth", "subscribe"):
        with pytest.raises(AnswerUnusable, match=operation):
            reader.take({"success": False, "ret_msg": "error:USVC1111", "op": operation})


def test_reports_of_other_products_are_not_ours():
    rows = [
        {"category": "linear", "orderLinkId": "a" * 32, "orderId": "1", "orderStatus": "New"},
        {"category": "spot", "orderLinkId": "", "orderId": "2", "orderStatus": "Filled"},
    ]
    (touched,) = BybitOrders().take({"topic": "order", "data": rows})
    assert touched == (None, "2", "order Filled")
    assert BybitOrders().take({"op": "pong"}) is None


async def test_a_resting_order_is_cancelled_by_our_id_alone(venue, control):
    """The venue's id is not sent: `cancel_order(None, …)` with the unified name would send none of ours."""
    order = child("bybit", price="59000", time_in_force=TimeInForce.GTC)
    await place(venue, order)
    await venue.cancel(order, None)
    (record,) = await control.orders("bybit")
    assert record["status"] == "CANCELLED"
