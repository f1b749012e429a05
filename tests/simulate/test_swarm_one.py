"""One half of the 20,000 children every change is held against; `test_swarm_two` is the other.

Two modules, because the suite is shared out by modules.
"""

import pytest

from router.simulate.many import Tally
from tests.simulate.swarm_of import add, told, unreached

pytestmark = pytest.mark.timeout(300)
FOUND = Tally()


@pytest.mark.parametrize("first", range(0, 110, 10))
def test_ten_seeds_without_a_breach(first: int) -> None:
    """All fault classes, each seed with its own choice of them."""
    failed = add(FOUND, first, 10)

    assert not failed, told(failed)


def test_enough_was_sent_and_every_situation_was_reached() -> None:
    """Of all the seeds above: a world that no longer shows a situation proves less than it says."""
    if FOUND.seeds < 110:
        pytest.skip("only some of the seeds were run")

    assert FOUND.children >= 10_000
    assert unreached(FOUND) == []
