"""Whom we talk to is proved before a byte of an order leaves: a handshake that fails is an order not sent."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.ccxt_venue import wire
from connectors.ccxt_venue.calls import CallKind
from tests.connectors.rig import WallClock

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def certificate(folder, name="venue", address="127.0.0.1", until=NOW + DAY):
    """A certificate that vouches for itself: with it as the operator's own authority, it is believed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def venue(path, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"):
    """A server under that certificate, and the requests it heard."""
    heard = []

    async def serve(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            writer.transport.abort()
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the server's side of a handshake that was refused
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/order", heard
    finally:
        server.close()
        await asyncio.sleep(0)


async def transmitted(url, trusted) -> tuple[wire.Transmission, BaseException | None]:
    """One order over a session of ours."""
    transmission = wire.Transmission(CallKind.PLACE)
    session = wire.open_session(WallClock(), wire.certificates(trusted))
    raised = None
    try:
        with wire.carrying(transmission):
            async with session.post(url, data=b"{}") as response:
                await response.read()
    except aiohttp.ClientError as error:
        raised = error
    finally:
        await session.close()
    return transmission, raised


async def test_a_venue_that_proves_who_it_is_gets_the_order(tmp_path):
    """By the operator's own authority."""
    path = certificate(tmp_path)
    async with venue(path) as (url, heard):
        transmission, raised = await transmitted(url, str(path))
    assert raised is None
    assert transmission.sent_ns is not None
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("made", "trusts_it"),
    [({}, False), ({"until": NOW - DAY}, True), ({"address": "127.0.0.2"}, True)],
    ids=["nobody vouches for it", "expired", "of another host"],
)
async def test_a_venue_that_does_not_gets_nothing(tmp_path, made, trusts_it):
    """Not one byte of the request: the order is provably not sent."""
    path = certificate(tmp_path, **made)
    async with venue(path) as (url, heard):
        transmission, raised = await transmitted(url, str(path) if trusts_it else None)
    assert isinstance(raised, aiohttp.ClientConnectorCertificateError)
    assert not transmission.reached_wire
    assert heard == []


async def test_a_connection_that_breaks_after_the_handshake_proves_nothing(tmp_path):
    """The order left."""
    path = certificate(tmp_path)
    async with venue(path, answer=None) as (url, heard):
        transmission, raised = await transmitted(url, str(path))
    assert raised is not None
    assert transmission.reached_wire
    assert transmission.status is None
    assert len(heard) == 1
