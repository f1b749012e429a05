"""Names of things. An id is a string with a type, so that a parent is never handed where a child is meant."""

from typing import NewType

EntityId = NewType("EntityId", str)
"""The legal owner of orders, balances and fills."""

VenueId = NewType("VenueId", str)
"""The exchange: `binance`, `kraken`, `coinbase`."""

AccountId = NewType("AccountId", str)
"""One set of keys at one venue, `venue/name`, e.g. `binance/main`. Balances, budgets and nonces live here."""

InstrumentId = NewType("InstrumentId", str)
"""What we trade, `BTC/USD`, whatever quote currency a listing of it uses."""

ListingId = NewType("ListingId", str)
"""One book of an instrument at one venue account, `binance/main:BTC/USDT`."""

Asset = NewType("Asset", str)

ParentId = NewType("ParentId", str)
"""Derived from (deployment, entity, reference); the same order has the same id in every process."""

RefId = NewType("RefId", str)
"""The customer's reference of a parent, unique for ever per entity."""

ClientOrderId = NewType("ClientOrderId", str)
"""The child's id: 32 lower-case hex digits, a UUIDv8 without hyphens. Each venue has an encoding of it."""

VenueOrderId = NewType("VenueOrderId", str)
TradeId = NewType("TradeId", str)

TimerId = NewType("TimerId", str)

Nanos = NewType("Nanos", int)
"""UTC, nanoseconds since 1970."""


def account_id(venue: VenueId, name: str) -> AccountId:
    """`binance`, `main` -> `binance/main`."""
    return AccountId(f"{venue}/{name}")


def listing_id(account: AccountId, symbol: str) -> ListingId:
    """`binance/main`, `BTC/USDT` -> `binance/main:BTC/USDT`."""
    return ListingId(f"{account}:{symbol}")
