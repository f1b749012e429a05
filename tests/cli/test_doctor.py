"""`sor doctor` sees what is wrong with a machine, one line each."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli.commands import app
from router.config import load
from router.model.events import HaltLevel
from router.model.facts import ChildMoved, HaltMoved, ParentTaken
from router.model.ids import Nanos
from router.model.orders import ChildState
from router.store import open_store
from tests.store import makers


def examined(*words: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    done = CliRunner().invoke(app, ["doctor", "--json", *words], catch_exceptions=False)
    found: dict[str, list[dict[str, Any]]] = {}
    for line in json.loads(done.stdout)["findings"]:
        found.setdefault(line["subject"], []).append(line)
    return done.exit_code, found


def verdicts(found: dict[str, list[dict[str, Any]]], subject: str) -> set[str]:
    return {line["verdict"] for line in found[subject]}


async def written(*facts: Any, holder: str | None = None) -> None:
    """Rows of a journal; with `holder`, somebody goes on driving."""
    config = load(None)
    store = await open_store(config.database_url, config.mode)
    lease = await store.take_lease(holder or "gone", 60_000)
    assert lease is not None
    if facts:
        await store.append([makers.row(fact) for fact in facts])
    if holder is None:
        await store.release_lease(lease)
    await store.close()


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder."""
    monkeypatch.chdir(tmp_path)


def test_a_fresh_machine_is_fit():
    """Nothing fails where nothing has run yet; the lab that is down is a warning, and with --strict a failure."""
    code, found = examined()

    assert code == 0
    assert verdicts(found, "ccxt") == {"OK"}
    assert "none yet" in found["database"][0]["says"]
    assert verdicts(found, "ports") == {"OK", "WARN"}
    assert examined("--strict")[0] == 1


def test_what_lies_in_the_database_is_told():
    """Who drives, how far the journal goes, what is in doubt, what a person must decide, and that it is halted."""
    moved = [
        ChildMoved(client_id=makers.client_id(number), state=state, at_ns=Nanos(1), reason="test")
        for number, state in ((1, ChildState.IN_DOUBT), (2, ChildState.QUARANTINED))
    ]
    halt = HaltMoved(level=HaltLevel.NEW, reason="lunch", principal="me", at_ns=Nanos(1))
    taken = ParentTaken(order=makers.parent(), at_ns=Nanos(1))
    asyncio.run(written(taken, makers.intended(1), makers.intended(2), *moved, halt, holder="host:7"))

    code, found = examined()

    assert code == 0
    assert "host:7 drives" in found["lease"][0]["says"]
    assert "last seq 6, the chain of the last 6 rows holds" in found["journal"][0]["says"]
    assert [line["says"] for line in found["children"]] == ["0 working", "1 IN_DOUBT", "1 QUARANTINED"]
    assert found["halt"][0]["says"] == "halted: lunch"
    assert "wal" in found["durability"][0]["says"]


def test_a_broken_chain_fails():
    """Found by the quick walk, and the row is named."""
    asyncio.run(written(*(makers.tick(number) for number in range(5))))
    with sqlite3.connect(".sor/lab.db") as database:
        database.execute("UPDATE journal SET at_ns = at_ns + 1 WHERE seq = 3")

    code, found = examined()

    assert code == 1
    assert "broken at 3" in found["journal"][0]["says"]


def test_a_database_of_another_schema_fails():
    """One line, and the rest of the machine is judged all the same."""
    asyncio.run(written())
    with sqlite3.connect(".sor/lab.db") as database:
        database.execute("UPDATE meta SET schema_version = 99")

    code, found = examined()

    assert (code, verdicts(found, "database")) == (1, {"FAIL"})
    assert "schema 99" in found["database"][0]["says"]
    assert "ports" in found


def test_a_secret_that_others_can_read_fails():
    """By its name; its content is nowhere."""
    folder = Path(".sor/secrets")
    folder.mkdir(parents=True, mode=0o700)
    (folder / "kraken-key").write_text("canary")
    (folder / "kraken-key").chmod(0o640)

    code, found = examined()

    assert code == 1
    assert [line["verdict"] for line in found["secrets"]] == ["OK", "FAIL"]
    assert found["secrets"][1]["mend"].startswith("chmod 600 ")
