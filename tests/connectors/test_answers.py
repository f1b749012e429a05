"""Answers that are whole JSON and still no answer: another order's rows, absurd digits, pages without an end.

They are put in at ccxt's own door, between the venue and the dialect; nothing they say is booked.
"""

from decimal import Decimal

import pytest

from connectors.ccxt_venue import mapping
from connectors.ccxt_venue.book_binance import BinanceBooks
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.decoders import levels
from connectors.ccxt_venue.dialect import Absence, Desk, Wanted
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.registry import DIALECTS
from router.model.errors import BadInput
from router.model.ids import Nanos, VenueId, VenueOrderId, account_id
from router.model.outcomes import Found, Unclear
from tests.connectors.rig import child, place

TRADES = {
    "binance": "privateGetMyTrades",
    "kraken": "privatePostTradesHistory",
    "coinbase": "v3PrivateGetBrokerageOrdersHistoricalFills",
}
ORDERS = {
    "binance": "privateGetOrder",
    "kraken": "privatePostClosedOrders",
    "coinbase": "v3PrivateGetBrokerageOrdersHistoricalBatch",
}
NAMES = Names(
    symbol_by_id={"BTCUSDT": "BTC/USDT", "XXBTZUSD": "BTC/USD", "XBTUSD": "BTC/USD", "BTC-USD": "BTC/USD"},
    id_by_symbol={"BTC/USDT": "BTCUSDT"},
    asset_by_id={},
)


def desk(venue):
    return Desk(account=account_id(VenueId(venue), "main"), names=NAMES)


def trade_rows(venue, body):
    if venue == "binance":
        return body
    return list(body["result"]["trades"].values()) if venue == "kraken" else body["fills"]


def order_rows(venue, body):
    if venue == "binance":
        return [body]
    return list(body["result"]["closed"].values()) if venue == "kraken" else body["orders"]


@pytest.fixture(params=sorted(TRADES))
def venue_name(request):
    """The venues whose rows these tests know how to write."""
    return request.param


def lie(venue, endpoint, change):
    """Let the venue's own answer through, changed."""
    honest = getattr(venue._clients.queries, endpoint)

    async def lying(params):
        body = await honest(params)
        change(body)
        return body

    setattr(venue._clients.queries, endpoint, lying)


ANOTHERS = {
    "order": {"binance": {"orderId": 987654}, "coinbase": {"order_id": "0198aaaa-0000-8000-a000-000000000000"}},
    "symbol": {"binance": {"symbol": "ETHUSDT"}, "kraken": {"pair": "XETHZUSD"}, "coinbase": {"product_id": "ETH-USD"}},
    "side": {"binance": {"isBuyer": False}, "kraken": {"type": "sell"}, "coinbase": {"side": "SELL"}},
}


@pytest.mark.parametrize(
    ("what", "venue_name"),
    [(what, name) for what in sorted(ANOTHERS) for name in ANOTHERS[what]],
    indirect=["venue_name"],
)
async def test_a_trade_of_another_order_is_not_taken_for_ours(venue, venue_name, what):
    """Asked for one order's trades, the venue answers with another's: no evidence, and nothing to book.

    Kraken lists the whole account's trades: there another order's are expected.
    """
    changes = ANOTHERS[what][venue_name]
    order = child(venue_name)
    await place(venue, order)
    lie(venue, TRADES[venue_name], lambda body: [each.update(changes) for each in trade_rows(venue_name, body)])
    assert isinstance((await venue.look_up(order, None)).result, Unclear)


async def test_a_record_of_another_quantity_is_not_ours(venue, venue_name):
    """Our id, and not what was sent under it."""
    order = child(venue_name)
    await place(venue, order)
    assert isinstance((await venue.look_up(order, None)).result, Found)

    def grow(body):
        for each in order_rows(venue_name, body):
            if venue_name == "coinbase":
                each["order_configuration"] = {"sor_limit_ioc": {"base_size": "0.7", "limit_price": "60010"}}
            else:
                each.update({"origQty": "0.7", "vol": "0.7"})

    lie(venue, ORDERS[venue_name], grow)
    looked = (await venue.look_up(order, None)).result
    assert isinstance(looked, Unclear)
    assert "another order" in looked.why


ABSURD = ["-5", "0", "NaN", "Infinity", "1e99", "1e-99", "1." + "1" * 40, "1_000", " 5", "five", None, True, []]


