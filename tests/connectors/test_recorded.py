"""Payloads recorded at the real venues are read by the very mapping that reads the lab; skipped where absent."""

import gzip
import json
from decimal import Decimal

import pytest

from connectors.ccxt_venue.book_kraken import Digits, KrakenBooks
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.decoders import BookBroken, BookChanged, BookWhole
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.registry import DIALECTS
from router.model.ids import Nanos, account_id
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Accepted, Lost
from router.model.side import Side
from tests.connectors.test_verdict import judged

NAMES = Names(
    symbol_by_id={
        "LTCUSDT": "LTC/USDT",
        "XBTUSD": "BTC/USD",
        "XXBTZUSD": "BTC/USD",
        "XLTCXXBT": "LTC/BTC",
        "LTCBTC": "LTC/BTC",
        "ADA-USDT": "ADA/USDT",
        "ETHBTC": "ETH/BTC",
    },
    id_by_symbol={"BTC/USD": "XXBTZUSD", "ADA/USDT": "ADA-USDT"},
    asset_by_id={"XXBT": "BTC", "ZUSD": "USD"},
)
DESK = Desk(account=account_id("v", "main"), names=NAMES)


def answering(body):
    """An `Ask` that gives one recorded answer, then empty pages."""
    bodies = [body]

    async def ask(endpoint, params):
        if bodies:
            return bodies.pop()
        return {"error": [], "result": {"trades": {}, "open": {}}, "fills": [], "orders": []}

    return ask


@pytest.fixture
def excerpts(recorded_data):
    folder = recorded_data / "rest-recordings" / "ccxt-excerpts"
    if not folder.is_dir():
        pytest.skip("no recorded REST excerpts")

    def load(venue, call):
        loaded = json.loads((folder / f"response.{venue}.excerpt.json").read_text())
        return [(each["httpResponse"], each["parsedKey"]) for each in loaded.get("methods", loaded)[call]]

    return load


@pytest.fixture
def xchange(recorded_data):
    folder = recorded_data / "rest-recordings" / "xchange"
    if not folder.is_dir():
        pytest.skip("no recorded xchange payloads")
    return lambda path: json.loads((folder / path).read_text())


def test_kraken_accepts_what_kraken_answered(excerpts):
    for body, parsed in excerpts("kraken", "createOrder"):
        assert judged("kraken", 200, body) == Accepted(venue_order_id=parsed["id"])


async def test_kraken_orders(excerpts):
    """As ccxt reads them, except that a userref is no client id."""
    kraken = DIALECTS["kraken"]()
    recorded = [(each, parsed) for each, parsed in excerpts("kraken", "fetchOrder")]
    for body, parsed in recorded:
        as_list = {"error": [], "result": {"open": body["result"]}}
        (order,) = await kraken.open_orders(answering(as_list), DESK)
        assert order.venue_order_id == parsed["id"]
        assert order.client_id is None
        assert order.symbol == "LTC/USDT"
        assert (order.quantity, order.executed) == (Decimal(str(parsed["amount"])), Decimal(str(parsed["filled"])))
        assert order.venue_time_ns == parsed["timestamp"] * 1_000_000
        assert order.status is {"open": VenueOrderStatus.OPEN, "closed": VenueOrderStatus.FILLED}[parsed["status"]]


async def test_kraken_open_orders_with_numbers_for_times(xchange):
    body = xchange("xchange-kraken/org/knowm/xchange/kraken/dto/trading/example-openorders-data.json")
    orders = await DIALECTS["kraken"]().open_orders(answering(body), DESK)
    assert len(orders) == len(body["result"]["open"])
    assert orders[0].venue_time_ns == 1_499_872_460_257_200_000


async def test_kraken_trades(xchange):
    body = xchange("xchange-kraken/org/knowm/xchange/kraken/dto/trading/example-tradehistory-data.json")
    trades = await DIALECTS["kraken"]().trades_since(answering(body), DESK, [], Nanos(0), Nanos(2**62))
    first = next(trade for trade in trades if trade.trade_id == "TY5BYV-WJUQF-XPYEYD-1")
    assert len(trades) == len(body["result"]["trades"])
    assert (first.symbol, first.side, first.price) == ("LTC/BTC", Side.SELL, Decimal("32.07562"))
    assert [(fee.asset, fee.amount) for fee in first.fees] == [("BTC", Decimal("0.03208"))]


async def test_kraken_fees(xchange):
    body = xchange("xchange-kraken/org/knowm/xchange/kraken/dto/account/example-tradevolume-data.json")
    fees = await DIALECTS["kraken"]().taker_fees_bps(answering(body), DESK, ["BTC/USD"])
    assert fees == {"BTC/USD": Decimal(30)}


async def test_binance_orders(xchange):
    binance = DIALECTS["binance"]()
    (order,) = await binance.open_orders(answering(xchange("xchange-binance/__files/open-orders.json")), DESK)
    assert (order.symbol, order.client_id, order.status) == ("LTC/BTC", None, VenueOrderStatus.OPEN)
    assert (order.quantity, order.executed, order.limit_price) == (Decimal(1), Decimal(0), Decimal("0.1"))
    filled = xchange("xchange-binance/org/knowm/xchange/binance/filled-market-order.json")
    (order,) = await binance.open_orders(answering([filled]), DESK)
    assert (order.status, order.limit_price, order.executed) == (VenueOrderStatus.FILLED, None, Decimal("0.107"))


