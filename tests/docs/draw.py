"""Draw the child's lifecycle from its table into docs/ARCHITECTURE.md: `python -m tests.docs.draw`."""

from collections import defaultdict
from pathlib import Path

from router.model.orders import ChildState
from router.orders.lifecycle import TRANSITIONS, Cell

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ARCHITECTURE.md"
BEGIN = "<!-- drawn from router/orders/lifecycle.py by tests/docs/draw.py -->\n"
END = "<!-- end of drawing -->\n"


def diagram() -> str:
    """One arrow per pair of states, with everything that leads from the one to the other."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> PENDING_NEW: intent durable"]
    for state, row in TRANSITIONS.items():
        to: dict[str, list[str]] = defaultdict(list)
        for heard, target in row.items():
            if isinstance(target, ChildState) and target is not state:
                to[target.value].append(heard.value)
        lines += [f"    {state.value} --> {target}: {', '.join(heard)}" for target, heard in to.items()]
    lines += [f"    {state.value} --> [*]" for state in ChildState if state.ended]
    return "\n".join([*lines, "```\n"])


def anomalies() -> str:
    """What must never be heard, by state."""
    lines = ["| state | an anomaly there: nothing moves, the venue is suspended |", "|---|---|"]
    for state, row in TRANSITIONS.items():
        heard = [f"`{heard.value}`" for heard, target in row.items() if target is Cell.ANOMALY]
        if heard:
            lines.append(f"| `{state.value}` | {', '.join(heard)} |")
    return "\n".join([*lines, ""])


def drawing() -> str:
    """All that stands between the two marks."""
    return f"{BEGIN}\n{diagram()}\n{anomalies()}\n{END}"


def on_the_page() -> str:
    """What stands there now."""
    text = PAGE.read_text()
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().replace(on_the_page(), drawing()))
