"""The project keeps its own rules."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[2]

CHECKS = [
    rules.imports_out_of_bounds,
    rules.impurities,
    rules.rounding_elsewhere,
    rules.floats_in_money,
    rules.ccxt_outside_its_adapter,
    rules.tenacity_in_many_places,
    rules.approvals_outside_risk,
]


@cache
def tree() -> list[rules.Source]:
    """Read once: parsing it all takes longer than any rule."""
    return rules.sources(ROOT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_rule_is_broken(check: Callable[[list[rules.Source]], list[str]]):
    """Each rule of the architecture holds over the whole tree."""
    assert check(tree()) == []


def test_nothing_strange_at_the_top_level():
    """No package but the customer's three, no file a repository does not need."""
    assert rules.strange_top_level(ROOT) == []


def test_the_table_names_the_rooms_there_are():
    """A new or renamed room would otherwise be checked by nobody, and a line of one that is gone would mean nothing."""
    assert rules.rooms(tree()) == rules.ROOMS.keys() | set(rules.FREE)
    assert rules.ROOMS.keys().isdisjoint(rules.FREE)
