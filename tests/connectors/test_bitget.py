"""Bitget: captured requests, recorded payloads, and a real tape with a checksum on every change."""

import json
from decimal import Decimal

import pytest

from connectors.ccxt_venue.bitget import Bitget
from connectors.ccxt_venue.book_bitget import BitgetBooks, BitgetOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.decoders import BookBroken, BookChanged, BookWhole
from connectors.ccxt_venue.dialect import Absence, Desk, Wanted
from connectors.ccxt_venue.mapping import Names
from router.model.ids import AccountId, Nanos
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Exists, Lost, Refused
from router.model.side import Side
from tests.capabilities.asking import Offline, child_at
from tests.capabilities.capture import NOW_MS, OUR_ID, spelled
from tests.connectors.tapes import TRIALS, books_of, played, received, tape, unnoticed
from tests.connectors.test_verdict import judged

TAPE = "bitget_20220407T000755Z"
NAMES = Names(symbol_by_id={"BTCUSDT": "BTC/USDT"}, id_by_symbol={"BTC/USDT": "BTCUSDT"}, asset_by_id={})
DESK = Desk(account=AccountId("bitget/main"), names=NAMES)


def answering(*answers):
    """An `Ask` that answers in order, then with empty data, and remembers."""
    left, asked = list(answers), []

    async def ask(endpoint, params):
        asked.append((endpoint, params))
        answer = left.pop(0) if left else []
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, dict) and "data" in answer else {"code": "00000", "data": answer}

    ask.asked = asked
    return ask


def wanted():
    return Wanted(child=child_at("bitget"), venue_order_id=None, since_ns=Nanos((NOW_MS - 60_000) * 1_000_000))


@pytest.fixture
def recorded(recorded_data):
    folder = recorded_data / "rest-recordings" / "xchange" / "xchange-bitget" / "__files"
    if not folder.is_dir():
        pytest.skip("no recorded payloads of Bitget")
    return lambda name: json.loads((folder / f"{name}.json").read_text())


async def test_the_time_in_force_is_in_the_venues_own_letters():
    """Ccxt writes IOC where the venue's word is ioc."""
    (sent,) = await Offline("bitget", Bitget()).place(child_at("bitget"))

    assert sent.fields["force"] == "ioc"


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("43012", Refused), ("45110", Refused), ("40786", Exists), ("43118", Exists), ("45001", Lost), ("40725", Lost)],
)
def test_codes_prove_what_was_reviewed(code, outcome):
    assert isinstance(judged("bitget", 400, {"code": code, "msg": "x", "data": None}), outcome)


ROW = {
    "symbol": "BTCUSDT",
    "orderId": "1001",
    "clientOid": spelled("bitget"),
    "price": "60000",
    "size": "0.5",
    "side": "buy",
    "status": "cancelled",
    "baseVolume": "0.2",
    "cTime": str(NOW_MS),
}


async def test_the_remainder_of_an_ioc_is_cancelled_with_what_it_did():
    order = await Bitget().find(answering([ROW]), DESK, wanted())

    assert (order.client_id, order.status, order.side) == (OUR_ID, VenueOrderStatus.CANCELLED, Side.BUY)
    assert (order.quantity, order.executed) == (Decimal("0.5"), Decimal("0.2"))


async def test_absence_is_witnessed_by_both_lists_and_the_fills():
    ask = answering(VenueSaid(400, "40109", "The data of the order cannot be found"))
    absence = await Bitget().find(ask, DESK, wanted())

    assert isinstance(absence, Absence)
    assert [endpoint.rpartition("Trade")[2] for endpoint, _ in ask.asked] == [
        "OrderInfo",
        "UnfilledOrders",
        "HistoryOrders",
        "Fills",
    ]


async def test_an_empty_look_up_is_no_order():
    """The venue answers an unknown id with an empty list under success, too."""
    ask = answering([], [ROW])
    assert (await Bitget().find(ask, DESK, wanted())).venue_order_id == "1001"


async def test_a_recorded_order_is_read(recorded):
    body = recorded("api_v2_spot_trade_orderinfo-t-valid-market-sell-order")
    order = await Bitget().find(answering(body), Desk(account=DESK.account, names=NAMES), wanted())

    assert order.status is VenueOrderStatus.FILLED
    assert order.side is Side.SELL
    assert order.executed == order.quantity


async def test_recorded_fills_are_read_with_what_was_paid(recorded):
    """Written as a change of the balance, a fee is negative there and positive here."""
    body = recorded("api_v2_spot_trade_fills")
    fills = await Bitget().trades_since(answering(body), DESK, ["BTC/USDT"], Nanos(0), Nanos(0))

    assert len(fills) == len(body["data"])
    told = {each["tradeId"]: -Decimal(each["feeDetail"]["totalFee"]) for each in body["data"]}
    assert {fill.trade_id: sum(fee.amount for fee in fill.fees) for fill in fills} == told


