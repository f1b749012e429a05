"""OKX spot."""

from connectors.ccxt_venue.capabilities.shapes import (
    CancelBy,
    Capabilities,
    Channels,
    ClientId,
    Covers,
    Discount,
    Encoding,
    Expiry,
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

OKX = Capabilities(
    venue="okx",
    tier=Tier.LAB,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.DEADLINE,
    client_id=ClientId(
        field="clOrdId",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=32,
        charset="a-zA-Z0-9, no hyphen",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.OPEN_ONLY,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse="51016",
        when_absent="a broker tag and 16 hex digits",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.YES,
        routes=(Route(endpoint="privateGetTradeOrder", param="clOrdId", covers=Covers.ANY),),
        instead="orders-pending, orders-history, fills-history",
        kept="an order that ended without a fill: 2 hours",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.YES,
        route=Route(endpoint="privatePostTradeCancelOrder", param="clOrdId", covers=Covers.OPEN),
    ),
    kinds=kinds("ordType=ioc", "ordType=fok", "ordType=post_only"),
    answers_with="the order's id, per order of a batch, under HTTP 200",
    amend="amend-order: keeps the id",
    dead_man="trade/cancel-all-after, 10 to 120 s",
    expiry=Expiry(param="expTime (header, ms; ccxt has no option)", where="gateway", mark=Mark.DOCUMENTED),
    fee_in=FeeIn.RECEIVED,
    fee_note="a fee is written negative; ccxt's calculate_fee takes it in quote, wrong for a buy",
    discount=Discount(
        asset="OKB",
        in_rate=None,
        note="it is held, not paid with, and counts for the tier, whose rate it is: nothing to follow",
        mark=Mark.UNCHECKED,
    ),
    batch_max=20,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode",
    book_check="prevSeqId chain",
    key_powers="privateGetAccountConfig",
    movements="bills of the trading account, which transfers lead into and out of, for a week",
    traps=(
        Trap(
            says="fetch_closed_orders asks for state=filled only.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_that_ended_without_a_fill_is_found",
        ),
        Trap(
            says="A market buy by cost buys `amount` of base.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_a_priced_limit_ioc_under_our_id",
        ),
        Trap(
            says="50004 and 50026 say nothing about the order.",
            mark=Mark.DOCUMENTED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
    ),
)
