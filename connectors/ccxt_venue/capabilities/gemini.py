"""Gemini."""

from connectors.ccxt_venue.capabilities.shapes import (
    CancelBy,
    Capabilities,
    Channels,
    ClientId,
    Covers,
    Crossing,
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

GEMINI = Capabilities(
    venue="gemini",
    tier=Tier.LAB,
    proven="2026-11-20, ccxt 4.5.90",
    fence=Fence.NONE,
    client_id=ClientId(
        field="client_order_id",
        param="clientOrderId",
        unified=Reaches.YES,
        length_max=36,
        charset=":-_.#a-zA-Z0-9",
        limits_mark=Mark.DOCUMENTED,
        encoding=Encoding.HEX,
        uniqueness=Uniqueness.NOT_CHECKED,
        uniqueness_mark=Mark.DOCUMENTED,
        on_reuse="nothing: a second order is placed",
        when_absent="the time in milliseconds, which collides",
    ),
    look_up=LookUpBy(
        fetch_order=Reaches.WRONG,
        routes=(
            Route(
                endpoint="privatePostV1OrderStatus",
                param="client_order_id",
                covers=Covers.ANY,
                note="may answer with a list",
            ),
        ),
        instead="orders, mytrades",
        kept="not stated",
    ),
    cancel=CancelBy(cancel_order=Reaches.WRONG, route=None),
    kinds=kinds(
        "options=['immediate-or-cancel']",
        "options=['fill-or-kill']",
        "exchange limit",
        "options=['maker-or-cancel']",
        Crossing(
            shown=Shown.ENDED,
            words="is_cancelled in the answer itself, reason MakerOrCancelWouldTake",
            mark=Mark.DOCUMENTED,
        ),
        "limit orders only: ccxt refuses market orders",
    ),
    answers_with="the whole order",
    amend=None,
    dead_man=None,
    expiry=None,
    fee_in=FeeIn.QUOTE,
    fee_note="",
    discount=None,
    batch_max=None,
    channels=Channels(orders=True, trades=False, balances=False),
    testnet="set_sandbox_mode",
    book_check="none after the snapshot",
    key_powers="privatePostV1Roles",
    movements="transfers",
    traps=(
        Trap(
            says="An answer that is not JSON comes back from ccxt as a closed order without an id.",
            mark=Mark.TRIED,
            test="tests/capabilities/test_traps.py::test_an_unconfirmed_order_is_lost",
        ),
        Trap(
            says="fetch_order by our id sends an empty order_id beside it.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_a_look_up_asks_for_our_id",
        ),
        Trap(
            says="A used id places a second order, and a cancel by id cancels every order that has it.",
            mark=Mark.DOCUMENTED,
            test="tests/capabilities/test_traps.py::test_a_used_id_is_sent_again_only_where_it_is_refused_for_ever",
        ),
        Trap(
            says="System is filed under ExchangeError, and leaves the order's fate open.",
            mark=Mark.CAPTURED,
            test="tests/capabilities/test_traps.py::test_an_ambiguous_code_is_no_refusal",
        ),
    ),
)
