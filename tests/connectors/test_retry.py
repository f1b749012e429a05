"""One table says what is asked again. An order that may have left is not in it."""

import asyncio

import pytest

from connectors.ccxt_venue.calls import (
    AnswerMissing,
    AnswerUnusable,
    CallFailed,
    CallKind,
    GateShut,
    NotReached,
    VenueBusy,
    VenueSaid,
)
from connectors.ccxt_venue.retry import RETRIES, asked

FAILURES = [
    NotReached("x"),
    AnswerMissing("x"),
    AnswerUnusable("x"),
    VenueBusy("x", None),
    VenueSaid(400, "-1", "x"),
]


async def tries(kind, failure):
    """How often a call is made that always fails so."""
    made = []

    async def call():
        made.append(1)
        raise failure

    with pytest.raises(type(failure)):
        await asked(kind, call)
    return len(made)


@pytest.mark.parametrize("kind", CallKind)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: type(each).__name__)
async def test_a_call_is_made_as_often_as_its_row_says(kind, failure):
    row = RETRIES.get((kind, type(failure)))
    assert await tries(kind, failure) == (row.attempts if row else 1)


async def test_an_order_whose_answer_is_missing_is_never_sent_again():
    for failure in (AnswerMissing("x"), AnswerUnusable("x"), VenueBusy("x", 5), VenueSaid(400, "-1021", "x")):
        assert await tries(CallKind.PLACE, failure) == 1


async def test_a_shut_gate_is_not_asked_again():
    assert await tries(CallKind.PLACE, GateShut("halted")) == 1


async def test_cancellation_is_neither_retried_nor_swallowed():
    assert await tries(CallKind.LOOK_UP, asyncio.CancelledError()) == 1


async def test_a_bug_is_not_retried():
    assert await tries(CallKind.LOOK_UP, ZeroDivisionError()) == 1


async def test_success_after_a_failure_is_success():
    answers = iter([AnswerUnusable("x"), "fine"])

    async def call():
        answer = next(answers)
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    assert await asked(CallKind.ACCOUNT, call) == "fine"
