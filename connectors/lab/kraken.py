"""Kraken, as unmodified ccxt clients see it: REST under /0, websocket v2 at /v2 (public) and /v2-private.

What sets it apart: AddOrder answers with a txid only; client ids are unique among open orders only, and found in the
open and closed lists, not by QueryOrders; an order may carry a deadline, which the engine checks; nonces must grow;
websocket numbers are bare JSON numbers under a CRC32.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from aiohttp import web

from connectors.lab.core import DuplicateRule, Exchange, MarketEvent, SymbolRules, VenueRules
from connectors.lab.faults import Call, FaultDesk, FaultKind, FaultRule
from connectors.lab.http import Answer, ApiKey, Ask, Route, ask_of
from connectors.lab.kraken_auth import Gatekeeper, parse_body
from connectors.lab.kraken_rest import TOKEN_SECONDS, KrakenRest, Refused, body_of
from connectors.lab.kraken_rest import Answer as Result
from connectors.lab.kraken_streams import KrakenStreams, params_of, parse
from connectors.lab.kraken_wire import dumps
from connectors.lab.sessions import Session
from connectors.lab.venue import LabVenue, Refusal
from router.model.instruments import FeeIn

_PUBLIC_CALLS = {
    "Time": Call.OTHER,
    "SystemStatus": Call.OTHER,
    "Assets": Call.MARKETS,
    "AssetPairs": Call.MARKETS,
    "Depth": Call.BOOK,
    "Trades": Call.PRINTS,
}
_PRIVATE_CALLS = {
    "AddOrder": Call.PLACE,
    "CancelOrder": Call.CANCEL,
    "CancelOrderBatch": Call.CANCEL,
    "CancelAllOrdersAfter": Call.TIMER,
    "QueryOrders": Call.ORDER,
    "OpenOrders": Call.OPEN_ORDERS,
    "ClosedOrders": Call.ORDERS,
    "TradesHistory": Call.TRADES,
    "QueryTrades": Call.TRADES,
    "Balance": Call.BALANCES,
    "BalanceEx": Call.BALANCES,
    "TradeVolume": Call.FEES,
    "GetApiKeyInfo": Call.OTHER,
    "Ledgers": Call.OTHER,
    "GetWebSocketsToken": Call.STREAM_KEY,
}


class KrakenVenue(LabVenue):
    """A Kraken on loopback."""

    protocol: ClassVar[str] = "kraken"
    id_fields: ClassVar[frozenset[str]] = frozenset({"txid"})

    def __init__(
        self,
        *,
        name: str,
        exchange: Exchange,
        keys: Sequence[ApiKey],
        faults: FaultDesk,
        clock_offset_ns: int = 0,
    ) -> None:
        super().__init__(name=name, exchange=exchange, keys=keys, faults=faults, clock_offset_ns=clock_offset_ns)
        self._rest = KrakenRest(exchange)
        self._streams = KrakenStreams(exchange, self._rest.pairs)
        self._gate = Gatekeeper(self.keys)
        self._tokens: dict[str, tuple[str, int]] = {}

    @classmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """The fee tier of an account that trades tens of millions a month; fees in quote currency."""
        return VenueRules(
            name=name,
            taker_fee_bps=Decimal(10),
            maker_fee_bps=Decimal(0),
            fee_in=FeeIn.QUOTE,
            duplicates=DuplicateRule.OPEN_ONLY,
            read_lag_ns=read_lag_ns,
            fee_digits=5,
        )

    @classmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """Bitcoin in dollars, and the dollar price of the stablecoins other venues quote in."""
        return (
            _symbol("BTC", "USD", tick="0.1", min_quantity="0.00005"),
            _symbol("USDT", "USD", tick="0.00001", min_quantity="5", fee_bps="8"),
            _symbol("USDC", "USD", tick="0.0001", min_quantity="5", fee_bps="8"),
        )

    @classmethod
    def default_keys(cls) -> tuple[ApiKey, ...]:
        """Kraken's secrets are base64."""
        secret = base64.b64encode(b"lab-kraken-secret").decode()
        return (ApiKey(key="lab-kraken-key", secret=secret, account="main"),)

    def routes(self) -> Sequence[Route]:
        """Every call is a path of its own; private ones are POST."""
        public = [
            Route(method="GET", path=f"/0/public/{name}", call=call, handler=self._on_public)
            for name, call in _PUBLIC_CALLS.items()
        ]
        private = [
            Route(method="POST", path=f"/0/private/{name}", call=call, handler=self._on_private)
            for name, call in _PRIVATE_CALLS.items()
        ]
        return [*public, *private]

    def sockets(self) -> Mapping[str, bool]:
        """At the real venue the two have hosts of their own."""
        return {"/v2": False, "/v2-private": True}

    def ws_opened(self, session: Session) -> None:
        """The venue's status comes first."""
        self._streams.greet(session)

    def ws_message(self, session: Session, text: str) -> None:
        """A subscription or a ping. What has happened so far goes out before a snapshot shows it."""
        self.flush()
        token = params_of(parse(text)).get("token")
        self._streams.receive(session, text, self._account_of(token), self.now_ns())

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Books, trades, executions, balances."""
        self._streams.publish(self.sessions, events, now_ns)

    def tick(self, now_ns: int) -> None:
        """Heartbeats."""
        self._streams.beat(self.sessions, now_ns)

    def not_found(self) -> Answer:
        """Kraken answers 200 to everything it understands as HTTP."""
        return _answer(Refused("EGeneral:Unknown method"))

    def too_many_requests(self) -> Answer:
        """In Kraken's words; the real venue says it with status 200."""
        return _answer(Refused("EAPI:Rate limit exceeded"))

    # REST

    def _on_public(self, ask: Ask) -> Answer:
        return _answer(self._rest.public(_call_of(ask), ask.query, ask.now_ns))

    def _on_private(self, ask: Ask) -> Answer:
        account = self._admitted(ask)
        call, fields = _call_of(ask), _fields_of(ask)
        if call == "GetWebSocketsToken":
            return _answer(self._new_token(account, ask.now_ns))
        return _answer(self._rest.private(account, call, fields, ask.now_ns))

    def _admitted(self, ask: Ask) -> str:
        error = self._gate.refuse(ask.path, ask.body, ask.headers, _fields_of(ask))
        if error is not None:
            raise Refusal(_answer(Refused(error)))
        return self.keys[ask.headers["API-Key"]].account

    async def _faulty(self, rule: FaultRule, route: Route, request: web.Request, body: bytes) -> web.StreamResponse:
        """A request held up on its way to the engine has passed the gate in time: its nonce is not stale."""
        if rule.fault is FaultKind.DELAY_REQUEST:
            ask = ask_of(request, body, self.now_ns())
            self._gate.admit_early(ask.path, ask.body, ask.headers, _fields_of(ask))
        return await super()._faulty(rule, route, request, body)

    # Websocket tokens

    def _new_token(self, account: str, now_ns: int) -> Result:
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (account, now_ns + TOKEN_SECONDS * 1_000_000_000)
        return {"token": token, "expires": TOKEN_SECONDS}

    def _account_of(self, token: object) -> str | None:
        """Whose token it is. One that has subscribed stays good for as long as the connection stands."""
        account, until_ns = self._tokens.get(str(token), (None, 0))
        return account if self.now_ns() < until_ns else None


def _symbol(base: str, quote: str, *, tick: str, min_quantity: str, fee_bps: str | None = None) -> SymbolRules:
    fee = None if fee_bps is None else Decimal(fee_bps)
    return SymbolRules(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal("0.00000001"),
        min_quantity=Decimal(min_quantity),
        min_notional=Decimal("0.5"),
        taker_fee_bps=fee,
        maker_fee_bps=fee,
    )


def _answer(result: Result) -> Answer:
    return Answer(text=dumps(body_of(result)))


def _call_of(ask: Ask) -> str:
    return ask.path.rpartition("/")[2]


def _fields_of(ask: Ask) -> dict[str, str]:
    return parse_body(ask.body, ask.headers.get("Content-Type", ""))
