"""Frames no recording and no lab holds, as venues document them: what is history, whose side it is, what refuses."""

from decimal import Decimal

import pytest

from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.registry import DIALECTS
from connectors.ccxt_venue.trades.bitfinex import BitfinexTrades
from connectors.ccxt_venue.trades.bitget import bitget_trades
from connectors.ccxt_venue.trades.cryptocom import cryptocom_trades
from connectors.ccxt_venue.trades.decoding import Print
from router.model.side import Side


def cryptocom(number):
    rows = [
        {"d": "8", "s": "SELL", "p": "42980.85", "q": "0.002325", "t": 1648122434404, "i": "BTC_USDT"},
        {"d": "7", "s": "BUY", "p": "42980.80", "q": "1", "t": 1648122434403, "i": "BTC_USDT"},
    ]
    result = {"instrument_name": "BTC_USDT", "subscription": "trade.BTC_USDT", "channel": "trade", "data": rows}
    return {"id": number, "code": 0, "method": "subscribe", "result": result}


def test_cryptocom_answers_with_history_and_pushes_news():
    decoder = cryptocom_trades({"BTC_USDT": "BTC/USDT"})
    answer, push = list(decoder.take(cryptocom(5)) or ()), list(decoder.take(cryptocom(-1)) or ())

    assert list(decoder.stands(cryptocom(5))) == ["BTC/USDT"]
    assert [each.past for each in answer if isinstance(each, Print)] == [True, True]
    first = push[0]
    assert isinstance(first, Print)
    assert (first.trade_id, first.taker, first.price, first.past) == ("7", Side.BUY, Decimal("42980.80"), False)


def test_bitget_begins_with_a_snapshot():
    decoder = bitget_trades({"BTCUSDT": "BTC/USDT"})
    arg = {"instType": "SPOT", "channel": "trade", "instId": "BTCUSDT"}
    row = {
        "ts": "1701910980366",
        "price": "43854.01",
        "size": "0.0535",
        "side": "buy",
        "tradeId": "1116461060594",
    }
    told = [*(decoder.take({"action": what, "arg": arg, "data": [row]}) for what in ("snapshot", "update"))]
    ((old,), (new,)) = told

    assert isinstance(old, Print)
    assert isinstance(new, Print)
    assert (old.past, new.past) == (True, False)
    assert (new.trade_id, new.price, new.size) == ("1116461060594", Decimal("43854.01"), Decimal("0.0535"))
    assert list(decoder.stands({"event": "subscribe", "arg": arg})) == ["BTC/USDT"]


def test_bitfinex_is_whole_only_with_numbers():
    """The first list is history; an amount below zero was sold; a frame that bears no number could hide a lost one."""
    decoder = BitfinexTrades({"tBTCUSD": "BTC/USD"})
    decoder.take({"event": "subscribed", "channel": "trades", "chanId": 17, "symbol": "tBTCUSD"})
    (old,) = decoder.take([17, [[401, 1574694475039, 0.005, 7244.9]], 1]) or ()
    (new,) = decoder.take([17, "te", [402, 1574694478808, -0.25, 7245.3], 2]) or ()
    missed = list(decoder.take([17, "te", [404, 1574694478809, 1, 7245.3], 4]) or ())

    assert isinstance(old, Print)
    assert isinstance(new, Print)
    assert (old.past, new.past, new.taker, new.size) == (True, False, Side.SELL, Decimal("0.25"))
    assert [type(each).__name__ for each in missed] == ["PrintsMissed", "Print"]
    with pytest.raises(AnswerUnusable):
        decoder.take([17, "te", [405, 1574694478809, 1, 7245.3]])


REFUSALS = {
    "binance": {"error": {"code": 2, "msg": "Invalid request"}, "id": 1},
    "bitfinex": {"event": "error", "code": 10300, "msg": "subscribe: invalid"},
    "bitget": {"event": "error", "code": "30001", "msg": "channel doesn't exist"},
    "bitstamp": {"event": "bts:error", "channel": "", "data": {"code": 4009, "message": "Connection is unauthorized."}},
    "bybit": {"success": False, "ret_msg": "error:handler not found", "op": "subscribe"},
    "coinbase": {"type": "error", "message": "channel is not supported"},
    "coinbaseexchange": {"type": "error", "message": "Failed to subscribe", "reason": "matches is not a valid channel"},
    "cryptocom": {"id": 1, "method": "subscribe", "code": 40003, "message": "Invalid request"},
    "gate": {"channel": "spot.trades", "event": "subscribe", "error": {"code": 2, "message": "unknown currency pair"}},
    "gemini": {"result": "error", "reason": "InvalidSymbol"},
    "htx": {"status": "error", "err-code": "bad-request", "err-msg": "invalid topic"},
    "kraken": {"method": "subscribe", "success": False, "error": "Currency pair not supported X/Y"},
    "kucoin": {"type": "error", "code": 404, "data": "topic /market/match is not found"},
    "okx": {"event": "error", "code": "60018", "msg": "channel doesn't exist"},
}


@pytest.mark.parametrize("venue", sorted(REFUSALS))
def test_a_refused_subscription_is_no_quiet_stream(venue: str):
    """The decoder raises, which ends the connection: nobody waits for trades that were never promised."""
    decoder = DIALECTS[venue]().trade_decoder({})
    assert list(decoder.stands(REFUSALS[venue])) == []
    with pytest.raises(AnswerUnusable):
        decoder.take(REFUSALS[venue])
