"""The real processes: the first start's key, a killed server whose listeners miss nothing, a certificate."""

import asyncio
import datetime as dt
import json
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from router.config.load import http_settings
from router.config.schema import HttpSection
from router.model.errors import BadInput
from tests.api.rig import Client, Office, answered, order
from tests.api.test_stream import listen
from tests.e2e.desk import desk_at
from tests.waiting import eventually

PAPER = "mode: paper\ninstruments: [BTC/USD]\nvenues:\n  kraken: {symbols: {BTC/USD: BTC/USD}}\n"


@pytest.mark.asyncio(loop_scope="session")
async def test_beyond_this_machine_only_under_a_certificate(desk: Office, tmp_path: Path):
    """Refused without one; with one it answers, and the session's cookie is for such connections only."""
    with pytest.raises(BadInput, match="tls_cert: is needed"):
        http_settings(HttpSection(), tmp_path, "0.0.0.0:8791")
    with pytest.raises(BadInput, match="goes with tls_cert"):
        http_settings(HttpSection(tls_key=Path("k")), tmp_path, "127.0.0.1:0")
    key, cert = self_signed(tmp_path)
    with_tls = http_settings(HttpSection(tls_cert=cert, tls_key=key), tmp_path, "127.0.0.1:0")

    async with answered(desk.router, with_tls, desk.stand) as (client, directory):
        assert client.url.startswith("https://")
        await directory.add_user("tls", frozenset({"viewer"}), frozenset({"desk"}), "correct horse battery", "test")
        said = await client.ask("POST", "/v1/session", json={"name": "tls", "password": "correct horse battery"})
    assert "Secure" in said.headers["Set-Cookie"]
    with pytest.raises(BadInput, match="cannot be read with its key"):
        async with answered(desk.router, replace(with_tls, tls_key=cert), desk.stand):
            pass


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    (folder / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "key.pem", folder / "cert.pem"


@pytest.mark.nightly
async def test_a_first_start_shows_a_key_once_and_its_holder_makes_the_administrator(tmp_path: Path):
    """Printed and not logged anywhere else; it opens the door once to make somebody, and is over then."""
    (tmp_path / "config.yaml").write_text(PAPER)
    async with running(tmp_path, "api") as (url, said):
        [key] = re.findall(r"sork_[0-9a-f_]+", said())
        made = await sor(tmp_path, key, "users", "add", "boss", "--role", "admin", "--no-password", "--json")
        assert made["roles"] == ["admin"]
        again = await sor(tmp_path, key, "users", "add", "other", "--role", "admin", "--no-password", "--json")
        assert "is not known here" in again["error"]
        async with aiohttp.ClientSession() as session, session.get(f"{url}/v1/orders") as answer:
            assert answer.status == 401
    async with running(tmp_path, "api") as (_, said):
        assert "sork_" not in said()


async def sor(folder: Path, key: str, *words: str) -> dict[str, object]:
    command = (sys.executable, "-m", "router.cli", *words)
    environment = {**os.environ, "SOR_KEY": key}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    return dict(json.loads(out))


@asynccontextmanager
async def running(folder: Path, command: str) -> AsyncIterator[tuple[str, "object"]]:
    port = 20_000 + secrets.randbelow(20_000)
    log = folder / f"{command}-{port}.log"
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "router.cli", command, "--http", f"127.0.0.1:{port}"),
            cwd=folder,
            stdout=out,
            stderr=out,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await eventually(lambda: alive(url), within_s=60)
            yield url, log.read_text
        finally:
            process.terminate()
            assert await process.wait() == 0


async def alive(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/livez") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@pytest.mark.nightly
async def test_a_killed_server_loses_no_event_and_no_order(tmp_path: Path):
    """Killed with -9 while a listener is on; with its last id it hears the rest, each event once."""
    port = 20_000 + secrets.randbelow(20_000)
    arguments = ("serve", "--http", f"127.0.0.1:{port}")
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk, aiohttp.ClientSession() as session:
        client = Client(f"http://127.0.0.1:{port}", session)
        first = desk.sor("first", *arguments)
        await eventually(lambda: ready(client), within_s=60)
        heard, last_id = [], None
        stream = listen(client)
        for number in range(3):
            assert (await client.post("/v1/orders", order(f"K{number}", "0.05"))).status == 201
        async for event in stream:
            last_id = event.get("id", last_id)
            heard.append(event)
            if event["type"] == "fill.booked":
                break
        first.process.kill()
        await first.ended()
        second = desk.sor("second", *arguments)
        await eventually(lambda: ready(client), within_s=60)
        await eventually(lambda: all_filled(client), within_s=60)
        async with asyncio.timeout(30):
            async for event in listen(client, last_id):
                heard.append(event)
                if sum(one["type"] == "order.moved" and one["state"] == "FILLED" for one in heard) == 3:
                    break
        snapshot, *told = [one for one in heard if one["type"] != "heartbeat"]
        fetched = (await client.get(f"/v1/events?limit=1000&after={snapshot['id']}")).data["items"]
        assert told == fetched[: len(told)]
        second.process.terminate()
        assert await second.ended() == 0, second.said()


async def ready(client: Client) -> bool:
    try:
        return (await client.get("/readyz")).status == 200
    except aiohttp.ClientError:
        return False


async def all_filled(client: Client) -> bool:
    return all([(await client.get(f"/v1/orders/K{number}")).data["state"] == "FILLED" for number in range(3)])
