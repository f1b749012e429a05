"""What only OKX does: rows, lists and books. Most of it with answers made by hand, the books with a real tape."""

import gzip
import json
import random
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from connectors.ccxt_venue.book_okx import OkxBooks, OkxOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.decoders import BookAlive, BookBroken, BookChanged, BookWhole, OrderTouched
from connectors.ccxt_venue.dialect import Absence, Deadline, Desk, Wanted
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.okx import Okx, OkxClient
from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.model.ids import Nanos, account_id
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Accepted
from router.model.side import Side
from tests.connectors.rig import BIDS, Notes, child, place, venue_at
from tests.waiting import eventually

NAMES = Names(
    symbol_by_id={"BTC-USDT": "BTC/USDT"},
    id_by_symbol={"BTC/USDT": "BTC-USDT", "BTC/USDC": "BTC-USDC", "BTC/EUR": "BTC-EUR"},
    asset_by_id={},
)
DESK = Desk(account=account_id("okx", "main"), names=NAMES)
DAY_NS = 86_400_000_000_000
ORDER = {
    "instId": "BTC-USDT",
    "ordId": "7",
    "clOrdId": "",
    "side": "buy",
    "state": "canceled",
    "sz": "2",
    "accFillSz": "0.5",
    "px": "60000",
    "tgtCcy": "",
    "cTime": "1700000000000",
}
FILL = {
    "instId": "BTC-USDT",
    "billId": "100",
    "tradeId": "5",
    "ordId": "7",
    "clOrdId": "",
    "side": "buy",
    "fillPx": "60000",
    "fillSz": "0.5",
    "fee": "-0.0005",
    "feeCcy": "BTC",
    "execType": "T",
    "fillTime": "1700000000123",
    "ts": "1700000000124",
}


class Answers:
    """An `Ask` with a table of answers by endpoint; what is not in it is an empty list."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    async def __call__(self, endpoint, params):
        self.asked.append((endpoint, dict(params)))
        answer = self.answers.get(endpoint, [])
        data = answer(params) if callable(answer) else answer
        if isinstance(data, Exception):
            raise data
        return {"code": "0", "msg": "", "data": data}

    def endpoints(self):
        return [endpoint for endpoint, _ in self.asked]


def unknown(_params):
    return VenueSaid(200, "51603", "Order does not exist.")


# Placing


def client():
    return OkxClient({"apiKey": "k", "secret": "s", "password": "p"}, lab_only=True)


def test_the_deadline_is_a_header_and_no_field_of_the_order():
    """Ccxt has no option for it. The signature is over time, path and body: the header is not part of it."""
    plain, fenced = {"instId": "BTC-USDT", "clOrdId": "a"}, {"instId": "BTC-USDT", "clOrdId": "a", "expTime": "1700"}
    ours = client()
    ours.milliseconds = lambda: 1_600_000_000_000
    for path, bare, given in (
        ("trade/batch-orders", [plain], [fenced]),
        ("trade/order", plain, fenced),
    ):
        with_deadline = ours.sign(path, ["private"], "POST", given)
        without = ours.sign(path, ["private"], "POST", bare)
        assert with_deadline["headers"].pop("expTime") == "1700"
        assert with_deadline == without
        assert "expTime" not in without["headers"]
    assert fenced["expTime"] == "1700"  # signed again, it has its deadline again


def test_the_deadline_is_in_the_venues_milliseconds_and_never_later():
    deadline = Deadline(at_ns=Nanos(1_700_000_000_123_999_999), now_ns=Nanos(1_700_000_000_000_000_000))
    assert Okx().create_params(child("okx"), deadline)["expTime"] == "1700000000123"
    assert "expTime" not in Okx().create_params(child("okx"), None)


def test_half_of_a_batch_that_failed_is_heard_under_code_two():
    rows = [{"sCode": "0", "ordId": "1"}, {"sCode": "51008", "sMsg": "no", "ordId": ""}]
    assert [said.code for said in Okx().errors(200, {"code": "2", "msg": "", "data": rows})] == ["51008"]


# Reading


async def test_a_fee_is_charged_with_a_minus_and_a_rebate_is_not():
    """And it is in the asset received."""
    ask = Answers(privateGetTradeFills=[FILL, {**FILL, "billId": "101", "tradeId": "6", "fee": "0.0001"}])
    charged, rebated = await Okx().trades_since(ask, DESK, [], Nanos(0), Nanos(DAY_NS))
    assert [(fee.asset, fee.amount) for fee in charged.fees] == [("BTC", Decimal("0.0005"))]
    assert [(fee.asset, fee.amount) for fee in rebated.fees] == [("BTC", Decimal("-0.0001"))]
    assert (charged.maker, charged.side, charged.venue_time_ns) == (False, Side.BUY, 1_700_000_000_123_000_000)


async def test_what_has_no_order_is_still_a_trade():
    """Conversions and block trades come in the same list, and must not keep the account from being read."""
    ask = Answers(privateGetTradeFills=[{**FILL, "subType": "236", "ordId": "", "tradeId": "", "fee": ""}])
    (trade,) = await Okx().trades_since(ask, DESK, [], Nanos(0), Nanos(DAY_NS))
    assert (trade.trade_id, trade.venue_order_id, trade.fees, trade.maker) == ("bill-100", "bill-100", (), False)


@pytest.mark.parametrize("field", ["fillPx", "fillSz"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "1e999"])
async def test_a_trade_of_nothing_or_for_nothing_is_none(field, value):
    with pytest.raises(AnswerUnusable):
        await Okx().trades_since(Answers(privateGetTradeFills=[{**FILL, field: value}]), DESK, [], Nanos(0), Nanos(1))


@pytest.mark.parametrize("field", ["ordId", "tradeId", "billId", "feeCcy", "fillPx", "fillSz"])
@pytest.mark.parametrize("how", ["empty", "missing"])
@pytest.mark.parametrize("fields", [{}, {"subType": "1"}])
async def test_a_trade_without_one_of_its_ids_is_half_an_answer(field, how, fields):
    """Seen end to end: read as a stranger's, our own trade would have been booked to nobody."""
    row_ = {name: value for name, value in {**FILL, **fields}.items() if name != field or how == "empty"}
    if how == "empty":
        row_[field] = ""
    with pytest.raises(AnswerUnusable):
        await Okx().trades_since(Answers(privateGetTradeFills=[row_]), DESK, [], Nanos(0), Nanos(DAY_NS))


