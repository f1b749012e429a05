"""Crypto.com Exchange."""

from connectors.ccxt_venue.capabilities.shapes import (
    CancelBy,
    Capabilities,
    Channels,
    ClientId,
    Covers,
    Discount,
    Encoding,
    LookUpBy,
    Mark,
    Reaches,
    Route,
    Tier,
    Trap,
    Uniqueness,
    kinds,
)
from router.model.instruments import FeeIn
from router.model.terms import Fence

CRYPTOCOM = Capabilities(
    venue="cryptocom",
    tier=Tier.WIRE,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.NONE,
    client_id=ClientId(
        field="client_oid",
        param="client_oid",
        unified=Reaches.OMITTED,
        length_max=36,
        charset="not stated",
        limits_mark=Mark.UNCHECKED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.UNKNOWN,
        uniqueness_mark=Mark.UNCHECKED,
        on_reuse="no code is known",
        when_absent="nothing",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.WRONG,
        routes=(Route(endpoint="v1PrivatePostPrivateGetOrderDetail", param="client_oid", covers=Covers.ANY),),
        instead="get-open-orders, get-order-history, get-trades",
        kept="not stated",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.WRONG,
        route=Route(endpoint="v1PrivatePostPrivateCancelOrder", param="client_oid", covers=Covers.OPEN),
    ),
    kinds=kinds("time_in_force=IMMEDIATE_OR_CANCEL", "time_in_force=FILL_OR_KILL", "exec_inst=['POST_ONLY']"),
    answers_with="the order's id and ours; the order itself may be refused afterwards",
    amend="amend-order: keeps the id",
    dead_man=None,
    expiry=None,
    fee_in=FeeIn.RECEIVED,
    fee_note="a fee is written negative, with its currency",
    discount=Discount(
        asset="CRO",
        in_rate=None,
        note="the rate is called effective, and what is held counts for it: nothing to follow",
        mark=Mark.UNCHECKED,
    ),
    batch_max=10,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode",
    book_check="pu/u chain",
    key_powers=None,
    movements="the account's transactions, kind by kind",
    traps=(
        Trap(
            says="ccxt drops clientOrderId: the order goes out without any id of ours.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_a_priced_limit_ioc_under_our_id",
        ),
        Trap(
            says="fetch_order and cancel_order by our id go out with an empty order_id.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_a_cancel_names_one_order",
        ),
        Trap(
            says="A gap in the book raises inside ccxt's handler and ends its receive loop; nobody is told.",
            mark=Mark.TRIED,
            test="tests/connectors/test_cryptocom.py::test_a_lost_message_is_noticed",
        ),
        Trap(
            says="4xx, 5xx, 418 and 429 without JSON all become ExchangeError.",
            mark=Mark.TRIED,
            test="tests/capabilities/test_traps.py::test_an_unconfirmed_order_is_lost",
        ),
    ),
)
