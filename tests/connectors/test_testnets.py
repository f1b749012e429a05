"""In mode testnet a client knows the hosts of its test network and no other, and can reach no other."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.ccxt_venue import hosts
from connectors.ccxt_venue.assembly import _config, _make
from connectors.ccxt_venue.calls import Forbidden
from connectors.ccxt_venue.registry import DIALECTS, dialect_of
from connectors.ccxt_venue.wire import certificates
from router.model.errors import BadInput
from tests.capabilities.asking import settings_of
from tests.capabilities.capture import SYMBOL, offline

VENUES = sorted(hosts.TESTNETS)
CALLS: Mapping[str, tuple[Any, ...]] = {
    "create_order": (SYMBOL, "limit", "buy", 1, 1),
    "fetch_order": ("1", SYMBOL),
    "cancel_order": ("1", SYMBOL),
    "fetch_open_orders": (SYMBOL,),
    "fetch_my_trades": (SYMBOL,),
    "fetch_balance": (),
    "fetch_order_book": (SYMBOL,),
    "fetch_markets": (),
    "fetch_time": (),
}


def client_of(venue: str) -> Any:
    """As `assemble` makes one, without a session."""
    dialect, settings = dialect_of(venue), settings_of(venue, testnet=True)
    client = _make(dialect, settings, _config(dialect, settings, None, certificates(None)))  # type: ignore[arg-type]
    dialect.share(client)
    return client


def addresses(urls: Any, hostname: str) -> Iterator[str]:
    if isinstance(urls, Mapping):
        for each in urls.values():
            yield from addresses(each, hostname)
    elif isinstance(urls, str):
        yield urls.replace("{hostname}", hostname)


def live_addresses(venue: str) -> list[str]:
    """Every address ccxt itself has for the venue's API."""
    kind = DIALECTS[venue]().client_class
    described = kind.describe(object.__new__(kind))  # type: ignore[attr-defined]
    names = [described.get("hostname") or "", *(described["urls"].get("hostnames") or {}).values()]
    return [url for name in names for url in addresses(described["urls"]["api"], name) if "://" in url]


def test_every_venue_is_either_on_the_list_or_refused_with_a_reason():
    """None is forgotten, none is both."""
    assert hosts.TESTNETS.keys() | hosts.NO_TESTNET.keys() == DIALECTS.keys()
    assert not hosts.TESTNETS.keys() & hosts.NO_TESTNET.keys()
    for venue in hosts.NO_TESTNET:
        with pytest.raises(BadInput, match=f"needs a test network, and {venue} "):
            hosts.check_testnet(venue, streamed=False)


@pytest.mark.parametrize("venue", VENUES)
def test_a_client_knows_exactly_the_hosts_of_the_test_network(venue: str):
    """All of them, so that nothing is missing, and no other, wherever in ccxt's table it may stand."""
    client = client_of(venue)

    known = {urlsplit(url).hostname for url in addresses(client.urls, client.hostname or "")}

    assert known == hosts.TESTNETS[venue]


@pytest.mark.parametrize("venue", VENUES)
async def test_no_live_address_passes_the_guard(venue: str):
    """Neither a request nor a socket, to any address that ccxt has for the live venue."""
    client, live = client_of(venue), live_addresses(venue)

    assert live
    for url in live:
        with pytest.raises(Forbidden, match="is not a host of the test network"):
            await client.fetch(url)
        with pytest.raises(Forbidden, match="is not a host of the test network"):
            client.client(url)


@pytest.mark.parametrize("venue", VENUES)
async def test_every_call_is_built_for_the_test_network(venue: str):
    """What ccxt makes of the usual calls goes to no other host; what a test network lacks raises before it is sent."""
    client, sent = offline(venue, made=client_of(venue))

    for call, arguments in CALLS.items():
        with suppress(Exception):  # stopped in place of sending, or not offered by the venue
            await getattr(client, call)(*arguments)

    assert {urlsplit(each.url).hostname for each in sent} <= hosts.TESTNETS[venue]
    assert len(sent) >= 5