async def test_old_trades_are_in_the_long_list():
    """The short one reaches back three days; a bill that is in both is one trade."""
    ask = Answers(privateGetTradeFills=[FILL], privateGetTradeFillsHistory=[FILL, {**FILL, "billId": "1"}])
    assert len(await Okx().trades_since(ask, DESK, [], Nanos(0), Nanos(2 * DAY_NS))) == 1
    assert ask.endpoints() == ["privateGetTradeFills"]
    assert len(await Okx().trades_since(ask, DESK, [], Nanos(0), Nanos(3 * DAY_NS))) == 2


async def test_an_orders_trades_are_looked_for_until_they_add_up():
    ask = Answers(privateGetTradeFills=[], privateGetTradeFillsHistory=[FILL], privateGetTradeOrdersPending=[ORDER])
    (order,) = await Okx().open_orders(ask, DESK)
    (trade,) = await Okx().trades_of(ask, DESK, order, Nanos(0))
    assert trade.quantity == order.executed == Decimal("0.5")
    assert ask.asked[-1] == (
        "privateGetTradeFillsHistory",
        {"instType": "SPOT", "instId": "BTC-USDT", "ordId": "7", "limit": 100},
    )


@pytest.mark.parametrize(
    ("fields", "status", "quantity", "limit_price"),
    [
        ({}, VenueOrderStatus.CANCELLED, "2", "60000"),
        ({"state": "partially_filled"}, VenueOrderStatus.OPEN, "2", "60000"),
        ({"state": "mmp_canceled"}, VenueOrderStatus.CANCELLED, "2", "60000"),
        ({"state": "filled", "px": "", "sz": "100", "tgtCcy": "quote_ccy"}, VenueOrderStatus.FILLED, "0.5", None),
    ],
)
async def test_orders_are_read_as_the_venue_means_them(fields, status, quantity, limit_price):
    """An amount of quote is not a quantity."""
    (order,) = await Okx().open_orders(Answers(privateGetTradeOrdersPending=[{**ORDER, **fields}]), DESK)
    assert (order.status, order.quantity) == (status, Decimal(quantity))
    assert order.limit_price == (None if limit_price is None else Decimal(limit_price))


