"""What the process beside a driver makes of the journal: a record for each decision, and a word where one fails."""

from dataclasses import replace

import pytest

from policies import POLICIES
from router.cli import proving
from router.cli.deciding import failed
from router.cli.proving import Diverged, Prover, planned
from router.engine import Engine
from router.model.facts import RoundPlanned
from router.ports import Appended
from router.simulate.run import simulated
from tests.simulate.test_replay import rows_of


@pytest.fixture(scope="module")
def journal() -> tuple[Appended, ...]:
    """A simulated run's, up to its third decision."""
    rows = tuple(rows_of(simulated(0, "calm")[1]))
    third = [one.seq for one in rows if planned(one)][2]
    return tuple(one for one in rows if one.seq <= third)


@pytest.fixture(autouse=True)
def _by_this_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "VERSION", "sim")


def test_each_decision_has_its_record_and_a_page_is_no_different_from_two(journal: tuple[Appended, ...]):
    whole = Prover(Engine(POLICIES), 0, ours=False).take(journal)
    parts = Prover(Engine(POLICIES), 0, ours=False)
    assert [*parts.take(journal[:7]), *parts.take(journal[7:])] == whole
    assert [one.seq for one in whole] == [one.seq for one in journal if planned(one)]
    assert all(one.failed == "" and one.record["faults"] == [] for one in whole)


def test_what_is_recorded_or_of_another_release_is_only_folded(
    journal: tuple[Appended, ...], monkeypatch: pytest.MonkeyPatch
):
    first, *_ = [one.seq for one in journal if planned(one)]
    found = Prover(Engine(POLICIES), first, ours=False).take(journal)
    assert first not in {one.seq for one in found}
    monkeypatch.setattr(proving, "VERSION", "another")
    assert Prover(Engine(POLICIES), 0, ours=True).take(journal) == []


def test_too_many_at_once_are_left_out_and_counted(journal: tuple[Appended, ...], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proving, "DECISIONS_AT_ONCE", 1)
    prover = Prover(Engine(POLICIES), 0, ours=False)
    found = prover.take(journal)
    decisions = [one.seq for one in journal if planned(one)]
    assert [one.seq for one in found] == decisions[-1:]
    assert prover.left_out == len(decisions) - 1


def test_a_row_that_comes_out_otherwise_ends_it(journal: tuple[Appended, ...]):
    at = next(number for number, one in enumerate(journal) if planned(one))
    facts = tuple(
        replace(fact, due=fact.due + 1) if isinstance(fact, RoundPlanned) else fact for fact in journal[at].row.facts
    )
    forged = replace(journal[at], row=replace(journal[at].row, facts=facts))
    with pytest.raises(Diverged, match=f"row {journal[at].seq} "):
        Prover(Engine(POLICIES), 0, ours=False).take((*journal[:at], forged))


def test_a_record_that_does_not_hold_says_what(journal: tuple[Appended, ...]):
    [first, *_] = Prover(Engine(POLICIES), 0, ours=False).take(journal)
    made = first.record
    assert failed(made | {"faults": ["the gap is not that of its bounds"]}) == "the gap is not that of its bounds"
    assert "kept" in failed(made | {"same_on_the_kept_view": False})