@pytest.mark.parametrize("value", ABSURD, ids=str)
async def test_a_trade_with_an_absurd_number_is_not_booked(venue, venue_name, value):
    """One row of one trade is enough to make the look-up prove nothing."""
    order = child(venue_name)
    await place(venue, order)
    field = {"binance": "qty", "kraken": "vol", "coinbase": "size"}[venue_name]
    for name in (field, "price"):
        lie(
            venue, TRADES[venue_name], lambda body, n=name: [r.update({n: value}) for r in trade_rows(venue_name, body)]
        )
        assert isinstance((await venue.look_up(order, None)).result, Unclear)


@pytest.mark.parametrize("value", [None, "", [], {}, ["7"], True, False, 7.0], ids=repr)
def test_what_is_no_text_and_no_whole_number_is_no_id(value):
    """An order was accepted under the id `[]`."""
    with pytest.raises(AnswerUnusable):
        mapping.text({"x": value}, "x")


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e31", "1e-31", "1" * 31, "1" * 10**6, "1_0", "", "0x1", "٣"])
def test_what_is_no_number_of_a_venue_is_refused(value):
    with pytest.raises(AnswerUnusable):
        mapping.number({"x": value}, "x")


@pytest.mark.parametrize(
    ("value", "number"),
    [("-0.10", "-0.10"), ("1" + "0" * 29, "1e29"), (5, "5"), (0.1, "0.1"), ("1E-8", "1e-8"), ("0", "0")],
)
def test_what_a_venue_says_is_read_as_it_says_it(value, number):
    assert mapping.number({"x": value}, "x") == Decimal(number)


@pytest.mark.parametrize("value", ["soon", "", None, "NaN", -1, "1e99", 10**20, {}, [], "1_700_000_000_000"], ids=str)
def test_nonsense_for_a_time_is_refused(value):
    for read in (mapping.ns_of_ms, mapping.ns_of_seconds):
        with pytest.raises(AnswerUnusable):
            read(value)
    with pytest.raises(AnswerUnusable):
        mapping.ns_of_iso(str(value))


@pytest.mark.parametrize(
    "row",
    [
        ["-1", "1"],
        ["0", "1"],
        ["1", "-1"],
        ["nan", "1"],
        ["1", "inf"],
        ["1e300", "1"],
        ["1.0000000000000001", "1"],
        [98.99999999999999, "1"],
        ["1", "1." + "1" * 20],
        ["x", "1"],
        ["1"],
        [None, "1"],
        7,
    ],
    ids=str,
)
def test_a_level_no_book_holds_breaks_the_book(row):
    """The decoder raises: the frame ends the connection, the book is lost, and is read anew."""
    with pytest.raises(AnswerUnusable):
        levels([row])
    books = BinanceBooks({"BTCUSDT": "BTC/USDT"})
    with pytest.raises(AnswerUnusable):
        list(books.snapshot("BTC/USDT", {"lastUpdateId": 1, "bids": [["10", "1"], row], "asks": []}))


def test_levels_of_fifteen_digits_and_trailing_zeros_are_read():
    assert levels([["60000.10000000000000000", "0.00000001"], [0.00001234567, 12345678.12345678]]) == [
        (60000.1, 1e-8),
        (0.00001234567, 12345678.12345678),
    ]


def binance_row(number):
    return {
        "symbol": "BTCUSDT",
        "id": number,
        "orderId": number,
        "clientOrderId": f"x{number}",
        "price": "1",
        "qty": "1",
        "commission": "0",
        "commissionAsset": "BNB",
        "time": 1_700_000_000_000,
        "isBuyer": True,
    }


def kraken_row():
    return {
        "pair": "XBTUSD",
        "ordertxid": "O1",
        "type": "buy",
        "price": "1",
        "vol": "1",
        "fee": "0",
        "time": "1700000000.0",
    }


def coinbase_row():
    return {
        "product_id": "BTC-USD",
        "entry_id": "e",
        "trade_id": "t",
        "order_id": "o",
        "side": "BUY",
        "price": "1",
        "size": "1",
        "commission": "0",
        "trade_time": "2024-01-01T00:00:00Z",
    }


SAME_PAGE = {
    "binance": [binance_row(number) for number in range(1000)],
    "kraken": {"error": [], "result": {"trades": {f"T{number}": kraken_row() for number in range(50)}}},
    "coinbase": {"fills": [coinbase_row()], "cursor": "again"},
}


async def test_a_page_that_repeats_itself_ends_the_read(venue_name):
    """The same full page again and again: no list, and no loop."""
    asked = []

    async def ask(endpoint, params):
        asked.append(params)
        assert len(asked) < 10
        return SAME_PAGE[venue_name]

    dialect = DIALECTS[venue_name]()
    with pytest.raises(AnswerUnusable, match="repeat"):
        await dialect.trades_since(ask, desk(venue_name), ["BTC/USDT"], Nanos(0), Nanos(2**62))


