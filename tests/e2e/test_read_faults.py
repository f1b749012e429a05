"""All that can go wrong with reading: look-ups, trade lists, accounts. A lie is no evidence and changes nothing."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from connectors.lab.faults import FaultKind as Fault
from router.drill.faults import LOOK_UPS, READING
from router.drill.stand import ALL_SEATS, NIGHTLY_SEATS, Seat
from router.model.orders import ParentState
from router.requests import OrderBody
from tests.e2e.conftest import Stands
from tests.e2e.rig import Stand, order, quantity_of
from tests.e2e.truth import assert_venues_agree
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED_AGAIN = 3
"""A read is asked so many times before the look-up it belongs to has failed."""
of_the_night = [pytest.param((seat,), marks=pytest.mark.nightly) for seat in NIGHTLY_SEATS]


def faults(parity: int) -> pytest.MarkDecorator:
    """All of them by night; by day every other one, the rest with the other kind of read."""
    return pytest.mark.parametrize(
        "what",
        [
            pytest.param(what, marks=[] if row % 2 == parity else [pytest.mark.nightly])
            for row, what in enumerate(READING)
        ],
    )


where = pytest.mark.parametrize("seats", [ALL_SEATS, *of_the_night], ids=lambda seats: "-".join(s.name for s in seats))


@where
@faults(0)
async def test_a_look_up_that_fails_after_a_lost_answer_proves_nothing(
    stands: Stands, what: str, seats: Sequence[Seat]
) -> None:
    """The answer to the order is lost *and* the first look-ups fail: not found is not absent, no second order."""
    await _everywhere(stands, seats, "lost", what, LOOK_UPS, lose_the_answer=True)


@where
@faults(1)
async def test_trades_and_accounts_that_cannot_be_read_are_read_again(
    stands: Stands, what: str, seats: Sequence[Seat]
) -> None:
    """An end is an end only once every trade is booked; and after a private stream's loss the account is read."""
    await _everywhere(stands, seats, "trades", what, ("trades", "balances"), reread=True)


async def test_an_account_that_stays_unreadable_is_shut_until_it_can_be_read(stands: Stands) -> None:
    """Its gate shuts, what is in flight is still settled, and it opens by itself."""
    stand = await stands.sound()
    await stand.fresh(ALL_SEATS)
    try:
        await asyncio.gather(*(_shut_and_open_again(stand, seat) for seat in ALL_SEATS))
        await assert_venues_agree(stand.control, stand.config.database_url)
    except BaseException:
        await stands.discard()
        raise


async def _everywhere(
    stands: Stands,
    seats: Sequence[Seat],
    kind: str,
    what: str,
    calls: tuple[str, ...],
    *,
    lose_the_answer: bool = False,
    reread: bool = False,
) -> None:
    """At all these protocols at once: the fault, an order, its end."""
    stand = await stands.sound(seats[0])
    await stand.fresh(seats)
    fault, params = READING[what]
    rules: dict[str, list[int]] = {}
    for seat in seats:
        rules[seat.name] = [
            await stand.control.inject(seat.name, fault, call=call, **{"times": _times(call), **params})
            for call in calls
        ]
        if lose_the_answer:
            await stand.control.inject(seat.name, Fault.RESET_AFTER, call="place")
        if reread:
            await stand.control.inject(seat.name, Fault.WS_KILL, channel="private")
    try:
        await asyncio.gather(*(_filled(stand, f"{kind}-{what.replace(' ', '-')}", seat, rules) for seat in seats))
        await assert_venues_agree(stand.control, stand.config.database_url)
    except BaseException:
        await stands.discard()
        raise


def _times(call: str) -> int:
    """A look-up fails as a whole; an account is read at the last attempt, or its gate would shut for seconds."""
    return ASKED_AGAIN if call in LOOK_UPS else ASKED_AGAIN - 1


async def _filled(stand: Stand, ref: str, seat: Seat, rules: dict[str, list[int]]) -> None:
    parent_id = await stand.submit(_patient(f"{ref}_{seat.name}", seat))
    assert await stand.ended(parent_id) is ParentState.FILLED, seat.name

    async def fired() -> bool:
        """For look-ups a protocol needs only some of the calls there are; trades and balances are read by all."""
        counted = [await stand.fired(rule) for rule in rules[seat.name]]
        return any(counted) if len(counted) == len(LOOK_UPS) else all(counted)

    await eventually(fired)
    await eventually(lambda: stand.gate_open(seat))
    agreed = await assert_venues_agree(stand.control, stand.config.database_url)
    assert quantity_of(agreed.orders_of(parent_id)) == Decimal("0.4"), seat.name


async def _shut_and_open_again(stand: Stand, seat: Seat) -> None:
    rule = await stand.control.inject(seat.name, Fault.HTML_200, call="balances", times=None)
    await stand.control.inject(seat.name, Fault.WS_KILL, channel="private")
    await eventually(lambda: not stand.gate_open(seat))
    assert await stand.fired(rule)
    await stand.control.clear_faults(rule)  # its own only: the other venues are still to be shut
    parent_id = await stand.submit(_patient(f"shut_{seat.name}", seat))
    assert await stand.ended(parent_id) is ParentState.FILLED, seat.name
    assert stand.gate_open(seat)


def _patient(ref: str, seat: Seat) -> OrderBody:
    """An order that outlasts a shut gate: its rounds go on while nothing can be sent."""
    return order(ref, "0.4", venues={"include": [seat.name]}, params={"rounds_max": 500, "round_wait_ms": 50})
