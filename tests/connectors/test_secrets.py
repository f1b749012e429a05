"""A planted key is looked for everywhere it could leak to: logs at DEBUG, reprs, errors, recorded cassettes."""

import base64
import logging
import traceback
from pathlib import Path

import pytest
from aiohttp import web

from connectors.ccxt_venue import CcxtVenue, wire
from connectors.ccxt_venue.calls import Forbidden
from connectors.lab.faults import Call, FaultKind
from connectors.lab.http import ApiKey
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.model.errors import SorError
from router.model.ids import Nanos
from tests.connectors.rig import Notes, WallClock, child, place, settings_for, venue_at
from tests.waiting import eventually

CANARY = "canary5f1b2a77"
SECRETS = {
    "okx": CANARY * 4,
    "binance": CANARY * 4,
    "kraken": base64.b64encode((CANARY * 4).encode()).decode(),
    "coinbase": CANARY * 4,
    "bitstamp": CANARY * 4,
    "gemini": CANARY * 4,
    "bybit": CANARY * 4,
}


@pytest.fixture
async def lab(venue_name):
    keys = (ApiKey(key=f"account-key-{CANARY}", account="main", secret=SECRETS[venue_name], passphrase=f"p{CANARY}"),)
    venues = (LabVenueSettings(name=venue_name, protocol=venue_name, keys=keys),)
    async with Lab(LabSettings(venues=venues, static=True)) as running:
        yield running


async def test_nothing_logged_or_raised_holds_a_key(lab, control, venue_name, caplog):
    """A day's worth of trouble at DEBUG: orders, refusals, time-outs, lies, dead sockets, a venue that is gone."""
    caplog.set_level(logging.DEBUG)
    said = []
    account, notes = venue_at(lab, venue_name, timeout_ms=300), Notes()
    await account.start(notes)
    await eventually(lambda: notes.bids)
    try:
        for fault in (FaultKind.ANSWER_LOST, FaultKind.RESET_AFTER, FaultKind.HTML_200, FaultKind.REDIRECT):
            await control.inject(venue_name, fault, call=Call.PLACE)
            said.append(await place(account, child(venue_name, quantity="0.01")))
        said += [await place(account, child(venue_name)), await place(account, child(venue_name, quantity="500"))]
        await control.inject(venue_name, FaultKind.RESET_AFTER, call=Call.ANY, times=8)
        said.append(await account.look_up(child(venue_name), None))
        await control.clear_faults()
        await control.inject(venue_name, FaultKind.HTTP_5XX, call=Call.BALANCES, times=None)
        with pytest.raises(SorError) as caught:
            await account.read_account(Nanos(0))
        said.append("".join(traceback.format_exception(caught.value)))
        snapshots = notes.snapshots
        await control.inject(venue_name, FaultKind.WS_KILL)
        await eventually(lambda: notes.lost and notes.snapshots > snapshots)
        await lab.venues[venue_name].stop()
        said.append(await place(account, child(venue_name)))
        said.append(await account.look_up(child(venue_name), None))
    finally:
        await account.stop()
    said += [repr(account), repr(account.settings), repr(account._clients), caplog.text]
    text = "\n".join(str(each) for each in said)
    assert CANARY not in text
    assert SECRETS[venue_name] not in text
    assert "signature=" not in text


async def test_a_wrong_key_is_told_without_showing_it(lab, control, venue_name):
    other = SECRETS[venue_name][:-8] + "AAAAAAA=" if venue_name == "kraken" else "x" + SECRETS[venue_name]
    credentials = {"apiKey": f"account-key-{CANARY}", "secret": other, "password": f"p{CANARY}"}
    account = CcxtVenue(settings_for(venue_name, lab.venues[venue_name].url, credentials), WallClock())
    with pytest.raises(SorError) as caught:
        await account.start(Notes())
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.binance.com/sapi/v1/capital/withdraw/apply",
        "https://api.kraken.com/0/private/Withdraw",
        "https://api.kraken.com/0/private/WalletTransfer",
        "https://api.coinbase.com/api/v3/brokerage/portfolios/move_funds",
        "https://api.binance.com/sapi/v1/asset/transfer",
        "https://www.okx.com/api/v5/asset/withdrawal",
        "https://www.okx.com/api/v5/asset/transfer",
        "https://api.bybit.com/v5/asset/withdraw/create",
        "https://api.bybit.com/v5/asset/transfer/inter-transfer",
    ],
)
def test_no_request_moves_money_out(url):
    with pytest.raises(Forbidden):
        wire.check_target(url, lab_only=False)


async def test_the_withdraw_call_of_ccxt_is_gone(venue, venue_name):
    for client in (venue._clients.orders, venue._clients.queries, venue._clients.streams):
        for call in (client.withdraw, client.transfer):
            with pytest.raises(Forbidden):
                await call("BTC", 1, "bc1q")


def test_a_lab_account_reaches_no_other_host():
    wire.check_target("http://127.0.0.1:9/api/v3/time", lab_only=True)
    with pytest.raises(Forbidden, match="not on this machine"):
        wire.check_target("https://api.binance.com/api/v3/time", lab_only=True)


async def test_only_the_book_client_has_no_keys(venue):
    assert not venue._clients.streams.apiKey
    assert not venue._clients.streams.secret


async def test_a_huge_body_is_cut_off():
    """30 MB instead of an answer: reading stops at the cap, and the copy is lost."""

    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(30):
            await response.write(b"x" * 1024 * 1024)
        return response

    app = web.Application()
    app.router.add_post("/order", flood)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    session = wire.open_session(WallClock(), wire.certificates(None))
    try:
        transmission = wire.Transmission(wire.CallKind.PLACE)
        with wire.carrying(transmission), pytest.raises(Exception, match="larger than"):
            async with session.post(f"http://127.0.0.1:{port}/order") as response:
                await response.text()
        assert transmission.sent_ns is not None
    finally:
        await session.close()
        await runner.cleanup()


def test_cassettes_hold_no_key_and_no_signature():
    cassettes = list((Path(__file__).parent / "cassettes").glob("*.yaml"))
    assert cassettes
    for cassette in cassettes:
        text = cassette.read_text()
        assert CANARY not in text
        for header in ("X-MBX-APIKEY", "API-Key", "API-Sign", "CB-ACCESS", "X-BAPI", "Authorization", "signature="):
            assert header not in text, f"{cassette.name}: {header}"
