"""Gate spot."""

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

GATE = Capabilities(
    venue="gate",
    tier=Tier.WIRE,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.DEADLINE,
    client_id=ClientId(
        field="text",
        param="text",
        unified=Reaches.YES,
        length_max=28,
        charset="0-9a-zA-Z_-. after t-",
        limits_mark=Mark.CAPTURED,
        encoding=Encoding.GATE,
        uniqueness=Uniqueness.UNKNOWN,
        uniqueness_mark=Mark.UNCHECKED,
        on_reuse="no code is known",
        when_absent="nothing",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.YES,
        routes=(Route(endpoint="privateSpotGetOrdersOrderId", param="order_id", covers=Covers.ANY),),
        instead="spot/orders (open, finished), spot/my_trades",
        kept="by our id: about an hour after the end",
    ),
    cancel=CancelBy(
        cancel_order=Reaches.HARMFUL,
        route=Route(
            endpoint="privateSpotDeleteOrdersOrderId",
            param="order_id",
            covers=Covers.OPEN,
            note="our id with its t- in place of the order's",
        ),
    ),
    kinds=kinds("time_in_force=ioc", "time_in_force=fok", "time_in_force=poc"),
    answers_with="the whole order",
    amend="PATCH orders: keeps the id",
    dead_man="spot/countdown_cancel_all, from 5 s; not among ccxt's unified calls",
    expiry=Expiry(param="x-gate-exptime (header, ms; ccxt has no option)", where="gateway", mark=Mark.DOCUMENTED),
    fee_in=FeeIn.RECEIVED,
    fee_note="or GT or points, where the account chose that",
    discount=Discount(
        asset="GT",
        in_rate=False,
        note="the answer has `gt_discount` and `gt_taker_fee` beside it: counted on while there is enough GT",
        mark=Mark.DOCUMENTED,
    ),
    batch_max=40,
    channels=Channels(orders=True, trades=True, balances=True),
    testnet="set_sandbox_mode",
    book_check="U/u chain joined to a REST snapshot",
    key_powers="privateAccountGetMainKeys",
    movements="the book of the spot account: what is named a deposit, a withdrawal or a transfer",
    traps=(
        Trap(
            says="cancel_order by our id becomes DELETE /spot/orders/?currency_pair=..., the shape of cancel-all.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_a_cancel_names_one_order",
        ),
        Trap(
            says="An id that starts with t gets no t- from ccxt, and one over 28 characters is refused by it.",
            mark=Mark.CAPTURED,
            test="tests/connectors/test_gate.py::test_our_id_keeps_its_prefix_and_fits",
        ),
        Trap(
            says="Left to itself ccxt asks first for the account's mode, and takes a time-out for 'not unified'.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_order_is_the_only_request",
        ),
        Trap(
            says="ccxt's spot book checks nothing after the snapshot: a lost message corrupts it silently.",
            mark=Mark.TRIED,
            test="tests/connectors/test_gate.py::test_a_lost_message_is_noticed",
        ),
    ),
)
