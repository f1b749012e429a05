"""Fifteen venues, every wire fault, four calls: what each cell must come to, written down before it is tried.

The expectations are D6, not what the code happens to do: an order is accepted only
by a whole answer under a good status that holds the venue's id (and ours, where the venue repeats it), refused only by
a reviewed code under a status the venue answers for itself with, not sent only when no byte left; all else is lost. A
look-up finds by a whole record, and misses only when every witness answered; a read is whole or it is none.
"""

import asyncio
import logging
import re
import socket
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack

import pytest

from router.model.errors import SorError
from router.model.ids import Nanos
from router.model.orders import ChildOrder
from router.model.outcomes import Refused
from tests.connectors.matrix.door import Asked
from tests.connectors.matrix.faults import about
from tests.connectors.matrix.seat import CANARY, Seat, nobody, said_in, seated
from tests.connectors.matrix.venues import VENUES, Little, answer_of
from tests.connectors.rig import approved, pass_gate

NAMES = sorted(VENUES)
CALLS = ("place", "cancel", "look-up", "read")
NOTHING_LEARNT = ("Lost", "CancelUnclear", "Unclear", "SorError")

EXPECTED: dict[str, tuple[str, str, str, str]] = {
    "honest": ("Accepted", "CancelTaken", "Found", "AccountRead"),
    # The network.
    "reset in mid-request": NOTHING_LEARNT,
    "reset": NOTHING_LEARNT,
    "closed": NOTHING_LEARNT,
    "silent": NOTHING_LEARNT,
    "a byte at a time": NOTHING_LEARNT,
    "cut by length": NOTHING_LEARNT,
    "cut by chunk": NOTHING_LEARNT,
    "bad gzip": NOTHING_LEARNT,
    "length too short": NOTHING_LEARNT,
    "twice": ("Accepted", "CancelTaken", "Found", "AccountRead"),
    "huge": NOTHING_LEARNT,
    # Under 200, and no answer.
    "empty": NOTHING_LEARNT,
    "a page": NOTHING_LEARNT,
    "JSON under a page's type": ("Lost", "CancelTaken", "Found", "AccountRead"),
    "cut JSON": NOTHING_LEARNT,
    "nothing in it": NOTHING_LEARNT,
    "null": NOTHING_LEARNT,
    "another shape": NOTHING_LEARNT,
    "a list": NOTHING_LEARNT,
    "not a number": NOTHING_LEARNT,
    "deep": NOTHING_LEARNT,
    "no id": NOTHING_LEARNT,
    "null id": NOTHING_LEARNT,
    "another's id": ("Lost", "CancelUnclear", "Unclear", "AccountRead"),
    # Go elsewhere.
    "301 to TLS": NOTHING_LEARNT,
    "302 elsewhere": NOTHING_LEARNT,
    "307 elsewhere": NOTHING_LEARNT,
    "307 here": NOTHING_LEARNT,
    "308 elsewhere": NOTHING_LEARNT,
    # What stands between us and the venue.
    **dict.fromkeys(("400 page", "401 page", "403 page", "404 page", "408 page", "418 page"), NOTHING_LEARNT),
    **dict.fromkeys(("429 page", "429 page, Retry-After"), NOTHING_LEARNT),
    **dict.fromkeys(("500 page", "502 page", "503 page", "504 page", "520 page"), NOTHING_LEARNT),
    "503 with a success": NOTHING_LEARNT,
    "524 with a success": NOTHING_LEARNT,
    # The venue's own words.
    "unknown code": NOTHING_LEARNT,
    "refusal": ("Refused", "CancelUnclear", "Unclear", "SorError"),
    "refusal under 503": NOTHING_LEARNT,
    "refusal for now": ("Refused for now", "CancelUnclear", "Unclear", "SorError"),
    "used id": ("Exists", "CancelUnclear", "Unclear", "SorError"),
}

