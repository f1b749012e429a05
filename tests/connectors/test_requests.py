"""What really goes over the wire for an order: captured at ccxt's own door, nothing is sent."""

import json
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from ccxt.base.exchange import Exchange as StockExchange
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connectors.ccxt_venue import wire
from connectors.ccxt_venue.binance import BinanceClient
from connectors.ccxt_venue.calls import CallKind, Forbidden
from connectors.ccxt_venue.coinbase import CoinbaseClient
from router.model.ids import Nanos
from router.model.outcomes import Accepted, NotSent
from router.model.side import Side
from tests.connectors.rig import WITH_DEADLINE, approved, child, pass_gate, place


class Captured(list):
    """Requests for orders, as (method, path, fields), and what each had for headers."""

    def __init__(self):
        super().__init__()
        self.headers = []


@pytest.fixture
async def captured(venue):
    requests = Captured()

    async def capture(url, method="GET", headers=None, body=None):
        fields = json.loads(body) if body[0] in "{[" else {k: v[0] for k, v in parse_qs(body).items()}
        requests.append((method, urlsplit(url).path, fields))
        requests.headers.append(headers or {})
        raise ConnectionError

    venue._clients.orders.fetch = capture
    return requests


async def sent(venue, captured, order, deadline_ns):
    outcome, _ = await venue.place(approved(order), deadline_ns, pass_gate)
    assert isinstance(outcome, NotSent)
    return captured[0]


async def test_an_order_is_a_priced_limit_ioc_under_our_id(venue, venue_name, captured):
    """On every venue, with the quantity and price as given: no rounding, no id of ccxt's making."""
    order = child(venue_name, side=Side.SELL, quantity="0.12345", price="60010.5")
    method, path, fields = await sent(venue, captured, order, Nanos(order.deadline_ns))
    assert method == "POST"
    spelled = venue.encode_id(order.client_id)
    if venue_name == "binance":
        assert path == "/api/v3/order"
        assert fields["newClientOrderId"] == spelled == order.client_id
        assert (fields["type"], fields["timeInForce"], fields["side"]) == ("LIMIT", "IOC", "SELL")
        assert (Decimal(fields["quantity"]), Decimal(fields["price"])) == (order.quantity, order.limit_price)
        assert "quoteOrderQty" not in fields
    elif venue_name == "kraken":
        assert path == "/0/private/AddOrder"
        assert fields["cl_ord_id"] == spelled
        assert "userref" not in fields
        assert (fields["ordertype"], fields["timeinforce"], fields["type"]) == ("limit", "IOC", "sell")
        assert fields["oflags"] == "fciq"
        assert (Decimal(fields["volume"]), Decimal(fields["price"])) == (order.quantity, order.limit_price)
    elif venue_name == "bybit":
        assert path == "/v5/order/create"
        assert fields.pop("orderLinkId") == spelled == order.client_id
        assert (Decimal(fields.pop("qty")), Decimal(fields.pop("price"))) == (order.quantity, order.limit_price)
        assert fields == {
            "symbol": "BTCUSDT",
            "side": "Sell",
            "orderType": "Limit",
            "timeInForce": "IOC",
            "category": "spot",
        }
    elif venue_name == "bitstamp":
        assert path == "/api/v2/sell/btcusd/"
        assert fields["client_order_id"] == spelled
        assert fields["ioc_order"] == "true"
        assert not fields.keys() & {"timeInForce", "clientOrderId", "pair"}
        assert (Decimal(fields["amount"]), Decimal(fields["price"])) == (order.quantity, order.limit_price)
    elif venue_name == "gemini":
        assert path == "/v1/order/new"
        assert fields.pop("client_order_id") == spelled == order.client_id
        assert (Decimal(fields.pop("amount")), Decimal(fields.pop("price"))) == (order.quantity, order.limit_price)
        assert fields == {
            "symbol": "btcusd",
            "side": "sell",
            "type": "exchange limit",
            "options": ["immediate-or-cancel"],
        }
    elif venue_name == "okx":
        assert path == "/api/v5/trade/batch-orders"
        assert fields == [
            {
                "instId": "BTC-USDT",
                "clOrdId": spelled,
                "side": "sell",
                "ordType": "ioc",
                "sz": "0.12345",
                "px": "60010.5",
                "tdMode": "cash",
                "tgtCcy": "base_ccy",
            }
        ]
        assert spelled == order.client_id
    else:
        assert path == "/api/v3/brokerage/orders"
        assert fields["client_order_id"] == spelled
        assert "clientOrderId" not in fields
        assert fields["order_configuration"] == {"sor_limit_ioc": {"base_size": "0.12345", "limit_price": "60010.5"}}


