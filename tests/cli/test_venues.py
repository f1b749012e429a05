"""`sor venues capabilities` tells what the map holds, to people and to programs."""

import json

from typer.testing import CliRunner

from connectors.ccxt_venue.capabilities import CAPABILITIES
from router.cli.commands import app


def sor(*words: str):
    return CliRunner().invoke(app, ["venues", *words])


def test_every_venue_is_listed_with_its_tier_and_fence():
    said = sor("capabilities", "--json")

    assert said.exit_code == 0
    listed = {one["venue"]: one for one in json.loads(said.stdout)}
    assert listed.keys() == CAPABILITIES.keys()
    assert (listed["kraken"]["tier"], listed["kraken"]["fence"]) == ("A", "DEADLINE")
    assert (listed["htx"]["tier"], listed["htx"]["outstanding_max"], listed["htx"]["replicas_max"]) == ("B", 1, 1)


def test_one_venue_is_told_in_full():
    """With every captured request in the JSON, and the traps for a person."""
    told = json.loads(sor("capabilities", "gate", "--json").stdout)
    said = sor("capabilities", "gate")

    assert any("text=<id>" in line for call in told["wire"] for line in call["sent"])
    assert "cancel-all" in said.stdout
    assert "wire-captured" in said.stdout


def test_a_table_for_people():
    said = sor("capabilities").stdout

    assert all(name in said for name in CAPABILITIES)


def test_a_venue_that_is_not_in_the_map_is_one_sentence():
    said = sor("capabilities", "itbit")

    assert said.exit_code == 2
    assert "itbit is not in the map" in said.output


def test_without_a_word_the_accounts_are_shown(tmp_path, monkeypatch):
    """`sor venues` stays what it was."""
    monkeypatch.chdir(tmp_path)

    assert [one["account"] for one in json.loads(sor("--json").stdout)] == [
        "binance/main",
        "kraken/main",
        "coinbase/main",
    ]