EXCEPT: dict[tuple[str, str], dict[str, str]] = {
    # Ids these venues never look at: there is no such code, and the one that was made up proves nothing.
    ("used id", "place"): dict.fromkeys(("bitfinex", "coinbaseexchange", "cryptocom", "gemini", "htx"), "Lost"),
    # Our id does not come back in these answers, so that another's in its place cannot be told from none.
    ("another's id", "place"): dict.fromkeys(("htx", "kraken"), "Accepted"),
    # These search lists: what the list says of another order is not said of ours, and the list was answered whole.
    ("another's id", "look-up"): dict.fromkeys(("bitfinex", "coinbase"), "Missing"),
    # The answer to a cancel names the order in another way than the changed one. It proves nothing either way: the
    # order is read again.
    ("no id", "cancel"): dict.fromkeys(("bitfinex", "bybit", "htx", "kraken", "kucoin"), "CancelTaken"),
    ("null id", "cancel"): dict.fromkeys(("bitfinex", "bybit", "htx", "kraken", "kucoin"), "CancelTaken"),
    ("another's id", "cancel"): dict.fromkeys(
        (
            "binance",
            "binanceus",
            "bitfinex",
            "bitget",
            "bitstamp",
            "cryptocom",
            "gate",
            "htx",
            "kraken",
            "kucoin",
            "okx",
        ),
        "CancelTaken",
    ),
    # A cancel answers with bare text, which is no answer to our reader.
    **{
        (fault, "cancel"): {"coinbaseexchange": "CancelUnclear"}
        for fault in ("honest", "twice", "JSON under a page's type")
    },
}

WITHOUT_OUR_ID = {"cancel": {"coinbase"}, "look-up": {"bitfinex", "coinbase"}}
"""Venues whose lists are searched, because they cannot be asked for an id of ours."""

BY_DAY = ("reset", "cut by chunk", "a page", "null id", "another's id", "307 elsewhere", "503 with a success")


def expected(venue: str, fault: str, call: str) -> str:
    """What the table says of this cell."""
    return EXCEPT.get((fault, call), {}).get(venue, EXPECTED[fault][CALLS.index(call)])


async def come_to(seat: Seat, call: str, child: ChildOrder) -> tuple[str, str]:
    """What the call came to, by name; and everything it said."""
    if call == "place":
        outcome, sent_ns = await seat.port.place(approved(child), Nanos(child.deadline_ns), pass_gate)
        assert (sent_ns is None) == (type(outcome).__name__ == "NotSent")
        for_now = isinstance(outcome, Refused) and outcome.transient
        return f"{type(outcome).__name__}{' for now' if for_now else ''}", repr(outcome)
    if call == "cancel":
        outcome = await seat.port.cancel(child, None)
    elif call == "look-up":
        outcome = (await seat.port.look_up(child, None)).result
    else:
        try:
            outcome = await seat.port.read_account(child.decided_at_ns)
        except SorError as error:
            return "SorError", "".join(traceback.format_exception(error))
    return type(outcome).__name__, repr(outcome)


async def cell(seat: Seat, name: str, call: str) -> list[str]:
    """Try one cell; what was not as the table says."""
    seat.anew()
    seat.door.asked.clear()
    child = seat.order(known=True)
    fault = about(seat.venue, seat.little)[name]
    seat.meet(fault)
    try:
        outcome, text = await come_to(seat, call, child)
    except Exception as error:  # noqa: BLE001 - the port tells outcomes, it never raises
        outcome, text = f"a raised {type(error).__name__}", repr(error)
    finally:
        seat.meet(None)
    wanted = expected(seat.venue, name, call)
    asked = list(seat.door.asked)
    wrong = [] if outcome == wanted else [f"{outcome}, not {wanted} ({text})"]
    if call == "place" and len(asked) != 1:
        wrong.append(f"{len(asked)} copies")
    if not fault.hasty and call != "read" and seat.venue not in WITHOUT_OUR_ID.get(call, ()):
        wrong += [] if any(seat.little.spelled in said_in(each) for each in asked) else ["our id was not on the wire"]
    if seat.elsewhere.connections or any(each.path == "/moved" for each in asked):
        wrong.append("a redirect was followed")
    wrong += ["a secret was told"] if CANARY in text else []
    return [f"{seat.venue}: {name}: {call}: {each}" for each in wrong]


async def over_venues(try_one: Callable[[Seat], Awaitable[list[str]]]) -> list[str]:
    """At all venues at once, each at a seat of its own."""
    async with AsyncExitStack() as stack:
        seats = [await stack.enter_async_context(seated(venue)) for venue in NAMES]
        return [each for wrong in await asyncio.gather(*(try_one(seat) for seat in seats)) for each in wrong]


@pytest.fixture
def no_secret_logged(caplog):
    """Whatever was logged meanwhile, at DEBUG, by anybody, holds neither key nor signature."""
    caplog.set_level(logging.DEBUG)
    yield
    assert CANARY not in caplog.text
    assert not re.search("signature=", caplog.text, re.IGNORECASE)


def test_the_table_is_whole():
    """As many faults as there are expectations; more than the twenty-five that were asked for."""
    little = Little(spelled="x", order_id="1", known=True, at_ms=0)
    assert set(EXPECTED) == set(about("binance", little))
    assert len(EXPECTED) > 25
    assert set(BY_DAY) <= set(EXPECTED)
    assert len(NAMES) == 15