async def test_pages_are_read_until_one_is_short():
    """By `idLessThan`; a page that repeats itself is no page."""
    first = [{**ROW, "orderId": str(2000 - place)} for place in range(100)]
    ask = answering(first, [{**ROW, "orderId": "7"}])
    orders = await Bitget().open_orders(ask, DESK)

    assert len(orders) == 101
    assert ask.asked[1][1]["idLessThan"] == "1901"
    with pytest.raises(AnswerUnusable, match="does not end"):
        await Bitget().open_orders(answering(first, first, first), DESK)


async def test_key_powers_are_letters():
    for granted, may in (
        (["stow", "stor"], False),
        (["stow", "wtow"], True),
        (["wwow"], True),
        ([], None),
        (None, None),
    ):
        assert (await Bitget().key_powers(answering({"data": {"authorities": granted}}))).may_withdraw is may


def test_a_refused_subscription_ends_the_connection():
    for decoder in (BitgetBooks({}), BitgetOrders()):
        with pytest.raises(AnswerUnusable, match="30015"):
            decoder.take({"event": "error", "code": 30015, "msg": "Invalid sign"})


def test_a_private_frame_names_its_order():
    frame = {"action": "snapshot", "arg": {"instType": "SPOT", "channel": "orders", "instId": "default"}, "data": [ROW]}
    (touched,) = BitgetOrders().take(frame)

    assert (touched.client_id, touched.venue_order_id) == (OUR_ID, "1001")
    assert BitgetOrders().confirms({"event": "subscribe", "arg": frame["arg"]})


def change(**fields):
    arg = {"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}
    return {"action": "update", "arg": arg, "data": [{"bids": [["60000", "2"]], "asks": [], **fields}]}


def test_a_change_that_cannot_be_checked_breaks_the_book():
    """Ccxt skips what is not sent; here `pseq` is held against the last change; without either nothing is believed."""
    whole = {**change(), "action": "snapshot", "data": [{"bids": [["60000", "1"]], "asks": [["60010", "1"]], "seq": 5}]}
    for fields, kind in (({"pseq": 5, "seq": 6}, BookChanged), ({"pseq": 4, "seq": 6}, BookBroken), ({}, BookBroken)):
        decoder = BitgetBooks({"BTCUSDT": "BTC/USDT"})
        (first,) = decoder.take(whole)
        (then,) = decoder.take(change(**fields))
        assert isinstance(first, BookWhole)
        assert isinstance(then, kind)


def book_of(frame):
    arg = frame.get("arg", {}) if isinstance(frame, dict) else {}
    return arg.get("instId") if arg.get("channel") == "books" and arg.get("instType") == "sp" else None


def spot_frames(recorded_data):
    frames = received(tape(recorded_data, TAPE))
    return frames, {name: name for name in map(book_of, frames) if name}


def test_every_checksum_of_a_real_tape_holds(recorded_data):
    """637 on the tape, of which the spot books have their share; the books at its end equal a rebuild of its own."""
    frames, names = spot_frames(recorded_data)
    ours, states = books_of(played(BitgetBooks(names), frames))

    assert states > 300
    assert ours == {name: rebuilt(frames, name) for name in names}


def rebuilt(frames, name):
    sides = ({}, {})
    for frame in frames:
        if book_of(frame) == name and "data" in frame:
            for side, which in zip(sides, ("bids", "asks"), strict=True):
                if frame["action"] == "snapshot":
                    side.clear()
                for price, size in frame["data"][0][which]:
                    side[float(price)] = float(size)
                    if not float(size):
                        del side[float(price)]
    return sides


@pytest.mark.parametrize("trials", TRIALS)
def test_a_lost_message_is_noticed(recorded_data, trials):
    """Unless the next one made it good: the 25 best levels a side, which the checksum is over, are right either way."""
    frames, names = spot_frames(recorded_data)

    def change_of(frame):
        return book_of(frame) if isinstance(frame, dict) and "data" in frame else None

    tried, missed = unnoticed(BitgetBooks(names), frames, change_of, trials, same=same_best)

    assert tried == trials
    assert missed == []


def same_best(one, other, name):
    books = [decoder._books[name] for decoder in (one, other)]
    bids, asks = ([best(getattr(book, side), reverse=side == "bids") for book in books] for side in ("bids", "asks"))
    return bids[0] == bids[1] and asks[0] == asks[1]


def best(side, *, reverse):
    return sorted(side.items(), reverse=reverse)[:25]
