"""HTX spot."""

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

HTX = Capabilities(
    venue="htx",
    tier=Tier.WIRE,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.NONE,
    client_id=ClientId(
        field="client-order-id",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=64,
        charset="not stated",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.NOT_CHECKED,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse="nothing since 2021-05-26: a second order is placed",
        when_absent="a broker id and a random UUID of ccxt's making",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.YES,
        routes=(Route(endpoint="spotPrivateGetV1OrderOrdersGetClientOrder", param="clientOrderId", covers=Covers.ANY),),
        instead="openOrders, orders of all ended states, matchresults",
        kept="by our id: ended 2 hours, others 8 hours",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.YES,
        route=Route(
            endpoint="spotPrivatePostV1OrderOrdersSubmitCancelClientOrder",
            param="client-order-id",
            covers=Covers.OPEN,
        ),
    ),
    kinds=kinds(
        "type=buy-ioc",
        "type=buy-limit-fok",
        "type=buy-limit",
        "type=buy-limit-maker",
        Crossing(shown=Shown.ENDED, words="state canceled", mark=Mark.DOCUMENTED),
    ),
    answers_with="the order's id, and nothing else",
    amend=None,
    dead_man="v2/algo-orders/cancel-all-after, from 5 s",
    expiry=None,
    fee_in=FeeIn.RECEIVED,
    fee_note="or HTX points and tokens, where the account chose that",
    discount=Discount(
        asset="HTX, HT or TRX",
        in_rate=True,
        note="`actualTakerRate` is the basic rate again once it does not apply: nothing to follow",
        mark=Mark.DOCUMENTED,
    ),
    batch_max=10,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode raises TypeError and leaves the live hosts in place",
    book_check="prevSeqNum/seqNum chain joined to a snapshot asked for on the socket",
    key_powers="spotPrivateGetV2UserApiKey",
    movements="the spot account's ledger of transfers, and the list of deposits and withdrawals",
    traps=(
        Trap(
            says="A used id places a second order, and a look-up by id shows one of them.",
            mark=Mark.DOCUMENTED,
            test="tests/capabilities/test_traps.py::test_a_used_id_is_sent_again_only_where_it_is_refused_for_ever",
        ),
        Trap(
            says="Left to itself ccxt asks first for the accounts.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_the_only_request",
        ),
        Trap(
            says="A gap in the book raises inside ccxt's handler and ends its receive loop; nobody is told.",
            mark=Mark.TRIED,
            test="tests/connectors/test_htx.py::test_a_lost_message_is_noticed",
        ),
        Trap(
            says="order-update-error and its like say nothing of the order.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
        Trap(
            says="fetch_closed_orders asks for states=filled only.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_that_ended_without_a_fill_is_found",
        ),
    ),
)
