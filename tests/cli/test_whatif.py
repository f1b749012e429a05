"""What-if cases from files: the printed figures, and one sentence for a case that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli.commands import app

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
HOUR: dict[str, Any] = {"quantity": "3.22", "lot": "0.01", "duration": "1h"}
IS_CASE = {
    "policy": "IS",
    "quantity": "1000000",
    "lot": "0.1",
    "duration": "5d",
    "params": {"slices": 5},
    "impact": {"sigma": "0.95", "epsilon": "0.0625", "eta": "0.0000025", "gamma": "0.00000025"},
}


def whatif(command: str, case: object) -> tuple[int, Any]:
    text = case if isinstance(case, str) else json.dumps(case)
    found = CliRunner().invoke(app, ["whatif", command, "--input", "-", "--json"], input=text)
    return found.exit_code, json.loads(found.stdout)


@pytest.mark.parametrize("command", ["schedule", "place"])
def test_the_examples_work(command: str) -> None:
    """Those that the schemas come with."""
    code, report = whatif(command, (SCHEMAS / f"whatif-{command}.example.json").read_text())

    assert code == 0
    assert report["quantity"] in {"1", "20"}


def test_a_share_of_volume() -> None:
    """W21: others trade 12, 8 and 20; the order is for less than all of it."""
    case = HOUR | {"policy": "POV", "params": {"target_rate": "0.1"}, "others": ["12", "8", "20"]}

    code, report = whatif("schedule", case)

    assert code == 0
    assert [one["quantity"] for one in report["slices"]] == ["1.33", "0.89", "1"]


def test_slices_that_rest_first() -> None:
    """Each is quoted in the middle of its quarter, and taken from 70 % of a quarter later on."""
    code, report = whatif("schedule", HOUR | {"policy": "PASSIVE_THEN_SWEEP", "params": {"slices": 4}})

    assert code == 0
    assert [one["quantity"] for one in report["slices"]] == ["0.8", "0.81", "0.81", "0.8"]
    assert [(one["at"][14:19], one["takes_from"][14:19]) for one in report["slices"]] == [
        ("07:30", "18:00"),
        ("22:30", "33:00"),
        ("37:30", "48:00"),
        ("52:30", "03:00"),
    ]


def test_least_shortfall() -> None:
    """W14: the paper's own trader."""
    code, report = whatif("schedule", IS_CASE | {"impact": IS_CASE["impact"] | {"risk_aversion": "0.000002"}})

    assert code == 0
    assert [one["quantity"] for one in report["slices"]] == ["571401.2", "245666", "106637.1", "48652.3", "27643.4"]
    assert report["expected_cost"] == "1140715.167"
    assert report["half_life_slices"].startswith("1.1816")


@pytest.mark.parametrize(
    ("command", "case", "field", "says"),
    [
        ("schedule", "[", "input", "is not JSON"),
        ("schedule", HOUR, "policy", "is missing"),
        ("schedule", HOUR | {"policy": "TWAP", "params": {"slices": 2}, "colour": 1}, "colour", "field of this case"),
        ("schedule", HOUR | {"policy": "TWAP", "params": {"slices": 0}}, "params.slices", "at least 1"),
        ("schedule", HOUR | {"policy": "TWAP", "params": {"slices": 2}, "quantity": 3}, "quantity", "must be text"),
        ("schedule", HOUR | {"policy": "TWAP", "params": {"slices": 2}, "lot": "0"}, "lot", "more than zero"),
        ("schedule", HOUR | {"policy": "POV", "params": {"target_rate": "0.1"}}, "others", "is missing"),
        ("schedule", HOUR | {"policy": "TWAP", "params": {"slices": 2}, "randomize": {}}, "randomize.seed", "missing"),
        ("place", {"quantity": "1"}, "lot", "is missing"),
    ],
)
def test_a_wrong_case_is_one_sentence(command: str, case: object, field: str, says: str) -> None:
    """It names the field; exit code 2."""
    code, report = whatif(command, case)

    assert code == 2
    assert report["field"] == field
    assert says in report["error"]


def test_queues_with_unlike_scenarios_are_refused() -> None:
    """So is a quantity between two lots."""
    case = json.loads((SCHEMAS / "whatif-place.example.json").read_text())

    code, report = whatif("place", case | {"quantity": "20.5"})
    assert (code, report["field"]) == (2, "quantity")

    case["queues"][1]["outflows"] = ["1"]
    code, report = whatif("place", case)
    assert (code, report["field"]) == (2, "queues.1.outflows")