async def test_the_deadline_travels_in_the_venues_own_time(venue, venue_name, captured):
    """Binance: a window after the request's time stamp. Kraken: a moment. Coinbase, Bitstamp: nothing."""
    venue._venue_clock._low = venue._venue_clock._high = 5_000_000_000  # the venue's clock is five seconds ahead
    order = child(venue_name)
    deadline = Nanos(order.decided_at_ns + 900_000_000)
    _, _, fields = await sent(venue, captured, order, deadline)
    if venue_name == "binance":
        ends_ms = int(fields["timestamp"]) + int(fields["recvWindow"])
        assert deadline // 1_000_000 + 5000 - 2 <= ends_ms <= deadline // 1_000_000 + 5000
    elif venue_name == "kraken":
        assert fields["deadline"].endswith("Z")
        at_ns = venue_seconds(fields["deadline"])
        assert deadline + 5_000_000_000 - 1_000_000 < at_ns <= deadline + 5_000_000_000
    elif venue_name == "bybit":
        headers = captured.headers[0]
        ends_ms = int(headers["X-BAPI-TIMESTAMP"]) + int(headers["X-BAPI-RECV-WINDOW"])
        assert deadline // 1_000_000 + 5000 - 2 <= ends_ms <= deadline // 1_000_000 + 5000
        assert int(headers["X-BAPI-RECV-WINDOW"]) <= 900
        assert venue._clients.orders.options["recvWindow"] == 5000  # of this one call, not of the instance
    elif venue_name == "bitstamp":
        assert set(fields) == {"client_order_id", "amount", "price", "ioc_order"}
    elif venue_name == "gemini":
        assert set(fields) == {"client_order_id", "symbol", "amount", "price", "side", "type", "options"}
    elif venue_name == "okx":
        assert captured.headers[0]["expTime"] == str(deadline // 1_000_000 + 5000)  # a header, and none of the order
        assert "expTime" not in fields[0]
    else:
        assert set(fields) == {"client_order_id", "product_id", "side", "order_configuration"}


def venue_seconds(text):
    from connectors.ccxt_venue.mapping import ns_of_iso

    return ns_of_iso(text)


async def test_what_was_provably_not_sent_goes_once_more_and_no_more(venue, venue_name, captured):
    await sent(venue, captured, child(venue_name), None)
    assert len(captured) == 2


@pytest.mark.parametrize("venue_name", WITH_DEADLINE, indirect=True)
async def test_a_stale_venue_clock_closes_the_venue(venue, venue_name, captured):
    """A deadline in a time we do not know fences nothing."""
    venue._venue_clock._at_ns -= 120_000_000_000
    outcome, _ = await venue.place(approved(child(venue_name)), Nanos(2**62), pass_gate)
    assert isinstance(outcome, NotSent)
    assert "clock" in outcome.why
    assert captured == []


async def test_a_copy_passes_the_socket_once(venue, venue_name, control):
    """Whatever ccxt or aiohttp would do, a second transmission under one gate is stopped before its first byte."""
    transmission = wire.Transmission(CallKind.PLACE, gate=pass_gate)
    orders = venue._clients.orders
    arguments = (child(venue_name).symbol, "limit", "buy", "0.01", "60010")
    params = dict(venue._dialect.create_params(child(venue_name), None))
    with wire.carrying(transmission):
        await orders.create_order(*arguments, params)
        with pytest.raises(Forbidden, match="transmitted once"):
            await orders.create_order(*arguments, params)
    assert len(await control.orders(venue_name)) == 1


async def test_orders_go_out_on_connections_that_already_stand(venue, venue_name):
    """After start, and in a burst, no order waits for a handshake."""
    import asyncio

    opened = []
    connector = venue._clients.sessions[0].connector
    open_one = connector._create_connection

    async def counted(*args, **kwargs):
        transmission = wire.current()
        opened.append(None if transmission is None else transmission.kind)
        return await open_one(*args, **kwargs)

    connector._create_connection = counted
    outcomes = await asyncio.gather(*(place(venue, child(venue_name, quantity="0.001")) for _ in range(5)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert CallKind.PLACE not in opened


async def test_the_limiter_and_retries_of_ccxt_are_off(venue):
    for client in (venue._clients.orders, venue._clients.queries, venue._clients.streams):
        assert client.enableRateLimit is False
        assert not client.options.get("maxRetriesOnFailure")
        assert client.number is str


async def test_the_callers_decimal_context_is_left_alone(venue, venue_name):
    """Ccxt sets rounding and traps of the context it runs in."""
    import decimal

    before = decimal.getcontext().copy()
    await place(venue, child(venue_name))
    await venue.look_up(child(venue_name), None)
    after = decimal.getcontext()
    assert (after.prec, after.rounding, after.traps) == (before.prec, before.rounding, before.traps)


def test_an_rsa_signature_is_ccxts_own_and_its_key_is_parsed_once():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = _pem(key)
    client = BinanceClient({"apiKey": "k", "secret": pem}, lab_only=True)
    assert client.rsa("a=1", pem, "sha256") == StockExchange.rsa("a=1", pem, "sha256")
    assert client.rsa("a=2", pem, "sha256") == StockExchange.rsa("a=2", pem, "sha256")
    assert len(client.pem_keys) == 1


def test_a_coinbase_token_is_ccxts_own_but_for_its_random_part():
    pem = _pem(ec.generate_private_key(ec.SECP256R1()))
    client = CoinbaseClient({"apiKey": "organizations/1/apiKeys/2", "secret": pem}, lab_only=True)
    claims, options = {"sub": "x", "nbf": 1}, {"kid": "x", "nonce": "n", "alg": "ES256"}
    ours = client.jwt(claims, pem.encode(), "sha256", False, options)
    theirs = StockExchange.jwt(claims, pem.encode(), "sha256", False, options)
    assert ours.rpartition(".")[0] == theirs.rpartition(".")[0]
    assert len(ours.rpartition(".")[2]) == len(theirs.rpartition(".")[2])


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
