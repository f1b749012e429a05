"""Binance US: Binance's spot protocol at other hosts, with less of it. Sources: `binance`, docs.binance.us.

ccxt's class keeps the addresses of binance.com wherever it was given none, and signs a user stream's subscription for
that host: the websocket API's address is set here. Fees are told by the account, key powers by nobody.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro
from ccxt.async_support.base.ws.client import Client

from connectors.budget import NS_PER_S, Limit
from connectors.ccxt_venue.binance import Binance
from connectors.ccxt_venue.clients import Adapted, Json
from connectors.ccxt_venue.dialect import Ask, Desk
from connectors.ccxt_venue.mapping import number, row
from connectors.settings import VenueSettings
from router.model.keys import KeyPowers

_WEBSOCKET_API = "wss://ws-api.binance.us:443/ws-api/v3"


class BinanceusClient(Adapted, ccxt.pro.binanceus):  # type: ignore[misc]
    """ccxt's Binance US; see `BinanceClient`."""

    def handle_order_book_subscription(self, client: Client, message: Json, subscription: Json) -> None:
        """Nothing: books are ours."""


class Binanceus(Binance):
    """The dialect: Binance's, where nothing else is said."""

    client_class: type[Adapted] = BinanceusClient
    # exchangeInfo of 2021-08-14: 1200 of weight a minute, 100 orders in ten seconds, 200000 a day.
    limits = (
        Limit(name="request weight", units=1200, per_ns=60 * NS_PER_S, reserved=240, by_ip=True),
        Limit(name="orders per 10 s", units=100, per_ns=10 * NS_PER_S, reserved=0),
        Limit(name="orders per day", units=200_000, per_ns=86_400 * NS_PER_S, reserved=0),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot only; the private stream at this venue's own host."""
        options = super().options(settings)
        if settings.loopback is not None:
            return options
        return {**options, "urls": {"api": {"ws": {"ws-api": {"spot": _WEBSOCKET_API}}}}}

    async def taker_fees_bps(self, ask: Ask, _desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """One rate for all symbols: the account's, in basis points."""
        account = row(await ask("privateGetAccount", {}))
        return dict.fromkeys(symbols, number(account, "takerCommission"))

    async def key_powers(self, _ask: Ask) -> KeyPowers:
        """Not told."""
        return KeyPowers()
