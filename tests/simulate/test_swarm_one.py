"""One half of the 20,000 children every change is held against; `test_swarm_two` is the other.

Two modules, because the suite is shared out by modules.
"""

import pytest

from tests.simulate.swarm_of import Slice, told

pytestmark = pytest.mark.timeout(300)
SEEDS = Slice(range(140))


@pytest.mark.parametrize("first", SEEDS.tens)
def test_ten_seeds_without_a_breach(first: int) -> None:
    """All fault classes, each seed with its own choice of them."""
    failed = SEEDS.run(first)

    assert not failed, told(failed)


@pytest.mark.timeout(3_000)  # on a busy machine, with all seeds left to it
def test_enough_was_sent_and_every_situation_was_reached() -> None:
    """Of all the seeds above, whoever ran: a world that no longer shows a situation proves less than it says."""
    failed = SEEDS.run_the_rest()

    assert not failed, told(failed)
    assert SEEDS.found.children >= 10_000
    assert SEEDS.unreached == []
