"""The control surface: plain JSON over HTTP on its own port. What it shows is the venue's own truth, without lag.

    GET    /venues                          name, protocol, urls, accounts, rules, connections, redirects followed
    GET    /books?venue=&symbol=&depth=     bids and asks, best first
    GET    /orders?venue=[&account=][&symbol=][&client_id=][&open=1]
    GET    /trades?venue=[&account=][&symbol=][&order_id=]
    GET    /balances?venue=[&account=]
    POST   /deposit   {venue, asset, amount[, account][, listed]}   listed false: without a trace in the venue's lists
    POST   /key       {venue[, trade][, withdraw][, ip_restricted][, ledger]   what its keys may do
                      [, revoke][, give: {key, secret[, passphrase]}][, account]}   revoke true: none it had is good
    POST   /fee       {venue[, bps][, fee_in][, token, token_price][, listed]}   what trades cost from now on, a rebate
                      if negative, in a third asset while there is enough; listed: its fee endpoints tell that rate
    POST   /outside   {venue, symbol, bids: [[price, size]], asks: [...][, replace]}   replace: other levels go
    POST   /halt      {venue, symbol, halted}
    POST   /place     {venue, symbol, side, quantity, price[, tif][, client_id][, account]}   somebody trades by hand
    POST   /cancel    {venue, order_id[, account]}
    POST   /pause     {[venue]}      the world stands still, of one venue or of all
    POST   /resume    {[venue]}
    GET    /faults                          every rule given, how often its place came up, how often it fired
    POST   /faults    a rule or {rules: [...]}: {venue, fault[, match: {call, method, path_contains}][, after][, times]
                      [, probability][, seed][, params]}; venue "*" is every venue
    POST   /faults    {draw: {seed, count[, venues]}}   as many single faults, drawn from the seed
    DELETE /faults                          no rule stands any more; counters stay

Amounts are strings. A field that cannot be understood is refused with 400 and a sentence.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from typing import Protocol

from aiohttp import web

from connectors.lab.core import Charge, NewOrder, OrderRecord, Printed, Rejection, TimeInForce, TradeRecord
from connectors.lab.faults import Call, FaultCount, FaultDesk, FaultKind, FaultRule, draw_plan
from connectors.lab.http import ApiKey
from connectors.lab.venue import LabVenue
from router.model.instruments import FeeIn
from router.model.money import plain
from router.model.side import Side

_Body = Mapping[str, object]
_Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Controlled(Protocol):
    """What is controlled: a lab."""

    faults: FaultDesk

    @property
    def venues(self) -> Mapping[str, LabVenue]:
        """By name."""
        ...

    @property
    def paused(self) -> frozenset[str]:
        """Venues whose world stands still."""
        ...

    def pause(self, venue: str | None = None) -> None:
        """The world of one venue, or of all, stands still."""
        ...

    def resume(self, venue: str | None = None) -> None:
        """It goes on."""
        ...


class ControlSurface:
    """The HTTP door to a lab's own truth and to its faults."""

    def __init__(self, lab: Controlled) -> None:
        self._lab = lab
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self, port: int) -> None:
        """Listen on loopback; port 0 takes a free one."""
        app = web.Application()
        app.router.add_get("/venues", _asked(self._venues))
        app.router.add_get("/books", _asked(self._books))
        app.router.add_get("/orders", _asked(self._orders))
        app.router.add_get("/trades", _asked(self._trades))
        app.router.add_get("/prints", _asked(self._prints))
        app.router.add_get("/balances", _asked(self._balances))
        app.router.add_get("/faults", _asked(self._fault_counts))
        app.router.add_post("/deposit", _told(self._deposit))
        app.router.add_post("/key", _told(self._key))
        app.router.add_post("/fee", _told(self._fee))
        app.router.add_post("/outside", _told(self._outside))
        app.router.add_post("/halt", _told(self._halt))
        app.router.add_post("/print", _told(self._print))
        app.router.add_post("/place", _told(self._place))
        app.router.add_post("/cancel", _told(self._cancel))
        app.router.add_post("/pause", _told(self._pause))
        app.router.add_post("/resume", _told(self._resume))
        app.router.add_post("/faults", _told(self._add_faults))
        app.router.add_delete("/faults", _told(self._clear_faults))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    # Asked

    def _venues(self, _: Mapping[str, str]) -> object:
        return [
            {
                "venue": name,
                "protocol": venue.protocol,
                "url": venue.url,
                "ws_url": venue.ws_url,
                "accounts": sorted({key.account for key in venue.keys.values()}),
                "symbols": sorted(venue.exchange.symbols),
                "taker_fee_bps": plain(venue.exchange.rules.taker_fee_bps),
                "fee_in": venue.exchange.rules.fee_in.value,
                "duplicates": venue.exchange.rules.duplicates.value,
                "connections": len(venue.sessions),
                "redirects_followed": venue.redirects_followed,
                "late_requests": venue.late_requests,
                "paused": name in self._lab.paused,
            }
            for name, venue in self._lab.venues.items()
        ]

    def _books(self, query: Mapping[str, str]) -> object:
        venue, symbol = self._venue(query), self._symbol(query)
        bids, asks = venue.exchange.book(symbol, int(query.get("depth", 20)))
        return {
            "bids": [[plain(price), plain(size)] for price, size in bids],
            "asks": [[plain(price), plain(size)] for price, size in asks],
        }

    def _orders(self, query: Mapping[str, str]) -> object:
        venue = self._venue(query)
        found = [
            record
            for account in self._accounts(venue, query)
            for record in venue.exchange.orders(account, open_only="open" in query, symbol=query.get("symbol"))
            if query.get("client_id") in {None, record.client_id}
        ]
        return [_order(record) for record in found]

    def _trades(self, query: Mapping[str, str]) -> object:
        venue = self._venue(query)
        order_id = int(query["order_id"]) if "order_id" in query else None
        return [
            _trade(trade)
            for account in self._accounts(venue, query)
            for trade in venue.exchange.trades(account, symbol=query.get("symbol"), order_id=order_id)
        ]

    def _prints(self, query: Mapping[str, str]) -> object:
        venue, symbol = self._venue(query), self._symbol(query)
        return [_printed(printed) for printed in venue.exchange.prints(symbol)]

    def _balances(self, query: Mapping[str, str]) -> object:
        venue = self._venue(query)
        return {
            account: {
                asset: {"total": plain(held.total), "free": plain(held.free)}
                for asset, held in venue.exchange.balances(account).items()
            }
            for account in self._accounts(venue, query)
        }

    def _fault_counts(self, _: Mapping[str, str]) -> object:
        return [_count(count) for count in self._lab.faults.counts()]

    # Told

    def _deposit(self, body: _Body) -> object:
        venue = self._venue(body)
        held = venue.exchange.deposit(
            _account(venue, body),
            _text(body, "asset"),
            _amount(body.get("amount"), "amount"),
            now_ns=venue.now_ns(),
            listed=bool(body.get("listed", True)),
        )
        venue.touch()
        return {"total": plain(held.total), "free": plain(held.free)}

    def _key(self, body: _Body) -> object:
        venue, exchange = self._venue(body), self._venue(body).exchange
        if "give" in body or body.get("revoke"):
            self._change_keys(venue, body)
        said = {name: bool(body[name]) for name in ("trade", "withdraw", "ip_restricted", "ledger") if name in body}
        exchange.grants = replace(exchange.grants, **said)
        return asdict(exchange.grants)

    @staticmethod
    def _change_keys(venue: LabVenue, body: _Body) -> None:
        account = _account(venue, body)
        given = body.get("give")
        if body.get("revoke"):
            venue.revoke_keys(account)
        if isinstance(given, dict):
            passphrase = str(given.get("passphrase", ""))
            key, secret = _text(given, "key"), _text(given, "secret")
            venue.give_key(ApiKey(key=key, secret=secret, passphrase=passphrase, account=account))

    def _fee(self, body: _Body) -> object:
        exchange = self._venue(body).exchange
        rules = exchange.rules
        try:
            fee_in = FeeIn(str(body.get("fee_in", rules.fee_in.value)))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"fee_in: {error}") from error
        charge = Charge(
            bps=_amount(body.get("bps", rules.taker_fee_bps), "bps"),
            fee_in=fee_in,
            token=_text(body, "token") if body.get("token") else None,
            token_price=_amount(body.get("token_price", 1), "token_price"),
            token_bps=_amount(body["token_bps"], "token_bps") if body.get("token_bps") else None,
            told=bool(body.get("listed")),
        )
        exchange.charge = charge
        if body.get("listed"):
            for name, symbol in exchange.symbols.items():
                exchange.symbols[name] = replace(symbol, taker_fee_bps=charge.bps, maker_fee_bps=charge.bps)
        return {"bps": plain(charge.bps), "fee_in": charge.fee_in.value, "token": charge.token}

    def _outside(self, body: _Body) -> object:
        venue, symbol = self._venue(body), self._symbol(body)
        bids, asks = _levels(body, "bids"), _levels(body, "asks")
        change = venue.exchange.replace_outside if body.get("replace") else venue.exchange.set_outside
        change(symbol, bids, asks, venue.now_ns())
        venue.touch()
        return {}

    def _print(self, body: _Body) -> object:
        venue, symbol = self._venue(body), self._symbol(body)
        try:
            side = Side(str(body.get("side")))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"side: {error}") from error
        price, quantity = _amount(body.get("price"), "price"), _amount(body.get("quantity"), "quantity")
        venue.exchange.print_outside(symbol, side, price, quantity, venue.now_ns())
        venue.touch()
        return {}

    def _place(self, body: _Body) -> object:
        venue = self._venue(body)
        try:
            side, tif = Side(str(body.get("side"))), TimeInForce(str(body.get("tif", "GTC")))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"side, tif: {error}") from error
        order = NewOrder(
            symbol=self._symbol(body),
            side=side,
            quantity=_amount(body.get("quantity"), "quantity"),
            limit_price=_amount(body.get("price"), "price"),
            tif=tif,
            client_id=None if body.get("client_id") is None else str(body["client_id"]),
        )
        return _done(venue, venue.exchange.place(_account(venue, body), order, venue.now_ns()))

    def _cancel(self, body: _Body) -> object:
        venue = self._venue(body)
        order_id = int(_amount(body.get("order_id"), "order_id"))
        return _done(venue, venue.exchange.cancel(_account(venue, body), order_id, venue.now_ns()))

    def _halt(self, body: _Body) -> object:
        self._venue(body).exchange.set_halted(self._symbol(body), halted=bool(body.get("halted", True)))
        return {}

    def _pause(self, body: _Body) -> object:
        self._lab.pause(self._venue(body).name if "venue" in body else None)
        return {"paused": sorted(self._lab.paused)}

    def _resume(self, body: _Body) -> object:
        self._lab.resume(self._venue(body).name if "venue" in body else None)
        return {"paused": sorted(self._lab.paused)}

    def _add_faults(self, body: _Body) -> object:
        rules = self._drawn(body["draw"]) if "draw" in body else self._rules(body.get("rules", [body]))
        ids = []
        for rule in rules:
            rule_id = self._lab.faults.add(rule)
            ids.append(rule_id)
            for name, venue in self._lab.venues.items():
                if rule.venue in {name, "*"}:
                    venue.strike(rule, rule_id)
        return {"ids": ids}

    def _clear_faults(self, body: _Body) -> object:
        self._lab.faults.clear(int(_amount(body["id"], "id")) if "id" in body else None)
        return {}

    # Understanding

    def _rules(self, given: object) -> list[FaultRule]:
        if not isinstance(given, list):
            raise web.HTTPBadRequest(text="rules: a list is wanted")
        return [self._rule(one) for one in given]

    def _drawn(self, given: object) -> list[FaultRule]:
        if not isinstance(given, dict):
            raise web.HTTPBadRequest(text="draw: an object with seed and count is wanted")
        venues = [self._venue({"venue": name}).name for name in given.get("venues") or self._lab.venues]
        seed, count = _amount(given.get("seed"), "seed"), _amount(given.get("count"), "count")
        return list(draw_plan(int(seed), venues, int(count)))

    def _rule(self, given: object) -> FaultRule:
        if not isinstance(given, dict):
            raise web.HTTPBadRequest(text="rules: each is an object")
        if given.get("venue") != "*":
            self._venue(given)
        match = given.get("match") or {}
        times = given.get("times", 1)
        try:
            return FaultRule(
                venue=str(given["venue"]),
                fault=FaultKind(given["fault"]),
                call=Call(match.get("call", "any")),
                method=match.get("method"),
                path_contains=match.get("path_contains"),
                after=int(given.get("after", 0)),
                times=None if times is None else int(times),
                probability=float(given.get("probability", 1.0)),
                seed=int(given.get("seed", 0)),
                params=dict(given.get("params") or {}),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise web.HTTPBadRequest(text=f"fault rule: {error}") from error

    def _venue(self, fields: Mapping[str, object]) -> LabVenue:
        venue = self._lab.venues.get(str(fields.get("venue")))
        if venue is None:
            raise web.HTTPBadRequest(text=f"venue: one of {', '.join(self._lab.venues)} is wanted")
        return venue

    def _symbol(self, fields: Mapping[str, object]) -> str:
        venue, symbol = self._venue(fields), str(fields.get("symbol"))
        if symbol not in venue.exchange.symbols:
            raise web.HTTPBadRequest(text=f"symbol: one of {', '.join(venue.exchange.symbols)} is wanted")
        return symbol

    @staticmethod
    def _accounts(venue: LabVenue, query: Mapping[str, str]) -> Sequence[str]:
        return [query["account"]] if "account" in query else venue.exchange.accounts()


def _asked(answer: Callable[[Mapping[str, str]], object]) -> _Endpoint:
    async def serve(request: web.Request) -> web.Response:
        return web.json_response(answer(request.query))

    return serve


def _told(answer: Callable[[_Body], object]) -> _Endpoint:
    async def serve(request: web.Request) -> web.Response:
        text = await request.text()
        try:
            body = json.loads(text or "{}")
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"body: {error}") from error
        if not isinstance(body, dict):
            raise web.HTTPBadRequest(text="body: an object is wanted")
        return web.json_response(answer(body))

    return serve


