"""A decision's record: from the journal alone, the same bytes again, proven and compared on the view that is kept."""

from policies import POLICIES
from router.cli.deciding import decision_id, is_decision, parse_decision, record
from router.model.facts import RoundPlanned
from router.runtime.replay import Replay
from router.simulate.run import simulated
from tests.simulate.test_replay import rows_of


def test_every_decision_of_a_run_has_its_record() -> None:
    """Plan and bound hold before the verifier; only the levels that matter are kept, and they give the same plan."""
    rows = rows_of(simulated(0, "calm")[1])
    made = [fact for one in rows for fact in one.row.facts if isinstance(fact, RoundPlanned)][:6]
    assert made

    for fact in made:
        name = decision_id(fact.parent_id, fact.round)
        replay = Replay(POLICIES, lambda row, name=name: is_decision(row, *parse_decision(name)))
        assert replay.take(rows) is None
        assert replay.decided == 1
        [asked] = [one for one in replay.asked if (one.parent_id, one.round) == (fact.parent_id, fact.round)]
        found = record(asked)

        assert found["decision"] == name
        assert found["same_on_the_kept_view"]
        assert found["faults"] == []
        assert record(asked) == found
        assert [line["listing"] for line in found["lines"]] == [line.listing_id for line in asked.plan.lines]
        assert set(found["against"]) == {"best_single", "proportional", "sequential", "fee_blind"}