async def test_a_state_nobody_has_reviewed_makes_the_answer_unusable():
    with pytest.raises(AnswerUnusable, match="paused"):
        await Okx().open_orders(Answers(privateGetTradeOrdersPending=[{**ORDER, "state": "paused"}]), DESK)


async def test_a_page_that_comes_again_is_no_page():
    """A venue that ignores the cursor would have us read for ever, or count twice."""
    full = [{**FILL, "billId": str(number)} for number in range(200, 100, -1)]
    with pytest.raises(AnswerUnusable, match="repeats itself"):
        await Okx().trades_since(Answers(privateGetTradeFills=full), DESK, [], Nanos(0), Nanos(DAY_NS))


@pytest.mark.parametrize(
    ("rates", "symbol", "bps"),
    [
        ({"taker": "-0.001", "takerUSDC": "", "fiat": []}, "BTC/USDT", "10"),
        ({"taker": "-0.001", "takerUSDC": "-0.0015"}, "BTC/USDT", "10"),
        ({"taker": "-0.001", "takerUSDC": "-0.0015"}, "BTC/USDC", "15"),
        ({"taker": "-0.001", "takerUSDC": "-0.0005"}, "BTC/USDC", "10"),
        ({"taker": "-0.001", "fiat": [{"ccy": "EUR", "taker": "-0.002"}]}, "BTC/EUR", "20"),
        ({"taker": "0.0002"}, "BTC/USDT", "-2"),
    ],
)
async def test_what_taking_costs_is_never_taken_for_less(rates, symbol, bps):
    """Rates are negative; where two may hold for a market, the dearer is assumed."""
    fees = await Okx().taker_fees_bps(Answers(privateGetAccountTradeFee=[rates]), DESK, [symbol])
    assert fees == {symbol: Decimal(bps)}


async def test_a_fee_that_is_not_told_is_not_guessed():
    with pytest.raises(AnswerUnusable):
        await Okx().taker_fees_bps(Answers(privateGetAccountTradeFee=[{"taker": ""}]), DESK, ["BTC/USDT"])


@pytest.mark.parametrize(
    ("config", "may"), [({"perm": "read_only,trade"}, False), ({"perm": "read_only,withdraw,trade"}, True), ({}, None)]
)
async def test_the_key_tells_whether_it_can_withdraw(config, may):
    assert (await Okx().key_powers(Answers(privateGetAccountConfig=[config]))).may_withdraw is may


# Looking up


def wanted():
    return Wanted(child=child("okx"), venue_order_id=None, since_ns=Nanos(1_700_000_000_000_000_000))


@pytest.mark.parametrize("endpoint", ["privateGetTradeOrdersPending", "privateGetTradeOrdersHistory"])
async def test_an_order_the_look_up_denies_is_found_in_the_lists(endpoint):
    order = wanted()
    ours = {**ORDER, "clOrdId": str(order.child.client_id)}
    found = await Okx().find(Answers(privateGetTradeOrder=unknown, **{endpoint: [ours]}), DESK, order)
    assert not isinstance(found, Absence)
    assert found.venue_order_id == "7"


async def test_a_fill_of_an_order_no_list_shows_names_it():
    """It is asked for by the venue's id: ours, and it is found; anybody's, and it explains the fill."""
    order = wanted()

    def named(params):
        if "clOrdId" in params:
            return unknown(params)
        return [{**ORDER, "clOrdId": str(order.child.client_id)}] if params["ordId"] == "7" else [ORDER]

    found = await Okx().find(Answers(privateGetTradeOrder=named, privateGetTradeFillsHistory=[FILL]), DESK, order)
    assert not isinstance(found, Absence)
    other = {**FILL, "ordId": "8"}
    absent = await Okx().find(Answers(privateGetTradeOrder=named, privateGetTradeFills=[other]), DESK, order)
    assert isinstance(absent, Absence)
    assert absent.strangers == ()


