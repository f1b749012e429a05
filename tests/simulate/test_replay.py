"""What was decided is decided again: by state, event and view alone."""

from dataclasses import replace

import pytest

from policies import POLICIES
from router.model.facts import RoundPlanned
from router.ports import Appended
from router.runtime.replay import Replay
from router.simulate.run import simulated
from router.simulate.world import SimWorld


def rows_of(world: SimWorld) -> list[Appended]:
    return [Appended(seq=place, epoch=1, hash="", row=row) for place, row in enumerate(world.journal.read(), start=1)]


@pytest.mark.parametrize("seed", [0, 7, 9])
def test_every_decision_comes_out_again(seed: int) -> None:
    """Kills, two writers, any order of arrival: the journal holds all a decision depended on."""
    _, world = simulated(seed)
    replay = Replay(POLICIES)

    assert replay.take(rows_of(world)) is None
    assert replay.decided == replay.rows > 0


def test_a_row_that_comes_out_otherwise_is_named() -> None:
    """The first one, with the fact that differs."""
    rows = rows_of(simulated(0, "calm")[1])
    at, planned = next(
        (place, fact) for place, one in enumerate(rows) for fact in one.row.facts if isinstance(fact, RoundPlanned)
    )
    tampered = tuple(replace(fact, due=fact.due * 2) if fact is planned else fact for fact in rows[at].row.facts)
    rows[at] = replace(rows[at], row=replace(rows[at].row, facts=tampered))

    found = Replay(POLICIES).take(rows)

    assert found is not None
    assert (found.seq, found.event) == (at + 1, "MarketSeen")
    assert [text.partition("(")[0] for text in found.first] == ["RoundPlanned", "RoundPlanned"]
