"""What a comment points at can be read in this repository."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = set(re.findall(r"^### (D\d+) ", (ROOT / "docs" / "ARCHITECTURE.md").read_text(), flags=re.MULTILINE))
INVARIANTS = set(re.findall(r"^\| (I\d+b?) \|", (ROOT / "docs" / "RELIABILITY.md").read_text(), flags=re.MULTILINE))
POINTER = re.compile(
    r"\b([DI]\d+b?)\b|§ ?[\d.]+|\b(?:DESIGN|RELIABILITY|VENUES|PERFORMANCE|PRODUCT|ALGORITHMS) [A-Z§]\w*\d"
)


def pointers(text: str) -> set[str]:
    """Decisions, invariants, and sections of pages: the last are never here, our own pages number none."""
    return {found.group(0) for found in POINTER.finditer(text)}


def comments(path: Path) -> str:
    """Comments and docstrings, roughly: every line that is not plainly code."""
    text = path.read_text()
    return "\n".join([*re.findall(r'"""(.*?)"""', text, flags=re.DOTALL), *re.findall(r"#(.*)", text)])


def test_every_decision_and_invariant_named_in_the_code_is_on_a_page():
    """Who follows a comment finds what it names; a section of a page that is not here is put into words."""
    here = DECISIONS | INVARIANTS
    dead = {
        f"{path.relative_to(ROOT)}: {pointer}"
        for folder in ("router", "connectors", "policies", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__)
        for pointer in pointers(comments(path)) - here
    }

    assert sorted(dead) == []


def test_a_dead_pointer_is_seen():
    """The rule is able to fail, and the pages are not empty by accident."""
    assert pointers("as D2 says, and I3b, see §2.1 and DESIGN D99") == {"D2", "I3b", "§2.1", "DESIGN D99"}
    assert {"D1", "D60"} <= DECISIONS
    assert {"I1", "I3b", "I18"} <= INVARIANTS