def _done(venue: LabVenue, answer: OrderRecord | Rejection) -> dict[str, object]:
    """The order as it stands after a change by hand, or the venue's reason as a 400."""
    if isinstance(answer, Rejection):
        raise web.HTTPBadRequest(text=f"{answer.kind}: {answer.text}")
    venue.touch()
    return _order(answer)


def _account(venue: LabVenue, body: _Body) -> str:
    if body.get("account"):
        return str(body["account"])
    accounts = venue.exchange.accounts()
    if len(accounts) != 1:
        raise web.HTTPBadRequest(text="account: the venue has several, one must be named")
    return accounts[0]


def _text(body: _Body, field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise web.HTTPBadRequest(text=f"{field}: a text is wanted")
    return value


def _amount(value: object, field: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise web.HTTPBadRequest(text=f"{field}: a number is wanted, not {value!r}") from error
    if not amount.is_finite():
        raise web.HTTPBadRequest(text=f"{field}: a finite number is wanted")
    return amount


def _levels(body: _Body, field: str) -> list[tuple[Decimal, Decimal]]:
    levels = body.get(field, [])
    if not isinstance(levels, list) or any(not isinstance(level, list) or len(level) != 2 for level in levels):  # noqa: PLR2004
        raise web.HTTPBadRequest(text=f"{field}: a list of [price, size] is wanted")
    return [(_amount(price, field), _amount(size, field)) for price, size in levels]


def _order(record: OrderRecord) -> dict[str, object]:
    return {
        "order_id": record.order_id,
        "client_id": record.client_id,
        "account": record.account,
        "symbol": record.symbol,
        "side": record.side.value,
        "quantity": plain(record.quantity),
        "limit_price": None if record.limit_price is None else plain(record.limit_price),
        "tif": record.tif.value,
        "post_only": record.post_only,
        "status": record.status.value,
        "executed": plain(record.executed),
        "cost": plain(record.cost),
        "fees": {asset: plain(amount) for asset, amount in record.fees.items()},
        "placed_ns": record.placed_ns,
        "updated_ns": record.updated_ns,
    }


def _trade(trade: TradeRecord) -> dict[str, object]:
    return {
        "trade_id": trade.trade_id,
        "execution_id": trade.execution_id,
        "order_id": trade.order_id,
        "client_id": trade.client_id,
        "account": trade.account,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "price": plain(trade.price),
        "quantity": plain(trade.quantity),
        "fee_asset": trade.fee_asset,
        "fee": plain(trade.fee),
        "maker": trade.maker,
        "at_ns": trade.at_ns,
    }


def _printed(printed: Printed) -> dict[str, object]:
    return {
        "trade_id": printed.trade_id,
        "symbol": printed.symbol,
        "price": plain(printed.price),
        "quantity": plain(printed.quantity),
        "taker_side": printed.taker_side.value,
        "at_ns": printed.at_ns,
    }


def _count(count: FaultCount) -> dict[str, object]:
    return {
        "id": count.id,
        "venue": count.rule.venue,
        "fault": count.rule.fault.value,
        "call": count.rule.call.value,
        "matched": count.matched,
        "fired": count.fired,
    }
