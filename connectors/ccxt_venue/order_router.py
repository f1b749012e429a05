"""The installed `ccxt.OrderRouter`, driven as its own documentation says: for rehearsals beside this router only.

Nothing of it is changed or patched. It quotes from the service at `quotes` instead of the hosted one (its `baseUrl`),
and trades on the synchronous ccxt client of the venue, with the same hosts, keys and time-out as our own connector. Its
identity is given in both ways its documentation names: `idempotencyKey` for the instance, and a client order id in
`orderParams`, the same for every run of one reference.
"""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import ccxt
from ccxt.base.order_router import OrderRouter

from connectors.ccxt_venue.registry import dialect_of
from connectors.settings import VenueSettings

VERSION: str = ccxt.__version__
QUOTE_AGE_MS_MAX = 5_000
"""Its guard against old quotes, off by default; switched on here."""
UNABLE: Mapping[str, str] = {"gemini": "its synchronous client reads the rules of gemini from a web page"}
"""Protocols of the lab it cannot be driven on offline."""
_DASHED = frozenset({"coinbase", "kraken"})
_ID_PARAM = {"coinbase": "client_order_id"}
"""Where this ccxt drops `clientOrderId` and makes an id of its own, the venue's own name for it gets through."""

Json = Any


def execute(venue: VenueSettings, quotes: str, ref: str, quantity: Decimal, *, times: int) -> list[Json]:
    """Quote and buy `quantity` of the venue's listing, `times` with one instance: what it reports, or raises."""
    client = _client(venue)
    router = OrderRouter({"baseUrl": quotes, "venues": {venue.ccxt_id: client}})
    return [_once(router, venue, ref, quantity) for _ in range(times)]


def _once(router: OrderRouter, venue: VenueSettings, ref: str, quantity: Decimal) -> Json:
    [symbol] = venue.symbols
    base, _, quote = symbol.partition("/")
    try:
        route = router.fetch_route(quote, base, {"amountOut": float(quantity)})
        options = {
            "idempotencyKey": ref,
            "maxPlanAgeMs": QUOTE_AGE_MS_MAX,
            "orderParams": {_ID_PARAM.get(venue.ccxt_id, "clientOrderId"): client_id(venue.ccxt_id, ref)},
        }
        return router.execute(route, options)
    except Exception as error:  # noqa: BLE001 - it says what it will not do by raising; that is part of its report
        return {"raised": type(error).__name__, "message": str(error)[:200]}


def client_id(ccxt_id: str, ref: str) -> str:
    """The same for every run of a reference, in a form the venue takes."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, ref)
    return str(name) if ccxt_id in _DASHED else name.hex


def _client(venue: VenueSettings) -> Json:
    config = {
        **{name: secret.reveal() for name, secret in venue.credentials.items()},
        **dialect_of(venue.ccxt_id).options(venue),
        "timeout": venue.timeout_ms,
        "enableRateLimit": False,
    }
    return getattr(ccxt, venue.ccxt_id)(config)