async def test_a_fill_that_nobody_can_name_is_a_stranger():
    ask = Answers(privateGetTradeOrder=unknown, privateGetTradeFills=[FILL, {**FILL, "billId": "9", "side": "sell"}])
    absent = await Okx().find(ask, DESK, wanted())
    assert isinstance(absent, Absence)
    assert [trade.venue_order_id for trade in absent.strangers] == ["7"]
    assert absent.endpoints == ("order", "orders-pending", "orders-history", "fills", "fills-history")


@pytest.mark.parametrize(
    "endpoint",
    [
        "privateGetTradeOrder",
        "privateGetTradeOrdersPending",
        "privateGetTradeOrdersHistory",
        "privateGetTradeFills",
        "privateGetTradeFillsHistory",
    ],
)
async def test_absence_needs_every_one_of_its_witnesses(endpoint):
    def failing(_params):
        return VenueSaid(200, "50001", "Service temporarily unavailable.")

    with pytest.raises(VenueSaid):
        await Okx().find(Answers(**{"privateGetTradeOrder": unknown, endpoint: failing}), DESK, wanted())


# At the lab's venue


@asynccontextmanager
async def account_at(notes, clock_offset_ms=0):
    """Our account at a lab's OKX with 120 levels of 0.01 to buy."""
    venue = LabVenueSettings(name="okx", protocol="okx", clock_offset_ms=clock_offset_ms)
    async with (
        Lab(LabSettings(venues=(venue,), static=True, breath_ms=50)) as lab,
        LabControl(lab.control_url) as control,
    ):
        await control.set_book("okx", "BTC/USDT", bids=BIDS, asks=[(str(60010 + i), "0.01") for i in range(120)])
        account = venue_at(lab, "okx")
        await account.start(notes)
        try:
            await eventually(lambda: notes.bids)
            await eventually(lambda: [each for each in lab.venues["okx"].sessions if "orders:" in each.subscriptions])
            yield account
        finally:
            await account.stop()


async def test_more_fills_than_a_page_holds_are_read():
    async with account_at(Notes()) as account:
        order = child("okx", quantity="1.2", price="60200")
        await place(account, order)
        assert len({trade.trade_id for trade in (await account.read_account(Nanos(0))).trades}) == 120
        assert len((await account.look_up(order, None)).result.trades) == 120


@pytest.mark.parametrize("offset_ms", [-45_000, 45_000])
async def test_a_clock_that_differs_by_more_than_the_venue_allows_changes_nothing(offset_ms):
    """Orders, their deadlines and the login of the private socket are dated by the venue's clock."""
    notes = Notes()
    async with account_at(notes, offset_ms) as account:
        order = child("okx", quantity="0.01")
        assert isinstance(await place(account, order), Accepted)
        await eventually(lambda: [hint for hint in notes.hints if hint.client_id == order.client_id])


async def test_the_venues_own_pings_are_text_and_their_answers_are_not_lost():
    """OKX closes a socket on which nothing was said for 30 s, and knows no other ping."""
    notes = Notes()
    async with account_at(notes) as account:
        for exchange in (account._clients.streams, account._clients.queries):
            await eventually(lambda e=exchange: e.clients)
            (socket,) = exchange.clients.values()
            await eventually(lambda s=socket: s.connected.done())
            assert socket.ping is not None
            socket.lastPong = 0
            await socket.send(socket.ping(socket))
            await eventually(lambda s=socket: s.lastPong)
        assert notes.lost == []


async def test_a_notice_that_the_socket_will_close_moves_us_to_another_at_once():
    """A minute's warning before an upgrade: the book is read anew, and what was missed of orders is read."""
    notice = {"event": "notice", "code": "64008", "msg": "The connection will soon be closed.", "connId": "a"}
    notes = Notes()
    async with account_at(notes) as account:
        for exchange in (account._clients.streams, account._clients.queries):
            await eventually(lambda e=exchange: e.clients)
            (socket,) = exchange.clients.values()
            before = notes.snapshots
            exchange.handle_message(socket, notice)
            if exchange is account._clients.streams:
                await eventually(lambda b=before: notes.lost and notes.snapshots > b)
        await eventually(lambda: notes.restored)


