"""The glossary names the states that exist, all of them, in their order."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from router.model.orders import ChildState, ParentState

GLOSSARY = (Path(__file__).resolve().parents[2] / "docs" / "GLOSSARY.md").read_text()
FIX_ORD_STATUS = frozenset("0 1 2 4 6 8 9 A C".split())
FIX_EXEC_TYPE = frozenset("0 4 6 8 9 A C F".split())


def rows(heading: str) -> list[list[str]]:
    section = GLOSSARY.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")
    ]


@pytest.mark.parametrize(("heading", "states"), [("Child states", ChildState), ("Parent states", ParentState)])
def test_every_state_has_its_row(heading: str, states: type[StrEnum]):
    """A state that is renamed or added has to be explained here."""
    assert [row[0].strip("`") for row in rows(heading)] == [state.value for state in states]


@pytest.mark.parametrize("heading", ["Child states", "Parent states"])
def test_fix_codes_exist(heading: str):
    """Every code named is one of FIX's own."""
    for row in rows(heading):
        assert set(re.findall(r"(?:^|or )([0-9A-Z]) ", row[1])) <= FIX_ORD_STATUS, row
        assert row[2] == "none" or row[2].split()[0] in FIX_EXEC_TYPE, row


@pytest.mark.parametrize(("heading", "states"), [("Child states", ChildState), ("Parent states", ParentState)])
def test_an_end_here_is_an_end_there(heading: str, states: type[ChildState | ParentState]):
    """FIX calls 2, 4, 8 and C final; exactly our ends are told by them."""
    final = frozenset("2 4 8 C".split())
    for row, state in zip(rows(heading), states, strict=True):
        assert (row[1].split()[0] in final) is state.ended, row


def test_terms_are_in_order():
    """A reader finds a word where the alphabet puts it."""
    section = GLOSSARY.split("## Terms\n")[1].split("\n## ")[0]
    terms = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][1:]

    assert terms == sorted(terms, key=lambda term: term.replace("_", " "))
