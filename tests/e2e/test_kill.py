"""`kill -9` at any moment of an order, and the same command again: nothing twice, nothing lost."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.lab.faults import FaultKind
from tests.e2e.desk import DONE, Desk, assert_done_once, desk_at, printed
from tests.e2e.runner import Moment, Point
from tests.e2e.truth import read_ours

KILLED = -signal.SIGKILL
_SEED = 20_261_120
# Per point, up to which number it comes up for sure in an order of three rounds over three venues.
_POINTS = {
    Point.BEFORE_COMMIT: 12,
    Point.AFTER_COMMIT: 12,
    Point.BEFORE_SEND: 7,
    Point.AT_THE_GATE: 7,
    Point.AFTER_SEND: 7,
    Point.AFTER_ANSWER: 7,
    Point.BEFORE_FILL: 4,
    Point.AFTER_FILL: 4,
    Point.LOOKING_UP: 6,
    Point.LOOKED_UP: 6,
    Point.READ: 3,
}
_draws = random.Random(_SEED)
MOMENTS = [Moment(point, number) for point, most in _POINTS.items() for number in _draws.sample(range(1, most + 1), 1)]
ALL_MOMENTS = [Moment(point, number) for point, most in _POINTS.items() for number in range(1, most + 1)]
DURING_RECOVERY = [
    (Moment(Point.AFTER_SEND, 2), Moment(Point.BEFORE_COMMIT, 1)),
    (Moment(Point.AFTER_SEND, 4), Moment(Point.AFTER_COMMIT, 1)),
    (Moment(Point.AFTER_COMMIT, 4), Moment(Point.READING, 2)),
    (Moment(Point.AFTER_ANSWER, 3), Moment(Point.LOOKED_UP, 1)),
    (Moment(Point.BEFORE_SEND, 2), Moment(Point.READ, 3)),
    (Moment(Point.BEFORE_FILL, 2), Moment(Point.BEFORE_FILL, 1)),
]
ANY_TIME = sorted(_draws.uniform(0.0, 0.9) for _ in range(5))


def _named(value: object) -> str:
    if isinstance(value, Moment):
        return f"{value.point} {value.number}"
    return f"{value:.2f} s" if isinstance(value, float) else str(value)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as made:
        yield made


@pytest.mark.parametrize("moment", MOMENTS, ids=_named)
async def test_killed_once_and_started_again(desk: Desk, moment: Moment) -> None:
    """The second run finds what the first one left at the venues and fills the rest."""
    await _die(desk, "first", moment)
    await _finish(desk)


@pytest.mark.parametrize(
    ("moment", "again"),
    [
        pytest.param(*pair, marks=[] if row % 2 == 0 else [pytest.mark.nightly])
        for row, pair in enumerate(DURING_RECOVERY)
    ],
    ids=_named,
)
async def test_killed_again_while_recovering(desk: Desk, moment: Moment, again: Moment) -> None:
    """The first restart dies too; the second finds no less."""
    await _die(desk, "first", moment)
    await _die(desk, "second", again)
    await _finish(desk)


@pytest.mark.parametrize("after_s", ANY_TIME, ids=_named)
async def test_killed_at_any_time(desk: Desk, after_s: float) -> None:
    """From outside, wherever it happens to be."""
    run = desk.execute("first", desk.order())
    await asyncio.sleep(after_s)
    run.send(signal.SIGKILL)
    assert await run.ended() in {KILLED, *DONE}
    await _finish(desk)


@pytest.mark.postgres
@pytest.mark.parametrize("moment", [Moment(Point.AFTER_COMMIT, 5), Moment(Point.AFTER_SEND, 2)], ids=_named)
async def test_killed_with_the_journal_on_a_server(tmp_path: Path, postgres_url: str, moment: Moment) -> None:
    """The same promise, whatever holds the journal."""
    async with desk_at(tmp_path, postgres_url) as desk:
        await _die(desk, "first", moment)
        await _finish(desk)


@pytest.mark.nightly
@pytest.mark.parametrize("moment", ALL_MOMENTS, ids=_named)
async def test_killed_at_every_moment_there_is(desk: Desk, moment: Moment) -> None:
    """Every number of every point, and the first restart dies at a point drawn from it."""
    await _die(desk, "first", moment)
    again = random.Random(f"{moment}").choice([Point.BEFORE_COMMIT, Point.AFTER_COMMIT, Point.READ, Point.READING])
    await _die(desk, "second", Moment(again, 1))
    await _finish(desk)


async def _die(desk: Desk, name: str, moment: Moment) -> None:
    """Run until the moment; the run must not survive it."""
    if moment.point is Point.AFTER_SEND:
        # Slower than the process has left to live, so that what it sent is at the venue and its answer is not here.
        await desk.control.inject("*", FaultKind.SLOW, call="place", times=None, delay_ms=300)
    run = desk.execute(name, desk.order(), moment=moment)
    assert await run.ended() == KILLED, run.said()
    await desk.control.clear_faults()


async def _finish(desk: Desk) -> None:
    """The same reference again, to the end."""
    last = desk.execute("last", desk.order())
    assert await last.ended() in DONE, last.said()
    await assert_done_once(desk)
    [detail] = (await read_ours(desk.database_url)).parents
    assert Decimal(printed(last)["filled"]) == detail.totals.quantity