def test_every_endpoint_has_its_own_window_and_look_ups_their_share():
    """Two seconds each; an account that is read a lot does not keep a look-up waiting."""
    limits = {limit.name: limit for limit in Okx().limits}
    assert {limit.per_ns for limit in limits.values()} == {2_000_000_000}
    assert Okx().cost("createOrder", {}) == {"orders": 1}
    for endpoint in ("privateGetTradeFills", "privateGetTradeFillsHistory", "privateGetTradeOrdersPending"):
        assert Okx().cost(endpoint, {}) == {endpoint: 1}
        assert limits[endpoint].reserved == limits[endpoint].units // 2
    assert limits["privatePostTradeCancelOrder"].units == 60


# Books


def frame(previous, number, *, bids=(), asks=(), action="update", **more):
    data = {"bids": list(bids), "asks": list(asks), "prevSeqId": previous, "seqId": number, "ts": "1", **more}
    return {"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": action, "data": [data]}


def snapshot(number=10, **more):
    levels = {"bids": [["10", "1", "0", "1"]], "asks": [["11", "1", "0", "1"]]}
    return frame(-1, number, action="snapshot", **levels, **more)


def started():
    books = OkxBooks({"BTC-USDT": "BTC/USDT"})
    books.take(snapshot())
    return books


def test_each_update_follows_the_one_before_whatever_its_number():
    """Numbers skip, and fall after maintenance."""
    books = started()
    assert books.take(frame(10, 17, bids=[["10", "2", "0", "1"]])) == [BookChanged("BTC/USDT", [(10.0, 2.0)], [])]
    assert books.take(frame(17, 3, asks=[["11", "0", "0", "0"]])) == [BookChanged("BTC/USDT", [], [(11.0, 0.0)])]
    assert books.take(frame(3, 4, asks=[["12", "1", "0", "1"]])) == [BookChanged("BTC/USDT", [], [(12.0, 1.0)])]


def test_a_frame_that_follows_itself_says_that_nothing_happened():
    books = started()
    assert books.take(frame(10, 10)) == [BookAlive("BTC/USDT")]
    assert isinstance(books.take(frame(10, 11, bids=[["9", "1", "0", "1"]]))[0], BookChanged)


@pytest.mark.parametrize("previous", [9, 11, -1])
def test_an_update_that_does_not_follow_breaks_the_book_until_a_snapshot(previous):
    books = started()
    (broken,) = books.take(frame(previous, 12, bids=[["9", "1", "0", "1"]]))
    assert isinstance(broken, BookBroken)
    assert books.take(frame(12, 13, bids=[["9", "1", "0", "1"]])) == []
    assert books.take(snapshot(20)) == [BookWhole("BTC/USDT", {10.0: 1.0}, {11.0: 1.0})]


def test_a_checksum_is_checked_where_it_is_sent():
    """In the venue's digits, signed; 0 stands for none."""
    right = 1_858_397_906  # crc32 of "10:1:11:1:9.10:2", as anybody computes it
    books = started()
    update = {"bids": [["9.10", "2", "0", "1"]]}
    assert isinstance(books.take(frame(10, 11, **update, checksum=right))[0], BookChanged)
    assert isinstance(books.take(frame(11, 12, checksum=0))[0], BookAlive)
    assert isinstance(books.take(frame(12, 13, **update, checksum=right - 2**32))[0], BookChanged)
    assert books.take(frame(13, 14, **update, checksum=right + 1)) == [BookBroken("BTC/USDT", "checksum")]


def test_an_update_that_cannot_be_verified_is_not_applied():
    books = started()
    bare = frame(10, 11, bids=[["9", "1", "0", "1"]])
    del bare["data"][0]["prevSeqId"]
    (broken,) = books.take(bare)
    assert isinstance(broken, BookBroken)


@pytest.mark.parametrize(
    "message",
    ["pong", {"event": "subscribe", "arg": {"channel": "books", "instId": "BTC-USDT"}}, {"event": "error"}, [], None],
)
def test_what_is_not_about_books_is_left_to_ccxt(message):
    assert OkxBooks({"BTC-USDT": "BTC/USDT"}).take(message) is None
    assert OkxOrders().take(message) is None
    assert not OkxOrders().confirms(message)


