"""An order from a file: the printed figures, and one sentence for a file that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli.commands import app

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "tca.example.json"


def tca(case: object) -> tuple[int, Any]:
    found = CliRunner().invoke(app, ["tca", "--input", "-", "--json"], input=json.dumps(case))
    return found.exit_code, json.loads(found.stdout)


def example() -> dict[str, Any]:
    return dict(json.loads(EXAMPLE.read_text()))


def test_the_printed_example() -> None:
    """W17, through the door that everybody's fills come in by."""
    code, report = tca(example())

    assert code == 0
    assert report["shortfall"]["bps"]["total"] == "11.43633333"
    executed = report["shortfall_executed_basis"]
    assert [executed[name] for name in ("delay", "trading", "opportunity", "fees", "total")] == [
        "54",
        "66",
        "25",
        "198.09",
        "343.09",
    ]
    arrival = next(one for one in report["benchmarks"] if one["name"] == "arrival mid")
    assert (arrival["slippage_bps"], arrival["all_in_bps"]) == ("2.44395565", "9.77915528")


def test_the_same_file_has_the_same_hash() -> None:
    """And another one another."""
    _, one = tca(example())
    _, again = tca(example())
    _, other = tca(example() | {"quantity": "6"})

    assert one == again
    assert one["record"] != other["record"]


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"quantity": "0"}, "quantity", "must be more than zero"),
        ({"ended_at": "2026-01-05T09:00:00Z"}, "ended_at", "is before decided_at"),
        ({"fills": [example()["fills"][0]] * 2}, "fills.1", "A-1 is given twice"),
        ({"slippage": "1"}, "slippage", "is not a field"),
        ({"tape": [{"venue": "a"}]}, "tape.0.symbol", "is missing"),
    ],
)
def test_a_file_that_is_wrong_names_its_field(changed: dict[str, Any], field: str, says: str) -> None:
    """Exit code 2."""
    code, report = tca(example() | changed)

    assert (code, report["field"]) == (2, field)
    assert says in report["error"]
