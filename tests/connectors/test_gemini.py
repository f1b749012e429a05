"""Gemini: frames counted per socket, ids that prove nothing, one nonce for everything a key does."""

import asyncio
import copy
import gzip
import json
import random
from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.book_gemini import GeminiBooks, GeminiOrders
from connectors.ccxt_venue.calls import AnswerUnusable, CallKind
from connectors.ccxt_venue.decoders import BookAlive, BookBroken, BookChanged, BookWhole, Mirror
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.gemini import Gemini, GeminiClient
from connectors.ccxt_venue.mapping import Names
from connectors.lab.faults import Call, FaultKind
from router.config.schema import TermsSection
from router.config.terms import terms_of
from router.model.errors import BadInput
from router.model.ids import account_id
from router.model.orders import TimeInForce, VenueOrderStatus
from router.model.outcomes import Accepted, CancelTaken, CancelUnclear, Found, Lost, Unclear
from router.model.side import Side
from router.model.terms import Fence
from tests.connectors.rig import WallClock, child, place, settings_for

pytestmark = pytest.mark.parametrize("venue_name", ["gemini"], indirect=True)

BTC, ETH = "BTC/USD", "ETH/USD"


def books():
    return GeminiBooks({"btcusd": BTC, "ethusd": ETH})


def update(number, *changes, reason="place", symbol="BTCUSD"):
    events = [
        {"type": "change", "side": side, "price": price, "remaining": size, "reason": reason, "symbol": symbol}
        for side, price, size in changes
    ]
    return {"type": "update", "eventId": number, "socket_sequence": number, "events": events}


def beat(number):
    return {"type": "heartbeat", "timestampms": 0, "socket_sequence": number}


def kinds(signals):
    return [type(signal) for signal in signals]


def test_every_frame_of_a_socket_is_counted_and_a_lost_one_may_have_been_any_books(venue_name):
    decoder = books()
    first = decoder.take(update(0, ("bid", "10", "1"), ("ask", "11", "1"), reason="initial"))
    assert list(first) == [BookWhole(BTC, {10.0: 1.0}, {11.0: 1.0})]
    assert kinds(decoder.take(update(1, ("bid", "9", "1"), reason="initial", symbol="ETHUSD"))) == [BookWhole]
    assert list(decoder.take(update(2, ("bid", "10", "0")))) == [BookChanged(BTC, [(10.0, 0.0)], [])]
    assert decoder.take(beat(3)) == [BookAlive(BTC), BookAlive(ETH)]
    assert [(type(s), s.symbol) for s in decoder.take(beat(5))] == [(BookBroken, BTC), (BookBroken, ETH)]
    assert list(decoder.take(update(6, ("bid", "10", "1")))) == []


def test_a_symbol_we_do_not_trade_is_counted_and_not_read(venue_name):
    decoder = books()
    assert list(decoder.take(update(0, ("bid", "1", "1"), reason="initial", symbol="LTCUSD"))) == []
    assert kinds(decoder.take(update(1, ("bid", "1", "1"), reason="initial"))) == [BookWhole]


def test_quiet_is_proven_by_the_same_levels_at_rest(venue_name):
    """Heartbeats come every five seconds: a market may be quiet for as long as a dead stream is silent."""
    decoder = books()
    decoder.take(update(0, ("bid", "10", "1"), ("ask", "11", "1"), reason="initial"))
    same = {"bids": [{"price": "10", "amount": "1"}], "asks": [{"price": "11", "amount": "1"}]}
    assert decoder.agrees(BTC, same)
    assert not decoder.agrees(BTC, {**same, "asks": [{"price": "11", "amount": "2"}]})
    assert not decoder.agrees(ETH, same)


def test_a_refusal_on_a_stream_is_not_waited_for(venue_name):
    """Stock ccxt looks for it under `reason`, where it never is."""
    refused = {"result": "error", "reason": "InvalidSignature", "message": "InvalidSignature"}
    for decoder in (books(), GeminiOrders()):
        with pytest.raises(AnswerUnusable):
            decoder.take(refused)


def frames_of(recorded_data, name):
    path = recorded_data / name
    if not path.exists():
        pytest.skip(f"no recording {name}")
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [json.loads(row["d"]) for row in rows if row["k"] == "recv"]


def test_a_counted_recording_is_read_as_rebuilt_by_hand_and_every_lost_frame_is_noticed(venue_name, recorded_data):
    """Nine thousand frames; two hundred of them dropped at random, each given away by the very next one."""
    frames = frames_of(recorded_data, "ccws-2018/gemini_btcusd_20180424T051449Z.jsonl.gz")
    decoder, byhand = GeminiBooks({"btcusd": BTC}), Mirror()
    dropped = set(random.Random(7).sample(range(1, len(frames) - 1), 200))
    noticed = 0
    for index, frame in enumerate(frames):
        if index in dropped:
            noticed += kinds(copy.deepcopy(decoder).take(frames[index + 1])) == [BookBroken]
        signals = list(decoder.take(frame) or ())
        assert BookBroken not in kinds(signals)
        for event in frame["events"]:
            if event["type"] == "change":
                level = [(float(event["price"]), float(event["remaining"]))]
                byhand.change(*((level, []) if event["side"] == "bid" else ([], level)))
    assert decoder._books[BTC].mirror == byhand
    assert noticed == len(dropped)


