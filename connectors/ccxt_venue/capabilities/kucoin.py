"""KuCoin spot, the high-frequency account."""

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

KUCOIN = Capabilities(
    venue="kucoin",
    tier=Tier.WIRE,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.DEADLINE,
    client_id=ClientId(
        field="clientOid",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=40,
        charset="0-9a-zA-Z_-",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.UNKNOWN,
        uniqueness_mark=Mark.UNCHECKED,
        on_reuse="400100, 126044",
        when_absent="a random UUID of ccxt's making",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.YES,
        routes=(Route(endpoint="privateGetHfOrdersClientOrderClientOid", param="clientOid", covers=Covers.ANY),),
        instead="hf/orders/active, hf/orders/done, hf/fills",
        kept="ended: three days",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.YES,
        route=Route(endpoint="privateDeleteHfOrdersClientOrderClientOid", param="clientOid", covers=Covers.OPEN),
    ),
    kinds=kinds("timeInForce=IOC", "timeInForce=FOK", "postOnly=True"),
    answers_with="the order's id and ours",
    amend="hf/orders/alter: a new order id",
    dead_man="hf/orders/dead-cancel-all, 5 to 86400 s; not among ccxt's unified calls",
    expiry=Expiry(param="clientTimestamp and allowMaxTimeWindow", where="gateway", mark=Mark.DOCUMENTED),
    fee_in=FeeIn.QUOTE,
    fee_note="or KCS, with a discount, where the account chose that",
    discount=Discount(
        asset="KCS",
        in_rate=None,
        note="whether it is switched on is not told, so it is never counted on; a fee in it is no surprise",
        mark=Mark.UNCHECKED,
    ),
    batch_max=5,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode raises TypeError and leaves the live hosts in place",
    book_check="sequenceStart/sequenceEnd joined to a REST snapshot",
    key_powers="privateGetUserApiKey",
    movements="the ledger of the trading account, which transfers lead into and out of, for a week",
    traps=(
        Trap(
            says="Left to itself ccxt asks first whether the account is unified, and routes orders by the answer.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_the_only_request",
        ),
        Trap(
            says='408000 "Network timeout" is filed under BadRequest, and leaves the order\'s fate open.',
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
        Trap(
            says="ccxt checks no sequence after the snapshot: a lost message corrupts the book for good, silently.",
            mark=Mark.TRIED,
            test="tests/connectors/test_kucoin.py::test_a_lost_message_is_noticed",
        ),
        Trap(
            says="A list of fills or orders ends a week after its start, without a word.",
            mark=Mark.DOCUMENTED,
            test="tests/connectors/test_kucoin.py::test_a_list_that_answers_for_a_week_is_asked_week_by_week",
        ),
        Trap(
            says="An error comes as HTTP 200 with a code that is not 200000.",
            mark=Mark.TRIED,
            test="tests/connectors/test_kucoin.py::test_an_error_under_200_is_an_error",
        ),
    ),
)