def test_a_rest_book_agrees_level_by_level():
    """REST books carry no number; the whole of them is compared."""
    books = started()
    same = {"bids": [["10", "1", "0", "1"]], "asks": [["11.0", "1", "0", "3"]]}
    assert books.agrees("BTC/USDT", same)
    assert not books.agrees("BTC/USDT", {**same, "bids": [["10", "1.5", "0", "1"]]})
    assert not books.agrees("BTC/USDT", {**same, "asks": []})
    books.forget()
    assert not books.agrees("BTC/USDT", {"bids": [], "asks": []})


def test_orders_are_named_by_both_ids():
    arg = {"channel": "orders", "instType": "ANY", "uid": "1"}
    row = {"clOrdId": "", "ordId": "7", "state": "live", "accFillSz": "0"}
    assert OkxOrders().take({"arg": arg, "data": [row]}) == [OrderTouched("", "7", "live 0")]
    assert OkxOrders().confirms({"event": "subscribe", "arg": {"channel": "orders", "instType": "ANY"}})


# A real tape


@pytest.fixture(scope="module")
def tape(recorded_data):
    """Book frames of the venue, of 2022: with checksums, and before there were numbers."""
    path = recorded_data / "cryptofeed-wire" / "okx_20220513T162316Z.jsonl.gz"
    if not path.exists():
        pytest.skip("no recorded OKX tape")
    with gzip.open(path, "rt") as lines:
        received = [each["d"] for each in map(json.loads, filter(str.strip, lines)) if each["k"] == "recv"]
    frames = [json.loads(text) for text in received]
    return [each for each in frames if each.get("arg", {}).get("channel") == "books" and "data" in each]


IDS = {name: name for name in ("BTC-USDT", "BTC-USD-220527", "UNI-USD-SWAP")}


def numbered(frames):
    """The same frames with numbers as the venue gives them today."""
    last = {}
    told = []
    for place_, each in enumerate(frames):
        name, number = each["arg"]["instId"], 100 + 3 * place_
        previous = -1 if each["action"] == "snapshot" else last[name]
        told.append({**each, "data": [{**data, "prevSeqId": previous, "seqId": number} for data in each["data"]]})
        last[name] = number
    return told


def rebuilt(frames):
    """The books by the plainest means."""
    books = {}
    for each in frames:
        book = books.setdefault(each["arg"]["instId"], {"bids": {}, "asks": {}})
        for data in each["data"]:
            for side, levels in book.items():
                if each["action"] == "snapshot":
                    levels.clear()
                for price, size, *_ in data[side]:
                    levels[float(price)] = float(size)
                    if float(size) == 0:
                        del levels[float(price)]
    return books


@pytest.mark.parametrize("renumber", [False, True])
def test_every_checksum_of_a_real_tape_holds_and_the_books_are_those_of_the_tape(tape, renumber):
    frames = numbered(tape) if renumber else tape
    books, held = OkxBooks(IDS), {}
    for each in frames:
        for signal in books.take(each):
            assert not isinstance(signal, BookBroken)
            if isinstance(signal, BookWhole):
                held[signal.symbol] = {"bids": dict(signal.bids), "asks": dict(signal.asks)}
            elif isinstance(signal, BookChanged):
                for side, levels in (("bids", signal.bids), ("asks", signal.asks)):
                    for price, size in levels:
                        held[signal.symbol][side][price] = size
                        if size == 0:
                            del held[signal.symbol][side][price]
    assert len(frames) == 290
    assert held == rebuilt(frames)
    assert max(len(levels) for book in held.values() for levels in book.values()) == 400


def test_any_frame_that_is_missing_is_noticed_with_the_next_one(tape):
    """Two hundred drawn at random: the very next frame of that book breaks it, and a snapshot mends it."""
    frames, draws = numbered(tape), random.Random(7)
    updates = [place_ for place_, each in enumerate(frames) if each["action"] == "update"]
    for dropped in draws.choices(updates, k=200):
        name = frames[dropped]["arg"]["instId"]
        later = next((p for p in range(dropped + 1, len(frames)) if frames[p]["arg"]["instId"] == name), None)
        if later is None:
            continue
        books = OkxBooks(IDS)
        for each in frames[:dropped]:
            if each["arg"]["instId"] == name:
                books.take(each)
        assert [type(signal) for signal in books.take(frames[later])] == [BookBroken]
        first = next(each for each in frames if each["arg"]["instId"] == name)
        assert [type(signal) for signal in books.take(first)] == [BookWhole]
