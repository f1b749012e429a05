"""The architecture page shows what the code does."""

import re
from pathlib import Path

from router.orders.lifecycle import TRANSITIONS
from tests.architecture.rules import ROOMS
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


def test_every_room_is_explained():
    """The table of rooms and the rules that are checked name the same rooms."""
    named = set(re.findall(r"^\| `([a-z./_]+)`", PAGE, flags=re.MULTILINE))

    assert {room.replace(".", "/") for room in ROOMS} <= named


def test_every_link_leads_somewhere():
    """Links between our own pages are not dead."""
    for page in [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
