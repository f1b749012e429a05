"""A venue's addresses in ccxt, moved: to a server on this machine, or to the venue's own test network.

A test network is a list of hosts that stands here, not whatever `set_sandbox_mode` leaves behind: that call keeps live
hosts for what a test network lacks, raises `TypeError` at venues that have none and then leaves them live, and sends
one venue's keys to another's test network. Every address whose host is not on the list is taken out of
the client, and the guard at the socket refuses it once more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from connectors.ccxt_venue.clients import Adapted, Exchange
from router.model.errors import BadInput, SorError

Json = Any

TESTNETS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "binance": frozenset(
            {"testnet.binance.vision", "stream.testnet.binance.vision", "ws-api.testnet.binance.vision"}
        ),
        "bybit": frozenset({"api-testnet.bybit.com", "stream-testnet.bybit.com"}),
        "coinbaseexchange": frozenset(
            {"api-public.sandbox.exchange.coinbase.com", "ws-feed-public.sandbox.exchange.coinbase.com"}
        ),
        "cryptocom": frozenset({"uat-api.3ona.co", "uat-stream.3ona.co"}),
        "gate": frozenset({"api-testnet.gateapi.io"}),
        "gemini": frozenset({"api.sandbox.gemini.com"}),
    }
)
"""The only hosts a client of mode testnet may reach, by venue: spot, as this ccxt's `urls.test` names them."""

WITHOUT_SOCKETS = frozenset({"gate"})
"""This ccxt names no test host for spot sockets: books and orders have to be polled."""

_ON_LIVE_HOSTS = "runs its demo on the live host and tells it apart by a header only: nothing would refuse a live order"
NO_TESTNET: Mapping[str, str] = MappingProxyType(
    {
        "binanceus": "has none: ccxt would send its keys to the test network of binance",
        "bitfinex": "has none with hosts of its own",
        "bitget": _ON_LIVE_HOSTS,
        "bitstamp": "has none that ccxt knows",
        "coinbase": "has none that ccxt knows",
        "htx": "has none that ccxt knows",
        "kraken": "has none for spot that ccxt knows",
        "kucoin": "has none that ccxt knows",
        "okx": _ON_LIVE_HOSTS,
    }
)
"""Why a venue cannot be traded on in mode testnet."""


def check_testnet(ccxt_id: str, *, streamed: bool) -> None:
    """Raise `BadInput` for a venue whose test network cannot be reached, or not in this way."""
    if ccxt_id not in TESTNETS:
        why = NO_TESTNET.get(ccxt_id, "is not known here")
        raise BadInput("ccxt_id", f"mode testnet needs a test network, and {ccxt_id} {why}")
    if streamed and ccxt_id in WITHOUT_SOCKETS:
        raise BadInput("books", f"must be `poll` in mode testnet: ccxt names no test host for the sockets of {ccxt_id}")


def told_of_testnet(ccxt_id: str) -> str:
    """What mode testnet does with a venue, in words."""
    if ccxt_id not in TESTNETS:
        return f"refused: {ccxt_id} {NO_TESTNET.get(ccxt_id, 'is not known here')}"
    how = ", books and orders polled" if ccxt_id in WITHOUT_SOCKETS else ""
    return f"{', '.join(sorted(TESTNETS[ccxt_id]))}{how}"


def to_testnet(exchange: Exchange, ccxt_id: str) -> None:
    """Leave an instance nothing but the addresses of its test network. Raises `SorError` when ccxt names none."""
    hosts, test = TESTNETS[ccxt_id], exchange.urls.get("test") or {}
    if ccxt_id == "cryptocom":  # whose sockets stand where ccxt never looks for them
        test = {**test, "ws": {name: test.get(name) for name in ("public", "private")}}
    kept = _only(test, hosts, str(exchange.hostname or ""))
    if not kept:
        message = f"this ccxt names no test network of {ccxt_id} that is known here"
        raise SorError(message)
    exchange.urls = {"api": kept}
    exchange.only_hosts = hosts


def _only(urls: Json, hosts: frozenset[str], hostname: str) -> Json:
    """The tree without any address that is not at one of these hosts; None where nothing is left."""
    if isinstance(urls, Mapping):
        kept = {name: _only(each, hosts, hostname) for name, each in urls.items()}
        return {name: each for name, each in kept.items() if each is not None} or None
    url = str(urls).replace("{hostname}", hostname)
    return url if urlsplit(url).hostname in hosts else None


def moved(client_class: type[Adapted], base: str) -> dict[str, Json]:
    """`urls.api` and the host names of a ccxt class, every one of them at `base` (`http://127.0.0.1:8701`)."""
    described = client_class.describe(object.__new__(client_class))  # type: ignore[attr-defined]
    target = urlsplit(base.rstrip("/"))
    urls = {"api": _moved(described["urls"]["api"], target.netloc)}
    names = described["urls"].get("hostnames")
    if isinstance(names, Mapping):
        urls["hostnames"] = dict.fromkeys(names, target.netloc)
    return {"urls": urls, "hostname": target.netloc}


def _moved(urls: Json, host: str) -> Json:
    if isinstance(urls, Mapping):
        return {name: _moved(each, host) for name, each in urls.items()}
    if not isinstance(urls, str) or "://" not in urls:
        return urls
    scheme, _, rest = urls.partition("://")
    path = rest.partition("/")[2]
    return f"{'ws' if scheme.startswith('ws') else 'http'}://{host}" + (f"/{path}" if path else "")
