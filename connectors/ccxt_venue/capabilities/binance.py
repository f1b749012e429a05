"""Binance spot, and Binance US, which speaks the same protocol under another name."""

from dataclasses import replace

from connectors.ccxt_venue.capabilities.shapes import (
    CancelBy,
    Capabilities,
    Channels,
    ClientId,
    Covers,
    Crossing,
    Discount,
    Encoding,
    Expiry,
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

BINANCE = Capabilities(
    venue="binance",
    tier=Tier.LAB,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.DEADLINE,
    client_id=ClientId(
        field="newClientOrderId",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=36,
        charset="a-zA-Z0-9-_",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.OPEN_ONLY,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse='-2010 "Duplicate order sent."',
        when_absent="x-TKT5PX2F and 22 hex digits of ccxt's making",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.YES,
        routes=(Route(endpoint="privateGetOrder", param="origClientOrderId", covers=Covers.ANY),),
        instead="allOrders, openOrders, myTrades",
        kept="cancelled without a fill: 90 days",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.YES,
        route=Route(endpoint="privateDeleteOrder", param="origClientOrderId", covers=Covers.OPEN),
    ),
    kinds=kinds(
        "timeInForce=IOC",
        "timeInForce=FOK",
        "timeInForce=GTC",
        "type=LIMIT_MAKER",
        Crossing(shown=Shown.REFUSED, words="-2010, Order would immediately match and take.", mark=Mark.DOCUMENTED),
        "the remainder of an IOC ends as EXPIRED",
    ),
    answers_with="the whole order and its fills",
    amend="cancelReplace: a new order, a new id",
    dead_man=None,
    expiry=Expiry(
        param="recvWindow (with timestamp)",
        where="gateway, twice; the engine may take ten seconds more",
        mark=Mark.DOCUMENTED,
    ),
    fee_in=FeeIn.RECEIVED,
    fee_note="or BNB, with a discount, where the account chose that",
    discount=Discount(
        asset="BNB",
        in_rate=None,
        note="`GET /api/v3/account/commission` tells switch and multiplier: counted on while there is enough BNB",
        mark=Mark.DOCUMENTED,
    ),
    batch_max=None,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode",
    book_check="U/u chain joined to a REST snapshot",
    key_powers="sapiGetAccountApiRestrictions",
    movements="both lists of the wallet; a withdrawal counts from its request on, a deposit once it is credited",
    traps=(
        Trap(
            says="The id of a finished order is accepted again: sending it once more places a second order.",
            mark=Mark.TRIED,
            test="tests/capabilities/test_traps.py::test_a_used_id_is_sent_again_only_where_it_is_refused_for_ever",
        ),
        Trap(
            says="A market buy with a price is sent as quoteOrderQty, amount times price.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_a_priced_limit_ioc_under_our_id",
        ),
        Trap(
            says="-1006, -1007 and every 5xx leave the order's fate open; ccxt files -1006 under OperationFailed.",
            mark=Mark.DOCUMENTED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
        Trap(
            says="fetch_canceled_and_closed_orders leaves out EXPIRED, which is how the remainder of an IOC ends.",
            mark=Mark.TRIED,
            test="tests/capabilities/test_traps.py::test_an_order_that_ended_without_a_fill_is_found",
        ),
        Trap(
            says="set_sandbox_mode also switches off fetchCurrencies.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_wire.py::test_the_installed_ccxt_sends_what_was_recorded",
        ),
    ),
)

BINANCEUS = replace(
    BINANCE,
    venue="binanceus",
    tier=Tier.WIRE,
    fee_note="",
    discount=None,
    testnet="none",
    key_powers=None,
    movements="as at binance, coins only: dollars in and out are not read, and have to be acknowledged",
    traps=(
        *BINANCE.traps[:4],
        Trap(
            says="ccxt's class keeps binance.com's websocket API, and would send it this account's key and signature.",
            mark=Mark.CAPTURED,
            test="tests/connectors/test_binanceus.py::test_the_private_stream_is_not_signed_for_another_exchange",
        ),
        Trap(
            says="What a key may do cannot be asked (apiRestrictions is not served): the operator attests it.",
            mark=Mark.UNCHECKED,
            test="tests/connectors/test_binanceus.py::test_what_a_key_may_do_is_not_told",
        ),
    ),
)
