"""Bybit spot, version 5 of its API."""

from connectors.ccxt_venue.capabilities.shapes import (
    CancelBy,
    Capabilities,
    Channels,
    ClientId,
    Covers,
    Crossing,
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

BYBIT = Capabilities(
    venue="bybit",
    tier=Tier.LAB,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.DEADLINE,
    client_id=ClientId(
        field="orderLinkId",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=36,
        charset="A-Za-z0-9_-",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.EVER,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse="170141, 110072",
        when_absent="nothing (spot)",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.REFUSED,
        routes=(
            Route(
                endpoint="privateGetV5OrderRealtime",
                param="orderLinkId",
                covers=Covers.ANY,
                note="the last 500; emptied when the venue restarts",
            ),
            Route(endpoint="privateGetV5OrderHistory", param="orderLinkId", covers=Covers.ENDED),
        ),
        instead="execution/list",
        kept="realtime: 500 recent; history: two years",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.WRONG,
        route=Route(endpoint="privatePostV5OrderCancel", param="orderLinkId", covers=Covers.OPEN),
    ),
    kinds=kinds(
        "timeInForce=IOC",
        "timeInForce=FOK",
        "timeInForce=GTC",
        "timeInForce=PostOnly",
        Crossing(
            shown=Shown.EITHER,
            words="rejectReason EC_PostOnlyWillTakeLiquidity; 170218 in an answer",
            mark=Mark.DOCUMENTED,
        ),
    ),
    answers_with="the order's id; the order itself may be refused afterwards",
    amend="order/amend: keeps the id",
    dead_man="order/disconnected-cancel-all: institutions only; ccxt asks for DERIVATIVES",
    expiry=Expiry(param="recvWindow (with the timestamp header)", where="gateway", mark=Mark.DOCUMENTED),
    fee_in=FeeIn.RECEIVED,
    fee_note="",
    discount=None,
    batch_max=10,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode",
    book_check="u of the stream",
    key_powers="privateGetV5UserQueryApi",
    movements="the unified account's log of transfers in and out",
    traps=(
        Trap(
            says="fetch_order by our id does not ask for it, and fetch_closed_orders asks for Filled only.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_that_ended_without_a_fill_is_found",
        ),
        Trap(
            says="cancel_order by our id sends an empty orderId and a parameter the venue does not know.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_a_cancel_names_one_order",
        ),
        Trap(
            says='170146 "Order creation timeout" is filed under InvalidOrder, and leaves the order\'s fate open.',
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
    ),
)