async def test_a_list_of_orders_that_repeats_itself_proves_no_absence():
    async def ask(endpoint, params):
        return SAME_PAGE["binance"] if endpoint == "privateGetAllOrders" else {}

    class UnknownByName(DIALECTS["binance"]):
        async def _named(self, ask, params):
            return None

    wanted = Wanted(child=child("binance"), venue_order_id=None, since_ns=Nanos(0))
    with pytest.raises(AnswerUnusable, match="repeat"):
        await UnknownByName().find(ask, desk("binance"), wanted)


async def test_pages_that_never_end_are_bounded(venue_name):
    """Each page is new, and there is always one more."""
    count = 0

    async def ask(endpoint, params):
        nonlocal count
        count += 1
        assert count < 1000
        if venue_name == "binance":
            return [binance_row(count * 1000 + number) for number in range(1000)]
        if venue_name == "kraken":
            return {"error": [], "result": {"trades": {f"T{count}-{number}": kraken_row() for number in range(50)}}}
        return {"fills": [coinbase_row()], "cursor": str(count)}

    dialect = DIALECTS[venue_name]()
    with pytest.raises(AnswerUnusable, match="more than"):
        await dialect.trades_since(ask, desk(venue_name), ["BTC/USDT"], Nanos(0), Nanos(2**62))


async def test_kraken_absence_needs_a_venue_that_heeds_the_id():
    """A list by our id that is full of others' orders was not narrowed to it: ours may be on a later page."""
    answers = {"privatePostOpenOrders": {"open": {}}, "privatePostClosedOrders": {"closed": {"O1": {"cl_ord_id": "x"}}}}
    asked = []

    async def ask(endpoint, params):
        asked.append((endpoint, dict(params)))
        return {"error": [], "result": answers.get(endpoint, {"trades": {}})}

    wanted = Wanted(child=child("kraken"), venue_order_id=None, since_ns=Nanos(10**18))
    with pytest.raises(AnswerUnusable, match="cl_ord_id"):
        await DIALECTS["kraken"]().find(ask, desk("kraken"), wanted)
    answers["privatePostClosedOrders"] = {"closed": {}}
    assert isinstance(await DIALECTS["kraken"]().find(ask, desk("kraken"), wanted), Absence)
    by_name = [params for endpoint, params in asked if endpoint.endswith("Orders")]
    assert all(set(params) == {"cl_ord_id"} for params in by_name)


def market(symbol, **info):
    return {"id": symbol.replace("/", "-"), "symbol": symbol, "info": info}


@pytest.mark.parametrize(
    "rows",
    [
        [market("BTC/USD", alias="", alias_to=["BTC-USDC"]), market("BTC/USDC", alias="BTC-USD", alias_to=[])],
        [market("BTC/USD"), market("BTC/USDC", alias="BTC-USD")],
        [market("BTC/USD", alias_to=["BTC-USDC"]), market("BTC/USDC")],
    ],
)
def test_two_names_of_one_book_are_not_configured_together(rows):
    """Coinbase fills BTC-USDC from the book of BTC-USD: counted twice, it would be routed to twice."""
    with pytest.raises(BadInput, match="BTC/USD and BTC/USDC are one book under two names at coinbase") as caught:
        mapping.check_books_apart(rows, VenueId("coinbase"))
    assert caught.value.field == "venues.coinbase.symbols"
    for alone in rows:
        mapping.check_books_apart([alone], VenueId("coinbase"))


def test_books_of_their_own_stay_configurable():
    """The lab's BTC-USDC names no alias."""
    rows = [market("BTC/USD", alias="", alias_to=[]), market("BTC/USDC", alias="", alias_to=[])]
    mapping.check_books_apart(rows, VenueId("coinbase"))


async def test_coinbase_sizes_in_quote_are_cut_to_a_grain():
    """A quotient has no end: it is cut, so that sums with it stay exact."""

    async def ask(endpoint, params):
        return {"fills": [{**coinbase_row(), "price": "3", "size": "10", "size_in_quote": True}], "cursor": ""}

    (trade,) = await DIALECTS["coinbase"]().trades_since(ask, desk("coinbase"), [], Nanos(0), Nanos(1))
    assert trade.quantity == Decimal("3.333333333333")
    assert trade.venue_order_id == VenueOrderId("o")