def test_an_uncounted_recording_is_read_as_rebuilt_by_hand(venue_name, recorded_data):
    """Version 2 of the stream, ten markets: nothing in it could give a lost frame away, so it is not what we use."""
    frames = frames_of(recorded_data, "cryptofeed-wire/gemini_20210417T164542Z.jsonl.gz")
    markets = {frame["symbol"].lower() for frame in frames if frame["type"] == "l2_updates"}
    decoder, byhand = GeminiBooks({market: market for market in markets}), {market: Mirror() for market in markets}
    states = 0
    for frame in frames:
        states += len([each for each in decoder.take(frame) or () if not isinstance(each, BookAlive)])
        if frame["type"] == "l2_updates":
            for side, price, size in frame["changes"]:
                level = [(float(price), float(size))]
                byhand[frame["symbol"].lower()].change(*((level, []) if side == "buy" else ([], level)))
    assert {market: decoder._books[market].mirror for market in markets} == byhand
    assert states == 935


async def test_a_recorded_order_and_its_fill_are_read(venue_name, recorded_data):
    """A list of one, as an answer to our id; amounts and fee as texts, ids as numbers."""
    path = recorded_data / "rest-recordings/xchange/xchange-gemini/org/knowm/xchange/gemini/v1/order"
    if not path.is_dir():
        pytest.skip("no recorded xchange payloads")
    body = json.loads((path / "example-get-order-data-trades-included.json").read_text())
    names = Names(symbol_by_id={"ethusd": ETH}, id_by_symbol={ETH: "ethusd"}, asset_by_id={})
    desk = Desk(account=account_id("gemini", "main"), names=names)

    async def ask(_endpoint, _params):
        return [body]

    order = Gemini._order(desk, (await Gemini()._named(ask, {}))[0])
    (trade,) = await Gemini().trades_of(ask, desk, order, 0)
    assert (order.status, order.side, order.executed) == (VenueOrderStatus.FILLED, Side.SELL, Decimal("0.001"))
    assert (trade.price, trade.quantity, trade.maker) == (Decimal("3206.00"), Decimal("0.001"), True)
    assert [(fee.asset, fee.amount) for fee in trade.fees] == [("USD", Decimal("0.003206"))]


def test_a_spot_market_that_names_a_contracts_currency_is_a_spot_market(venue_name, recorded_data):
    """Stock ccxt takes it for a swap."""
    path = recorded_data / "rest-payloads" / "gct_mock_gemini_http.json.gz"
    if not path.exists():
        pytest.skip("no recorded Gemini payloads")
    with gzip.open(path, "rt") as text:
        routes = json.load(text)["routes"]
    details = routes["/v1/symbols/details/btcusd"]["GET"][0]["data"]
    assert details["contract_price_currency"] == "USD"
    client = GeminiClient({}, lab_only=True)
    stock = super(GeminiClient, client).parse_market(details)
    assert (stock["spot"], stock["symbol"]) == (False, "BTC/USD:USD")
    ours = client.parse_market(details)
    assert (ours["spot"], ours["symbol"], ours["precision"]) == (True, BTC, {"amount": 1e-08, "price": 0.01})


async def test_two_orders_under_one_id_are_nobodys_order(venue, venue_name, control):
    """The venue lets anybody make them: a look-up says so, and a cancel without the venue's id touches neither."""
    order = child(venue_name, quantity="0.1", price="59000", time_in_force=TimeInForce.GTC)
    first, second = await place(venue, order), await place(venue, order)
    assert isinstance(first, Accepted)
    assert first != second
    assert isinstance((await venue.look_up(order, None)).result, Unclear)
    assert isinstance(await venue.cancel(order, None), CancelUnclear)
    assert [each["status"] for each in await control.orders(venue_name)] == ["OPEN", "OPEN"]
    assert isinstance(await venue.cancel(order, first.venue_order_id), CancelTaken)
    assert [each["status"] for each in await control.orders(venue_name)] == ["CANCELLED", "OPEN"]


async def test_calls_that_run_side_by_side_arrive_in_the_order_of_their_nonces(venue, venue_name, control):
    """Orders, look-ups and reads at once: none is refused for its nonce."""
    orders = [child(venue_name, quantity="0.001") for _ in range(8)]
    outcomes = await asyncio.gather(
        *(place(venue, order) for order in orders), *(venue.look_up(order, None) for order in orders)
    )
    assert all(isinstance(outcome, Accepted) for outcome in outcomes[:8])
    assert len(await control.orders(venue_name)) == 8


async def test_a_lost_order_that_can_be_found_needs_no_second_copy(venue, venue_name, control):
    await control.inject(venue_name, FaultKind.RESET_AFTER, call=Call.PLACE)
    order = child(venue_name, quantity="0.1")
    assert isinstance(await place(venue, order), Lost)
    assert isinstance((await venue.look_up(order, None)).result, Found)
    assert len(await control.orders(venue_name)) == 1


def test_a_licence_for_dedupe_is_refused(venue_name):
    """Nobody can license what the venue says it does not do."""
    settings = settings_for(venue_name, None, {}, dedupe_licensed=True)
    settings = replace(settings, terms=replace(settings.terms, fence=Fence.PERMANENT_DEDUPE))
    with pytest.raises(BadInput, match="gemini has no fence"):
        CcxtVenue(settings, WallClock())


def test_the_usual_terms_are_one_child_at_a_time_and_no_fence(venue_name):
    terms = terms_of("gemini", account_id("gemini", "main"), TermsSection(), in_lab=False, dedupe_licensed=False)
    assert (terms.fence, terms.outstanding_max) == (Fence.NONE, 1)


async def test_a_key_that_may_move_funds_says_so(venue, venue_name):
    """`isFundManager`."""
    assert (await venue._dialect.key_powers(venue._ask(CallKind.SET_UP))).may_withdraw is False

    async def roles(_endpoint, _params):
        return {"isAuditor": False, "isFundManager": True, "isTrader": True}

    assert (await venue._dialect.key_powers(roles)).may_withdraw is True

    async def silent(_endpoint, _params):
        return {}

    assert (await venue._dialect.key_powers(silent)).may_withdraw is None
