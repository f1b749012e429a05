"""Kraken spot."""

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

KRAKEN = Capabilities(
    venue="kraken",
    tier=Tier.LAB,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.DEADLINE,
    client_id=ClientId(
        field="cl_ord_id",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=36,
        charset="a UUID, 32 hex digits, or free text up to 18",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.UUID,
        uniqueness=Uniqueness.OPEN_ONLY,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse="EGeneral:Invalid arguments:cl_ord_id not unique",
        when_absent="nothing",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.WRONG,
        routes=(
            Route(endpoint="privatePostOpenOrders", param="cl_ord_id", covers=Covers.OPEN),
            Route(endpoint="privatePostClosedOrders", param="cl_ord_id", covers=Covers.ENDED),
        ),
        instead="TradesHistory, QueryOrders",
        kept="not stated",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.YES,
        route=Route(endpoint="privatePostCancelOrder", param="cl_ord_id", covers=Covers.OPEN),
    ),
    kinds=kinds(
        "timeinforce=IOC",
        "timeinforce=FOK",
        "timeinforce=GTC",
        "oflags=post",
        Crossing(
            shown=Shown.EITHER,
            words="EOrder:Post only order; or status canceled, reason Post only order",
            mark=Mark.UNCHECKED,
        ),
        "that the venue takes FOK is unchecked",
    ),
    answers_with="transaction id and a sentence",
    amend="AmendOrder: keeps the id",
    dead_man="CancelAllOrdersAfter, all pairs, 60 s, repeated every 15 to 30 s",
    expiry=Expiry(param="deadline (RFC 3339, 2 to 60 s ahead)", where="matching engine", mark=Mark.DOCUMENTED),
    fee_in=FeeIn.QUOTE,
    fee_note="asked for with oflags=fciq; left alone a seller pays in base",
    discount=None,
    batch_max=15,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode raises TypeError and leaves the live hosts in place",
    book_check="CRC32 over the ten best levels",
    key_powers="privatePostGetApiKeyInfo",
    movements="the ledger, kind by kind",
    traps=(
        Trap(
            says="fetch_order by our id sends it as userref and then says OrderNotFound, falsely.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_a_look_up_asks_for_our_id",
        ),
        Trap(
            says="Orders without cl_ord_id are parsed as client id '0'.",
            mark=Mark.TRIED,
            test="tests/connectors/test_codec.py::test_ids_other_software_makes_are_foreign",
        ),
        Trap(
            says="The checksum is off by default and crashes ccxt when it is switched on.",
            mark=Mark.TRIED,
            test="tests/connectors/test_recorded.py::test_every_checksum_of_a_real_tape_holds",
        ),
        Trap(
            says="EService:Timeout leaves the order's fate open and is filed under ExchangeError.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
    ),
)
