"""The architecture page shows what the code does."""

import re
from pathlib import Path

from router.orders.lifecycle import TRANSITIONS
from tests.architecture.rules import FREE, PURE, ROOMS
from tests.docs import draw

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()


def test_the_lifecycle_is_drawn_from_the_table():
    """After a change of the table: `python -m tests.docs.draw`."""
    assert draw.on_the_page() == draw.drawing()


def test_the_drawing_has_every_state():
    """The drawing itself is not empty by accident."""
    assert all(state.value in draw.diagram() for state in TRANSITIONS)


def test_every_decision_has_its_heading():
    """Once each and in order: the design's seventeen, and what was decided on the way (a number may be kept free)."""
    headings = [int(number) for number in re.findall(r"^### D(\d+) ", PAGE, flags=re.MULTILINE)]

    assert headings[:17] == list(range(1, 18))
    assert headings == sorted(set(headings))
    assert len(headings) >= 17


def rooms_on_the_page() -> dict[str, tuple[str, str]]:
    """Room -> the cells "may import" and "pure"."""
    table = PAGE.split("## Rooms\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:3] == "| `"]
    return {name.replace("/", "."): (row[2], row[3]) for row in rows for name in re.findall(r"`([a-z/_]+)`", row[0])}


def may_import(cell: str) -> set[str]:
    """The rooms a cell names: `model, journal` with the upper storey left out, or `engine and what it may, journal`."""
    found: set[str] = set()
    for part in [] if cell == "the standard library" else cell.split(", "):
        name = part.removesuffix(" and what it may")
        room = name if name in ROOMS else f"router.{name}"
        assert room in ROOMS, f"no such room: {name}"
        found |= {room, *(ROOMS[room] if name != part else ())}
    return found


def test_every_room_is_explained():
    """The table of rooms on the page is the one that is checked: the same rooms, imports and purity."""
    shown = rooms_on_the_page()

    assert {room for room, (cell, _) in shown.items() if cell == "everything"} == set(FREE)
    assert {room: may_import(cell) for room, (cell, _) in shown.items() if room not in FREE} == {
        room: set(others) for room, others in ROOMS.items()
    }
    assert {room for room, (_, pure) in shown.items() if pure == "yes"} == ROOMS.keys() & set(PURE)


def test_every_link_leads_somewhere():
    """Links between our own pages are not dead."""
    for page in [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
