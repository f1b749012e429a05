"""`sor config check` names everything that is wrong; `sor config diff` says what a difference means."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from router.app.version import VERSION
from router.cli.commands import app
from router.config import DEFAULT_TEXT, Config, load
from router.model.events import Stamped, Started
from router.model.facts import DriverStarted
from router.model.ids import Nanos
from router.ports import JournalRow
from router.store import open_store

CANARY = "hunter2-canary"


def sor(*words: str) -> tuple[int, Any, str]:
    done = CliRunner().invoke(app, ["config", *words, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout), done.output


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a configuration for two real venues in mode testnet, with changes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sor" / "secrets").mkdir(parents=True)
    for name in ("bybit-key", "bybit-secret"):
        secret = tmp_path / ".sor" / "secrets" / name
        secret.write_text(f"{CANARY}-{name}")
        secret.chmod(0o600)

    def _write(name: str = "config.yaml", **changes: Any) -> str:
        venue = {
            "symbols": {"BTC/USDT": "BTC/USD"},
            "keys": {"apiKey": "bybit-key", "secret": "bybit-secret"},
            **changes.pop("bybit", {}),
        }
        content = {
            "mode": "testnet",
            "database": f"postgresql://me:{CANARY}@db/sor",
            "instruments": ["BTC/USD"],
            "fx": {"USDT": {"declared": 1}},
            "venues": {"bybit": venue, **changes.pop("venues", {})},
            **changes,
        }
        (tmp_path / name).write_text(yaml.safe_dump(content))
        return name

    return _write


def test_a_sound_configuration_has_nothing_wrong(files):
    """Its secrets were read, and are not shown."""
    code, report, output = sor("check", "-c", files())

    assert (code, report["ok"], report["problems"], report["secrets_read"]) == (0, True, [], 2)
    assert CANARY not in output


def test_every_problem_is_named_not_just_the_first(files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Spelling, amounts, secrets, exchanges, rates and variables: one run names them all, each by its field."""
    (tmp_path / ".sor" / "secrets" / "bybit-key").chmod(0o644)
    monkeypatch.setenv("SOR_LIMTS__COLLAR_BPS", "3")
    config = files(
        bybit={"keys": {"apiKey": "bybit-key", "secret": "gone"}, "symbols": {"ETH/USDT": "BTC/USD"}, "tierr": "A"},
        venues={
            "kraken": {"symbols": {"BTC/USD": "BTC/USD"}, "loopback": "http://127.0.0.1:1"},
            "gemini": {"symbols": {"BTC/USD": "XRP/USD"}, "terms": {"fence": "DEADLINE"}},
        },
        fx={"USDT": {"declared": 1, "listings": ["bybit/main:BTC/USDT"]}},
        limits={"collar_bps": -1},
    )

    code, report, _ = sor("check", "-c", config)

    assert code == 2
    assert {one["field"] for one in report["problems"]} >= {
        "environment",
        "limits.collar_bps",
        "venues.bybit.tierr",
        "venues.bybit.keys.apiKey",
        "venues.bybit.keys.secret",
        "venues.bybit.symbols.ETH/USDT",
        "venues.kraken.loopback",
        "venues.kraken.ccxt_id",
        "venues.gemini.symbols.BTC/USD",
        "venues.gemini.terms.fence",
    }
    assert len({str(one) for one in report["problems"]}) == len(report["problems"])


def test_one_key_for_two_accounts_is_refused(files):
    """By the check and by whoever would start with it."""
    config = files(
        venues={"twin": {"ccxt_id": "bybit", "symbols": {"BTC/USDT": "BTC/USD"}, "keys": {"apiKey": "bybit-key"}}}
    )

    _, report, _ = sor("check", "-c", config)

    assert report["problems"] == [{"field": "venues.twin.keys.apiKey", "message": "is the key of venues.bybit too"}]
    assert CliRunner().invoke(app, ["verify", "-c", config]).exit_code == 2


def test_what_cannot_be_judged_is_said(files):
    """A file that is no YAML hides the rest; an unknown mode does, too."""
    for name, text in (("a.yaml", "mode: [lab"), ("b.yaml", "mode: lvie\ninstruments: [BTC/USD]\nvenues: {}\n")):
        Path(name).write_text(text)
        code, report, _ = sor("check", "-c", name)
        assert (code, report["partly"]) == (2, True)


def test_a_difference_is_told_with_its_meaning_and_no_secret(files):
    """Limits say which way they moved, venues come and go as one line, keys and passwords are masked."""
    gemini = {"symbols": {"BTC/USD": "BTC/USD"}}
    old = files("a.yaml", limits={"collar_bps": 100})
    new = files(
        "b.yaml",
        limits={"collar_bps": 150},
        database=f"postgresql://me:{CANARY}2@db/other",
        bybit={"keys": {"apiKey": "other-key", "secret": "bybit-secret"}},
        venues={"gemini": gemini},
    )

    code, report, output = sor("diff", old, new)

    changes = {one["field"]: one for one in report["changes"]}
    assert code == 0
    assert changes.keys() == {"database", "limits.collar_bps", "venues.bybit.keys.apiKey", "venues.gemini"}
    assert changes["limits.collar_bps"]["means"].endswith("looser than before")
    assert (changes["venues.gemini"]["before"], changes["venues.gemini"]["after"]) == (None, "configured")
    assert CANARY not in output
    assert "other-key" not in output


def test_against_the_defaults(files):
    """Only what was set by hand shows."""
    _, report, _ = sor("diff", files(limits={"collar_bps": 100}))

    fields = {one["field"] for one in report["changes"]}
    assert "limits.collar_bps" in fields
    assert "limits.day_notional_max" not in fields
    assert "venues.bybit.timeout_ms" not in fields


async def _start(config: Config) -> None:
    store = await open_store(config.database_url, config.mode)
    lease = await store.take_lease("somebody", 1_000)
    assert lease is not None
    started = Started(
        deployment=store.deployment,
        incarnation=1,
        epoch=lease.epoch,
        version=VERSION,
        instruments=config.instruments,
        terms=tuple(venue.terms for venue in config.venues),
        limits=config.limits,
    )
    stamped = Stamped(at_ns=Nanos(1), event=started)
    await store.append([JournalRow(stamped=stamped, facts=(DriverStarted(started=started),))])
    await store.close()


def test_against_what_the_database_was_last_started_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Before a start there is nothing to compare with; after it, only what was changed since."""
    monkeypatch.chdir(tmp_path)
    assert sor("diff", "--running")[0] == 1

    asyncio.run(_start(load(None)))
    assert sor("diff", "--running")[1]["changes"] == []

    Path("config.yaml").write_text(DEFAULT_TEXT.replace("collar_bps: 200", "collar_bps: 20"))
    [change] = sor("diff", "--running")[1]["changes"]
    assert (change["field"], change["before"], change["after"]) == ("limits.collar_bps", "200", "20")
    assert change["means"].endswith("tighter than before")
