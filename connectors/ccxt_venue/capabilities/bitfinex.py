"""Bitfinex spot (the exchange wallet)."""

from connectors.ccxt_venue.capabilities.shapes import (
    CancelBy,
    Capabilities,
    Channels,
    ClientId,
    Covers,
    Crossing,
    Discount,
    Encoding,
    LookUpBy,
    Mark,
    Reaches,
    Route,
    Shown,
    Tier,
    Trap,
    Uniqueness,
    kinds,
)
from router.model.instruments import FeeIn
from router.model.terms import Fence

BITFINEX = Capabilities(
    venue="bitfinex",
    tier=Tier.WIRE,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.NONE,
    client_id=ClientId(
        field="cid",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=None,
        charset="an integer below 2^45",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.INT45,
        uniqueness=Uniqueness.NOT_CHECKED,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse="nothing: uniqueness per UTC day is asked for and not enforced",
        when_absent="nothing",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.REFUSED,
        routes=(),
        instead="auth/r/orders, auth/r/orders/hist, auth/r/trades/hist, matched by cid and time",
        kept="two weeks",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.REFUSED,
        route=Route(
            endpoint="privatePostAuthWOrderCancel", param="cid", covers=Covers.OPEN, note="together with cid_date"
        ),
    ),
    kinds=kinds(
        "type=EXCHANGE IOC",
        "type=EXCHANGE FOK",
        "type=EXCHANGE LIMIT",
        "flags=4096",
        Crossing(shown=Shown.ENDED, words="status POSTONLY CANCELED", mark=Mark.DOCUMENTED),
    ),
    answers_with="the order, in a list",
    amend="order/update: keeps the id",
    dead_man=None,
    expiry=None,
    fee_in=FeeIn.RECEIVED,
    fee_note="a fee is written negative, with its currency",
    discount=Discount(
        asset="LEO",
        in_rate=None,
        note="it is held, not paid with; what it takes off is not counted on",
        mark=Mark.UNCHECKED,
    ),
    batch_max=75,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode raises TypeError and leaves the live hosts in place",
    book_check="CRC32 over the 25 best levels, on request",
    key_powers="privatePostAuthRPermissions",
    movements="the ledger of the exchange wallet, whose rows are told apart by their description",
    traps=(
        Trap(
            says="Our id does not fit: 45 bits of it go out, and a record found by them must agree in all else.",
            mark=Mark.DOCUMENTED,
            test="tests/connectors/test_bitfinex.py::test_an_order_of_the_same_cid_but_other_terms_is_not_ours",
        ),
        Trap(
            says="ccxt lets a text id through as cid; fetch_order with one raises decimal.InvalidOperation.",
            mark=Mark.CAPTURED,
            test="tests/connectors/test_bitfinex.py::test_our_id_goes_out_as_an_integer",
        ),
        Trap(
            says="Prices have five significant digits and no tick.",
            mark=Mark.CAPTURED,
            test="tests/connectors/test_bitfinex.py::test_a_price_of_six_digits_is_not_sent",
        ),
        Trap(
            says="500 with HTML becomes ExchangeError.",
            mark=Mark.TRIED,
            test="tests/capabilities/test_traps.py::test_an_unconfirmed_order_is_lost",
        ),
    ),
)
