"""Bitstamp."""

from connectors.ccxt_venue.capabilities.shapes import (
    CancelBy,
    Capabilities,
    Channels,
    ClientId,
    Covers,
    Encoding,
    Kind,
    Kinds,
    LookUpBy,
    Mark,
    Reaches,
    Route,
    Tier,
    Trap,
    Uniqueness,
)
from router.model.instruments import FeeIn
from router.model.terms import Fence

BITSTAMP = Capabilities(
    venue="bitstamp",
    tier=Tier.LAB,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.NONE,
    client_id=ClientId(
        field="client_order_id",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=None,
        charset="a string",
        limits_mark=Mark.UNCHECKED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.EVER,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse="no code is known",
        when_absent="nothing",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.YES,
        routes=(Route(endpoint="privatePostOrderStatus", param="client_order_id", covers=Covers.ANY),),
        instead="open_orders/all, user_transactions",
        kept="30 days",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.WRONG,
        route=Route(endpoint="privatePostCancelOrder", param="client_order_id", covers=Covers.OPEN),
    ),
    kinds=Kinds(
        ioc=Kind(params={"ioc_order": True}, wire="ioc_order=true"),
        fok=Kind(params={"fok_order": True}, wire="fok_order=true"),
        post_only=Kind(params={"moc_order": True}, wire="moc_order=true"),
        note="that the venue reads these names is general knowledge",
    ),
    answers_with="id, price and amount",
    amend="replace_order: a new order, a new id",
    dead_man=None,
    expiry=None,
    fee_in=FeeIn.QUOTE,
    fee_note="",
    discount=None,
    batch_max=None,
    channels=Channels(orders=True, trades=True, balances=False),
    testnet="set_sandbox_mode raises TypeError and leaves the live hosts in place",
    book_check="order of microtimestamps",
    key_powers=None,
    movements="user transactions that are no trades",
    traps=(
        Trap(
            says="ccxt's unified timeInForce and postOnly go to the venue raw: the 'IOC' rests on the book.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_a_priced_limit_ioc_under_our_id",
        ),
        Trap(
            says="cancel_order(None) sends id='None'; by our id it sends a name the venue does not know.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_a_cancel_names_one_order",
        ),
        Trap(
            says="A market buy by cost loses the cost.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_a_priced_limit_ioc_under_our_id",
        ),
    ),
)
