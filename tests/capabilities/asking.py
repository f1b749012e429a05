"""A dialect's own requests, built by ccxt and captured: what it asks, in which fields, and under which path."""

import decimal
from collections.abc import Mapping
from typing import Any

from connectors.ccxt_venue.dialect import Desk, Dialect
from connectors.ccxt_venue.htx import HtxClient
from connectors.ccxt_venue.mapping import names_of
from connectors.settings import Secret, VenueSettings
from router.model.ids import AccountId, InstrumentId, Nanos, VenueId, account_id, listing_id
from router.model.orders import ChildOrder, TimeInForce
from router.model.side import Side
from router.model.terms import Fence, VenueTerms
from tests.capabilities.capture import NOW_MS, OUR_ID, SYMBOL, Sent, Stopped, offline

ASKED_MOST = 40


class Nothing(list):  # type: ignore[type-arg]
    """An answer that holds nothing, whatever is looked for: an empty list, and an object all of whose parts are one."""

    def get(self, _name: str, _default: Any = None) -> "Nothing":
        return self

    def __getitem__(self, _name: Any) -> "Nothing":
        return self

    def items(self) -> tuple[()]:
        return ()

    keys = values = items


Mapping.register(Nothing)


def settings_of(venue: str, **changes: Any) -> VenueSettings:
    """An account with made-up keys and no address."""
    account = account_id(VenueId(venue), "main")
    terms = VenueTerms(
        account=account,
        fence=Fence.NONE,
        request_ttl_ms=1,
        engine_wait_ms=1,
        read_lag_ms=1,
        look_up_wait_ms=1,
        quarantine_after_ms=1,
    )
    fields: dict[str, Any] = {
        "ccxt_id": venue,
        "venue": VenueId(venue),
        "account": account,
        "symbols": {SYMBOL: InstrumentId("BTC/USD")},
        "terms": terms,
        "credentials": {"apiKey": Secret("k"), "secret": Secret("s")},
    }
    return VenueSettings(**{**fields, **changes})


def child_at(venue: str, **changes: Any) -> ChildOrder:
    """Buy 0.5 at 60000, now."""
    account = account_id(VenueId(venue), "main")
    fields: dict[str, Any] = {
        "client_id": OUR_ID,
        "parent_id": "P1",
        "entity": "acme",
        "number": 1,
        "venue": VenueId(venue),
        "account": account,
        "listing_id": listing_id(account, SYMBOL),
        "symbol": SYMBOL,
        "base": "BTC",
        "quote": "USDT",
        "side": Side.BUY,
        "quantity": decimal.Decimal("0.5"),
        "limit_price": decimal.Decimal(60000),
        "time_in_force": TimeInForce.IOC,
        "decided_at_ns": Nanos(NOW_MS * 1_000_000),
        "deadline_ns": Nanos((NOW_MS + 2000) * 1_000_000),
    }
    return ChildOrder(**{**fields, **changes})


class Offline:
    """A dialect over its own ccxt class, without a network."""

    def __init__(self, venue: str, dialect: Dialect) -> None:
        self.dialect = dialect
        options = {"enableRateLimit": False, "timeout_on_exit": 0, "number": str, **dialect.options(settings_of(venue))}
        self.exchange, self.sent = offline(venue, made=dialect.client_class(options, lab_only=False), settled=False)
        dialect.share(self.exchange)
        if isinstance(self.exchange, HtxClient):
            self.exchange.shared["accounts"] = [{"id": "1", "type": "spot", "info": {}}]  # read at the start
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        names = names_of(self.exchange.markets.values())
        self.desk = Desk(account=AccountId(f"{venue}/main"), names=names)

    async def ask(self, endpoint: str, params: Mapping[str, object]) -> Any:
        """Have ccxt build the request, and answer with nothing."""
        self.asked.append((endpoint, params))
        assert len(self.asked) < ASKED_MOST, "asks without end"
        try:
            with decimal.localcontext():
                await getattr(self.exchange, endpoint)(dict(params))
        except Stopped:
            pass
        return Nothing()

    async def place(self, child: ChildOrder, deadline: Any = None) -> list[Sent]:
        """Everything sent for one order."""
        params = dict(self.dialect.create_params(child, deadline))
        side = child.side.lower()
        try:
            with decimal.localcontext():
                await self.exchange.create_order(
                    child.symbol, "limit", side, str(child.quantity), str(child.limit_price), params
                )
        except Stopped:
            pass
        return self.sent