async def test_binance_account_and_lists(recorded_data):
    path = recorded_data / "rest-payloads" / "gct_mock_binance_http.json.gz"
    if not path.exists():
        pytest.skip("no recorded Binance HTTP mock")
    routes = json.loads(gzip.decompress(path.read_bytes()))["routes"]
    binance = DIALECTS["binance"]()
    for each in routes["/api/v3/account"]["GET"]:
        balances = await binance.balances(answering(each["data"]), DESK)
        assert {"BTC", "LTC"} <= {balance.asset for balance in balances}
    for route in ("/api/v3/allOrders", "/api/v3/openOrders"):
        for each in routes[route]["GET"]:
            orders = await binance.open_orders(answering(each["data"]), DESK)
            assert [order.venue_order_id for order in orders] == [str(row["orderId"]) for row in each["data"]]


async def test_coinbase_fills(excerpts):
    for body, parsed in excerpts("coinbase", "fetchMyTrades"):
        (trade,) = await DIALECTS["coinbase"]().trades_since(answering(body), DESK, [], Nanos(0), Nanos(2**62))
        assert (trade.trade_id, trade.venue_order_id) == (parsed["id"], parsed["order"])
        assert (trade.price, trade.quantity) == (Decimal(str(parsed["price"])), Decimal(str(parsed["amount"])))
        assert trade.venue_time_ns == parsed["timestamp"] * 1_000_000
        assert [(f.asset, f.amount) for f in trade.fees] == [("USDT", Decimal(str(parsed["fee"]["cost"])))]
        assert trade.maker is False


async def test_coinbase_orders(excerpts):
    for body, parsed in excerpts("coinbase", "fetchClosedOrders"):
        (order,) = await DIALECTS["coinbase"]().open_orders(answering(body), DESK)
        assert order.venue_order_id == parsed["id"]
        assert order.client_id == parsed["clientOrderId"].replace("-", "")
        assert (order.status, order.side) == (VenueOrderStatus.FILLED, Side.SELL)
        assert (order.quantity, order.executed) == (Decimal(10), Decimal(10))


async def test_bybit_orders_and_balances(xchange):
    """A market buy in quote currency, whose rest was cancelled: its quantity is what it did, its id is not ours."""
    bybit = DIALECTS["bybit"]()
    body = xchange("xchange-bybit/getOrderDetailsSpot.json5")
    (row,) = body["result"]["list"]
    order = bybit._order(DESK, row)
    assert (order.status, order.client_id, order.limit_price) == (VenueOrderStatus.CANCELLED, None, None)
    assert order.quantity == order.executed == Decimal("0.000772")
    (held,) = await bybit.balances(answering(xchange("xchange-bybit/getWalletBalance.json5")), DESK)
    assert (held.asset, held.total, held.free) == ("BTC", 0, 0)
    placed = xchange("xchange-bybit/placeMarketOrder.json5")
    assert isinstance(judged("bybit", 200, placed), Lost)  # under another id than the one asked about


@pytest.mark.parametrize("venue", sorted(DIALECTS))
async def test_half_a_row_is_no_row(venue):
    """A field that is missing makes the whole answer unusable."""
    dialect = DIALECTS[venue]()
    for body in ([{}], {"error": [], "result": {"open": {"O1": {}}}}, {"orders": [{}]}, "text", None, 7):
        with pytest.raises(AnswerUnusable):
            await dialect.open_orders(answering(body), DESK)


def kraken_frames(folder, name):
    path = folder / "kraken-v2" / name
    if not path.exists():
        pytest.skip("no recorded Kraken tape")
    with gzip.open(path, "rt") as lines:
        for line in lines:
            each = json.loads(line)
            if each["k"] == "recv":
                yield json.loads(each["d"])


TAPES = [
    ("kraken_v2_btcusd_d25_20260802T033550Z.jsonl.gz", 25, 2052),
    ("kraken_v2_btcusd_resub_20260801T025352Z.jsonl.gz", 10, 301),
]


@pytest.mark.parametrize(("name", "depth", "states"), TAPES)
def test_every_checksum_of_a_real_tape_holds(recorded_data, name, depth, states):
    """The digits are gone (JSON made floats of them) and written again: every CRC32 of the venue agrees."""
    books = KrakenBooks({"BTC/USD": Digits(price=1, size=8)}, depth)
    seen = 0
    for frame in kraken_frames(recorded_data, name):
        for signal in books.take(frame) or ():
            assert not isinstance(signal, BookBroken)
            seen += isinstance(signal, BookWhole | BookChanged)
    assert seen == states


def test_a_dropped_message_of_a_real_tape_is_noticed(recorded_data):
    """As far as the ten best levels can tell: what they hide, they hide from the venue's own clients, too."""
    frames = list(kraken_frames(recorded_data, TAPES[0][0]))
    updates = [index for index, frame in enumerate(frames) if frame.get("type") == "update"][10::150]
    noticed = 0
    for dropped in updates:
        books = KrakenBooks({"BTC/USD": Digits(price=1, size=8)}, 25)
        after = frames[:dropped] + frames[dropped + 1 : dropped + 400]
        noticed += any(isinstance(signal, BookBroken) for frame in after for signal in books.take(frame) or ())
    assert noticed >= len(updates) // 2
