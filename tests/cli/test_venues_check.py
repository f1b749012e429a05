"""`sor venues check`: what going live rests on, asked of the venues themselves, and no order placed."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors.budget import NS_PER_S, Limit
from connectors.ccxt_venue.checkup import Checkup, _share
from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.app.findings import Finding, exit_code
from router.app.venues_check import check_venues
from router.cli.commands import app
from router.config import Config, load
from router.drill.stand import SEATS, set_books, urls_of, write_config
from router.model.errors import BadInput
from router.runtime.clock import SystemClock
from tests.e2e.rig import watched


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """Three venues; one takes less in its token, the clock of one is a minute off, of another no book is shown."""
    offsets = {"kraken": 60_000}
    venues = tuple(
        LabVenueSettings(name=seat.name, protocol=seat.protocol, clock_offset_ms=offsets.get(seat.name, 0))
        for seat in SEATS
    )
    async with Lab(LabSettings(venues=venues, static=True, breath_ms=50)) as running:
        async with LabControl(running.control_url) as control:
            await set_books(control, [seat for seat in SEATS if seat.name != "coinbase"])
            await control.charge("binance", bps="10", token="BNB", token_bps="7.5", listed=True)
        yield running


async def checked(config: Config, *, only: str | None = None, beside_driver: bool = False) -> tuple[Finding, ...]:
    return await check_venues(
        config, watched(), SystemClock(), only=only, beside_driver=beside_driver, measured={}, stream_s=1.0
    )


def verdicts(found: Sequence[Finding], venue: str) -> dict[str, str]:
    return {one.subject: one.verdict.value for one in found if one.account == f"{venue}/main"}


async def no_order(lab: Lab) -> bool:
    async with LabControl(lab.control_url) as control:
        return not [one for name in lab.venues for one in await control.orders(name)]


async def test_each_account_gets_its_lines(lab: Lab, tmp_path: Path):
    """A sound one has nothing to mend; a clock and a book that are not right fail by name; nothing was ordered."""
    found = await checked(load(write_config(tmp_path, urls_of(lab))))

    assert set(verdicts(found, "binance").values()) == {"OK"}
    subjects = "tier fence reachable clock key balances listing latency book".split()
    assert {*subjects, "client id", "key powers", "private stream"} <= verdicts(found, "binance").keys()
    assert [name for name, verdict in verdicts(found, "kraken").items() if verdict == "FAIL"] == ["clock"]
    assert [name for name, verdict in verdicts(found, "coinbase").items() if verdict == "FAIL"] == ["book"]
    [rules] = [one.says for one in found if one.account == "binance/main" and one.subject == "listing"]
    assert "taker 10 bp in received, 7.5 bp in BNB while there is enough of it" in rules
    assert exit_code(found, strict=False) == 1
    assert await no_order(lab)


async def test_a_key_that_does_not_work_fails_and_the_rest_is_judged(lab: Lab, tmp_path: Path):
    """What is public needs no key; the key is in no line."""
    path = write_config(tmp_path, urls_of(lab))
    (tmp_path / "secrets").mkdir()
    for name in ("k", "s"):
        (tmp_path / "secrets" / name).write_text("canary")
        (tmp_path / "secrets" / name).chmod(0o600)
    text = path.read_text()
    path.write_text(text.replace("    ccxt_id: binance\n", "    ccxt_id: binance\n    keys: {apiKey: k, secret: s}\n"))

    found = await checked(load(path), only="binance")

    told = verdicts(found, "binance")
    assert (told["key"], told["book"]) == ("FAIL", "OK")
    assert "private stream" not in told
    assert "canary" not in repr(found)


async def test_beside_a_driver_a_numbered_key_is_left_alone(lab: Lab, tmp_path: Path):
    """Kraken's nonces are the driver's: not one signed request is made. Others are looked at in a small share."""
    config = load(write_config(tmp_path, urls_of(lab)))
    found = [line for venue in ("kraken", "binance") for line in await checked(config, only=venue, beside_driver=True)]

    assert verdicts(found, "kraken")["key"] == "WARN"
    assert not lab.venues["kraken"]._gate._last_nonce
    assert "private stream" not in verdicts(found, "kraken")
    assert verdicts(found, "binance")["key"] == "OK"
    share = _share(Limit(name="x", units=1_200, per_ns=NS_PER_S, reserved=200))
    assert (share.units, share.reserved) == (100, 0)


async def test_a_check_cannot_place(lab: Lab, tmp_path: Path):
    """Not even when asked to."""
    config = load(write_config(tmp_path, urls_of(lab)))
    checkup = Checkup(config.venues[0], SystemClock(), beside_driver=False)

    with pytest.raises(Exception, match="a check places no orders"):
        await checkup.place(None, None, lambda: None)


async def test_an_unknown_venue_is_named(lab: Lab, tmp_path: Path):
    """With those there are."""
    with pytest.raises(BadInput, match="venue: okx is not configured; binance, coinbase, kraken are"):
        await checked(load(write_config(tmp_path, urls_of(lab))), only="okx")


def test_venues_that_are_not_there_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From a shell: exit code 1, and what to do about it."""
    monkeypatch.chdir(tmp_path)

    said: Any = CliRunner().invoke(app, ["venues", "check", "binance"])

    assert said.exit_code == 1
    assert "sor lab" in said.stdout
