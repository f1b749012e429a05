"""Puts one account's ccxt instances together: same markets, one nonce, limiter off."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from connectors.budget import NS_PER_MS, Budget
from connectors.ccxt_venue import hosts, wire
from connectors.ccxt_venue.calls import CallKind
from connectors.ccxt_venue.clients import Exchange
from connectors.ccxt_venue.dialect import Dialect
from connectors.ccxt_venue.mapping import Row
from connectors.ccxt_venue.redaction import quiet_ccxt
from connectors.settings import VenueSettings
from router.model.errors import SorError
from router.ports.clock import Clock

Json = Any
_PING_MS = 10_000
_SHARED_OPTIONS = ("marketsByAltname", "marketsByWsName")
_OF_BOOKS = frozenset({CallKind.BOOK, CallKind.CHECK, CallKind.PRINTS})
_OF_ORDERS = frozenset({CallKind.PLACE, CallKind.CANCEL, CallKind.TOUCH})


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """`orders` places, cancels and is kept warm; `queries` reads and has the private stream.

    `streams` reads books and `prints` public trades, each on sockets of its own.
    """

    orders: Exchange
    queries: Exchange
    streams: Exchange
    prints: Exchange
    sessions: tuple[aiohttp.ClientSession, ...]
    trusted: ssl.SSLContext
    retired: tuple[Exchange, ...] = ()
    """Those with a key that was replaced: what was under way with it may still end."""

    def of(self, kind: CallKind) -> Exchange:
        """The instance for a kind of call: polls never stand before an order."""
        if kind in _OF_ORDERS:
            return self.orders
        return self.streams if kind in _OF_BOOKS else self.queries

    async def load_markets(self) -> Mapping[str, Row]:
        """Read the markets once and share them."""
        source = self.queries
        await source.load_markets()
        for other in (self.orders, self.streams, self.prints):
            _share_markets(source, other)
        markets: Mapping[str, Row] = source.markets
        return markets

    def set_offset(self, offset_ns: int) -> None:
        """Let ccxt stamp requests with the venue's time (its option is ours minus theirs, in ms)."""
        for each in (self.orders, self.queries, self.streams, self.prints):
            each.options["timeDifference"] = -offset_ns // NS_PER_MS

    async def close(self) -> None:
        """Close the sockets of all."""
        for each in (self.prints, self.streams, self.queries, self.orders, *self.retired):
            await each.close()
        for session in self.sessions:
            await session.close()


def assemble(
    dialect: Dialect, settings: VenueSettings, clock: Clock, trusted: ssl.SSLContext, budget: Budget | None = None
) -> Clients:
    """Four instances of the venue's class. Those for public data have no keys.

    Orders have a pool of connections of their own: what was kept warm for them is not taken by a read or a stream.
    """
    quiet_ccxt()
    sessions = (wire.open_session(clock, trusted, budget), wire.open_session(clock, trusted, budget))
    for_orders, for_others = (_config(dialect, settings, session, trusted) for session in sessions)
    orders, queries = _private(dialect, settings, for_orders, for_others)
    return Clients(
        orders=orders,
        queries=queries,
        streams=_make(dialect, settings, for_others),
        prints=_make(dialect, settings, for_others),
        sessions=sessions,
        trusted=trusted,
    )


def with_new_key(clients: Clients, dialect: Dialect, settings: VenueSettings) -> Clients:
    """The same, with instances of the settings' key for what is private; over the connections that stand."""
    configs = [_config(dialect, settings, session, clients.trusted) for session in clients.sessions]
    orders, queries = _private(dialect, settings, *configs)
    for each in (orders, queries):
        _share_markets(clients.queries, each)
        if "timeDifference" in clients.queries.options:
            each.options["timeDifference"] = clients.queries.options["timeDifference"]
    return replace(clients, orders=orders, queries=queries, retired=(*clients.retired, clients.orders, clients.queries))


def _private(
    dialect: Dialect, settings: VenueSettings, for_orders: Mapping[str, Json], for_others: Mapping[str, Json]
) -> tuple[Exchange, Exchange]:
    keys = {name: secret.reveal() for name, secret in settings.credentials.items()}
    orders = _make(dialect, settings, {**for_orders, **keys})
    queries = _make(dialect, settings, {**for_others, **keys})
    dialect.share(orders, queries)
    return orders, queries


def _share_markets(source: Exchange, other: Exchange) -> None:
    other.set_markets(source.markets, source.currencies)
    other.options.update({key: source.options[key] for key in _SHARED_OPTIONS if key in source.options})


def _make(dialect: Dialect, settings: VenueSettings, config: Mapping[str, Json]) -> Exchange:
    exchange: Exchange = dialect.client_class(config, lab_only=settings.in_lab)
    if settings.testnet:
        hosts.to_testnet(exchange, settings.ccxt_id)
    if exchange.options.get("maxRetriesOnFailure"):
        message = f"{settings.venue}: this ccxt would sign and send an order again by itself"
        raise SorError(message)
    return exchange


def _config(
    dialect: Dialect, settings: VenueSettings, session: aiohttp.ClientSession, trusted: ssl.SSLContext
) -> dict[str, Json]:
    ours: dict[str, Json] = {
        "enableRateLimit": False,
        "timeout": settings.timeout_ms,
        "session": session,
        "ssl_context": trusted,
        "number": str,
        "aiohttp_trust_env": False,
        "timeout_on_exit": 0,
        "streaming": {"keepAlive": _PING_MS},
    }
    return _merged(_merged(ours, dialect.options(settings)), settings.client_options)


def _merged(base: Mapping[str, Json], over: Mapping[str, Json]) -> dict[str, Json]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