async def test_by_day_each_venue_meets_the_most_telling_faults(no_secret_logged):
    """Orders meet all seven; the three other calls one each, another at each venue."""

    async def a_few(seat: Seat) -> list[str]:
        first = NAMES.index(seat.venue)
        wrong = [each for call in CALLS for each in await cell(seat, "honest", call)]
        for name in BY_DAY:
            wrong += await cell(seat, name, "place")
        for offset, call in enumerate(CALLS[1:]):
            wrong += await cell(seat, BY_DAY[(first + 2 * offset) % len(BY_DAY)], call)
        return wrong

    assert await over_venues(a_few) == []


@pytest.mark.nightly
@pytest.mark.parametrize("name", EXPECTED)
async def test_by_night_every_cell(name, no_secret_logged):
    """All calls at all venues; and the call after the fault, over the same connections, is answered rightly."""

    async def all_calls(seat: Seat) -> list[str]:
        wrong = []
        for call in CALLS:
            wrong += await cell(seat, name, call)
            seat.anew()
            after, text = await come_to(seat, "place", seat.order(known=True))
            if after != "Accepted" or seat.little.order_id not in text:
                wrong.append(f"{seat.venue}: {name}: after {call}: {text}")
        return wrong

    assert await over_venues(all_calls) == []


async def test_where_nobody_listens_nothing_is_sent(no_secret_logged):
    """A refused connection: not one byte left, and the outcome says so."""

    async def at(venue: str, url: str) -> list[str]:
        async with seated(venue, url) as seat:
            return [
                (await come_to(seat, call, seat.order(known=True)))[0]
                for call in (CALLS if venue == "binance" else CALLS[:1])
            ]

    async with nobody() as url:
        came = await asyncio.gather(*(at(venue, url) for venue in NAMES))
    assert came == [["NotSent", *NOTHING_LEARNT[1:]] if venue == "binance" else ["NotSent"] for venue in NAMES]


async def test_a_connection_that_never_stands_carries_nothing():
    """The venue's queue is full and nobody takes from it: a time-out, and still not one byte."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        async with seated("binance", f"http://127.0.0.1:{full.getsockname()[1]}") as seat:
            seat.meet(about("binance", seat.little)["silent"])
            assert (await come_to(seat, "place", seat.order(known=True)))[0] == "NotSent"


TELL_NOTHING_OF_NONE = (
    "another's id",
    "no id",
    "null id",
    "twice",
    "JSON under a page's type",
    "honest",
    "reset in mid-request",
)
"""Faults that leave an answer which names no order as it is, and one that comes before the path was read."""


async def absent(seat: Seat) -> str:
    """What a look-up says of an order the venue never had."""
    seat.anew()
    child = seat.order(known=False)
    return type((await seat.port.look_up(child, None)).result).__name__


async def while_each_lies(seat: Seat, name: str, witnesses: slice) -> list[str]:
    """Let these endpoints of a look-up go wrong, one at a time; where the look-up was sure all the same."""
    seat.door.asked.clear()
    assert await absent(seat) == "Missing", seat.venue

    def of(asked: Asked) -> str:
        return f"{asked.method} {asked.path.replace(seat.little.spelled, '<id>')}"

    wrong = []
    for witness in list(dict.fromkeys(map(of, seat.door.asked)))[witnesses]:
        seat.meet(about(seat.venue, seat.little)[name], only=lambda asked, at=witness: of(asked) == at)
        said = await absent(seat)
        seat.meet(None)
        wrong += [] if said == "Unclear" else [f"{seat.venue}: {name} at {witness}: {said}"]
    return wrong


async def test_by_day_the_last_witness_lies():
    """By then the others have all said that they know nothing of it."""
    assert await over_venues(lambda seat: while_each_lies(seat, "a page", slice(-1, None))) == []


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in TELL_NOTHING_OF_NONE])
async def test_while_one_witness_lies_nothing_is_missing(name, no_secret_logged):
    """Absence is proved by every endpoint together: whichever of them fails, in whatever way, proves nothing."""
    assert await over_venues(lambda seat: while_each_lies(seat, name, slice(None))) == []


def test_a_venue_answers_only_what_it_was_taught():
    """So that a call to a path nobody reviewed is seen as a fault, not as an answer."""
    little = Little(spelled="7", order_id="1", known=True, at_ms=0)
    assert {answer_of(venue, little, Asked("GET", "/unheard-of", {}, b"")).status for venue in NAMES} == {404}
