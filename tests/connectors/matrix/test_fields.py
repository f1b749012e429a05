"""Every field of every answer, spoiled one at a time: what is not read rightly is not read at all.

A venue changes a field, leaves one out, or sends half a row. The port then tells an outcome, never an exception; an
order that is found is the order as it is; one the venue has is never missing.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from router.model.errors import SorError
from router.model.ids import Nanos
from router.model.outcomes import Accepted, Found, Lost, Missing, Unclear
from tests.connectors.matrix.door import Answer, Asked
from tests.connectors.matrix.seat import Seat, seated
from tests.connectors.matrix.venues import VENUES, answer_of
from tests.connectors.rig import TTL_NS, approved, pass_gate

GONE = object()
SPOILED = (None, GONE, "", "x", -1, 0, [], {}, True, 1e99)
CALLS = ("place", "cancel", "look-up", "read")
Path = tuple[str | int, ...]


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value, the whole left out."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield (*at, name)
        yield from places(each, (*at, name))


def spoiled(value: Any, path: Path, instead: object) -> Any:
    """`value` with something else in that place."""
    name, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[name] = spoiled(value[name], tuple(rest), instead)
    elif instead is GONE:
        del copy[name]
    else:
        copy[name] = instead
    return copy


async def outcome(seat: Seat, call: str, child: Any) -> Any:
    if call == "place":
        deadline = Nanos(time.time_ns() + TTL_NS)
        return (await seat.port.place(approved(child), deadline, pass_gate))[0]
    if call == "cancel":
        return await seat.port.cancel(child, None)
    if call == "look-up":
        return (await seat.port.look_up(child, None)).result
    try:
        return await seat.port.read_account(child.decided_at_ns)
    except SorError as error:
        return error


def is_sound(call: str, came: Any, honest: Any, instead: object) -> bool:
    """Nothing learnt, or the truth; another text where an id stood may be one, for all anybody can know."""
    could_be_an_id = any(instead is each for each in ("x", -1, 0))
    if call == "place":
        return isinstance(came, Lost) or came == honest or (could_be_an_id and isinstance(came, Accepted))
    if call == "look-up":
        if isinstance(came, Missing):
            return could_be_an_id or bool(came.strangers)  # a stranger's trade blocks the proof
        return isinstance(came, Unclear) or (isinstance(came, Found) and agrees(came, honest, ids=not could_be_an_id))
    return True


def agrees(came: Found, honest: Found, *, ids: bool) -> bool:
    """The very order, and no trade that is not its own. One that is missing is waited for: nothing is final before."""
    named, trades = zip(*(_told(each, ids=ids) for each in (came, honest)), strict=True)
    return named[0] == named[1] and trades[0] <= trades[1]


def _told(found: Found, *, ids: bool) -> tuple[object, set[object]]:
    order = found.order
    named = (order.client_id, order.venue_order_id if ids else None, order.side, order.quantity)
    return named, {(trade.side, trade.trade_id if ids else None) for trade in found.trades}


async def each_field(seat: Seat, call: str) -> list[str]:
    """Spoil every field of every answer to one call."""
    child = seat.order(known=True)
    said: dict[str, Answer] = {}

    def of(asked: Asked) -> str:
        return f"{asked.method} {asked.path}"

    def honest_answer(asked: Asked) -> Answer:
        said[of(asked)] = answer_of(seat.venue, seat.little, asked)
        return said[of(asked)]

    seat.door.honest = honest_answer
    honest = await outcome(seat, call, child)
    wrong = []
    for endpoint, answer in tuple(said.items()):
        body = json.loads(answer.body)
        for path in places(body) if isinstance(body, dict | list) else ():
            for value in SPOILED:
                bad = replace(answer, body=json.dumps(spoiled(body, path, value)).encode())
                seat.door.honest = lambda asked, at=endpoint, instead=bad: (
                    instead if of(asked) == at else answer_of(seat.venue, seat.little, asked)
                )
                seat.anew()
                try:
                    came = await outcome(seat, call, child)
                except Exception as error:  # noqa: BLE001 - the port tells outcomes, it never raises
                    wrong.append(f"{seat.venue} {call} {endpoint} {path} {value!r}: raised {error!r}")
                    continue
                if not is_sound(call, came, honest, value):
                    wrong.append(f"{seat.venue} {call} {endpoint} {path} {value!r}: {came}")
    return wrong


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("call", CALLS)
async def test_a_spoiled_field_is_never_an_order(call):
    """At all venues at once."""
    async with AsyncExitStack() as stack:
        seats = [await stack.enter_async_context(seated(venue)) for venue in sorted(VENUES)]
        wrong = await asyncio.gather(*(each_field(seat, call) for seat in seats))
    assert [each for listed in wrong for each in listed] == []
