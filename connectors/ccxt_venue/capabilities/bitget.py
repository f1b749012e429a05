"""Bitget spot, the classic account."""

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

BITGET = Capabilities(
    venue="bitget",
    tier=Tier.WIRE,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.NONE,
    client_id=ClientId(
        field="clientOid",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=50,
        charset="not stated",
        limits_mark=Mark.CAPTURED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.UNKNOWN,
        uniqueness_mark=Mark.UNCHECKED,
        on_reuse="43118, 40786, 45034, 40708",
        when_absent="nothing",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.YES,
        routes=(Route(endpoint="privateSpotGetV2SpotTradeOrderInfo", param="clientOid", covers=Covers.ANY),),
        instead="unfilled-orders, history-orders, fills",
        kept="90 days",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.YES,
        route=Route(endpoint="privateSpotPostV2SpotTradeCancelOrder", param="clientOid", covers=Covers.OPEN),
    ),
    kinds=kinds(
        "force=IOC", "force=FOK", "force=post_only", "written in capitals by ccxt; the venue's words are lower case"
    ),
    answers_with="the order's id and ours",
    amend="cancel-replace-order: a new order",
    dead_man=None,
    expiry=None,
    fee_in=FeeIn.RECEIVED,
    fee_note="or BGB, with a discount, where the account chose that",
    discount=Discount(
        asset="BGB",
        in_rate=None,
        note="whether it is switched on is not told, so it is never counted on; a fee in it is no surprise",
        mark=Mark.UNCHECKED,
    ),
    batch_max=50,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode",
    book_check="CRC32 over the 25 best levels, where one is sent; seq otherwise",
    key_powers="privateSpotGetV2SpotAccountInfo",
    movements="bills of the spot account: deposits, withdrawals, transfers, others",
    traps=(
        Trap(
            says="Left to itself ccxt asks first whether the account is unified, and takes a time-out for 'no'.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_the_only_request",
        ),
        Trap(
            says="40015, 1 and 30009 are filed under ExchangeError, and leave the order's fate open.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
        Trap(
            says="A request window (requestTime, receiveWindow) is documented, its unit is not: it is no fence here.",
            mark=Mark.DOCUMENTED,
            test="tests/capabilities/test_map.py::test_no_fence_without_what_it_stands_on",
        ),
        Trap(
            says="The checksum is skipped by ccxt when none is sent.",
            mark=Mark.TRIED,
            test="tests/connectors/test_bitget.py::test_a_lost_message_is_noticed",
        ),
    ),
)
