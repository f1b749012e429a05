"""Planted keys: an order is traded with them, and with wrong ones, at log level debug; then everything is searched."""

import base64
import json
import pickle
import secrets
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.ccxt_venue import CcxtVenue
from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind
from connectors.lab.http import ApiKey
from connectors.lab.process import Lab
from connectors.lab.settings import LabVenueSettings
from router.app.execute import ExitCode
from router.config import load
from router.drill.stand import SEATS, lab_settings, set_books, urls_of, write_config
from router.model.errors import SorError
from router.runtime.clock import SystemClock
from tests.connectors.rig import Notes
from tests.e2e.desk import TIMINGS, Desk
from tests.e2e.truth import assert_venues_agree

WORD = f"canary{secrets.token_hex(12)}"
"""Stands in every key, so that any piece of one of them is found."""


def _pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


KEYS: Mapping[str, ApiKey] = {
    "binance": ApiKey(key=f"{WORD}Kb", secret=f"{WORD}Sb", account="main"),
    "kraken": ApiKey(key=f"{WORD}Kk", secret=base64.b64encode(f"{WORD}Sk".encode()).decode(), account="main"),
    "coinbase": ApiKey(key=f"organizations/{WORD}/apiKeys/{WORD}Kc", secret=_pem(), account="main"),
}


async def test_no_key_is_ever_seen(tmp_path: Path) -> None:
    """Not in the log at debug, not in what is printed, not in the database or its files; with and without trouble."""
    async with _lab() as lab, LabControl(lab.control_url) as control:
        await set_books(control)
        desk = _desk(tmp_path, lab, control)
        for number, fault in enumerate((FaultKind.HTML_200, FaultKind.ANSWER_LOST, FaultKind.HTTP_5XX)):
            await control.inject(SEATS[number].name, fault, call="place")
            await control.inject(SEATS[number].name, fault, call="balances", after=1, times=2)
        run = desk.execute("canary", desk.order(quantity="1.2"))
        assert await run.ended() == ExitCode.FILLED, run.said()
        await assert_venues_agree(control, desk.database_url)
        _plant_wrong_keys(desk.folder)
        refused = desk.execute("refused", desk.order("R2", "1.2", params={"rounds_max": 2}), wait_s=3)
        assert await refused.ended() != ExitCode.FILLED, refused.said()
    assert refused.said().count("debug") + run.said().count("debug") > 0, "the log is not at debug"
    assert _found_in(tmp_path) == []


async def test_settings_and_connectors_do_not_show_keys(tmp_path: Path) -> None:
    """`repr`, `str`, formats, pickles and errors, tracebacks with their local variables' values apart."""
    async with _lab() as lab, LabControl(lab.control_url) as control:
        desk = _desk(tmp_path, lab, control)
        config = load(desk.config)
        shown = [repr(config), str(config), f"{config}", f"{config.venues}"]
        for venue in config.venues:
            shown += [repr(venue), f"{venue.credentials}", json.dumps(venue.credentials, default=str)]
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(venue)
            wrong = replace(venue, credentials={**venue.credentials, "apiKey": type(venue.credentials["apiKey"])(WORD)})
            account = CcxtVenue(wrong, SystemClock())
            shown += [repr(account), str(account)]
            with pytest.raises(SorError) as failure:
                await account.start(Notes())
            shown += traceback.format_exception(failure.value)
            shown += [repr(failure.value), repr(failure.value.__context__), repr(failure.value.__cause__)]
    for text in shown:
        assert not [form for form in _forms() if form in text], text


def _lab() -> Lab:
    venues = tuple(LabVenueSettings(name=seat.name, protocol=seat.protocol, keys=(KEYS[seat.name],)) for seat in SEATS)
    return Lab(lab_settings(venues=venues))


def _desk(folder: Path, lab: Lab, control: LabControl) -> Desk:
    (folder / "secrets").mkdir()
    for name, key in KEYS.items():
        for part, text in (("key", key.key), ("secret", key.secret)):
            path = folder / "secrets" / f"{name}-{part}"
            path.touch(mode=0o600)
            path.write_text(text)
    config = write_config(folder, urls_of(lab), timings=TIMINGS, log={"level": "debug", "format": "json"})
    text = config.read_text()
    for name in KEYS:
        text = text.replace(f"    ccxt_id: {name}\n", f"    ccxt_id: {name}\n    keys: {_keys(name)}\n")
    config.write_text(text)
    assert text.count("keys:") == len(KEYS)
    return Desk(folder, config, f"sqlite:///{folder / 'sor.db'}", control, lab)


def _keys(name: str) -> str:
    return f"{{apiKey: {name}-key, secret: {name}-secret}}"


def _plant_wrong_keys(folder: Path) -> None:
    """Keys the venues do not know: refusals and whatever they are answered with get logged too."""
    for name in KEYS:
        path = folder / "secrets" / f"{name}-key"
        path.write_text(f"{path.read_text()}X")


def _forms() -> Iterator[str]:
    """The keys as they are, and as they could have been written by whoever did not know that they are keys."""
    yield WORD
    for key in KEYS.values():
        for text in (key.key, key.secret):
            yield from {text, quote(text, safe=""), text.replace("\n", "\\n"), base64.b64encode(text.encode()).decode()}
            yield from (line for line in text.splitlines() if len(line) > 20 and not line.startswith("-----"))


def _found_in(folder: Path) -> list[str]:
    """Where any form of a key stands, the secrets' own folder left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    assert {"sor.db", "canary.err", "canary.out", "refused.err"} <= {path.name for path in files}
    return [f"{path.name}: {form[:12]}..." for path in files for form in _forms() if form.encode() in path.read_bytes()]
