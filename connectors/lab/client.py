"""A small client of the control surface: how tests and the demo ask a lab for its own truth."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import aiohttp

from connectors.lab.faults import Call, FaultKind

Levels = Sequence[tuple[str | Decimal, str | Decimal]]


class LabControl:
    """The control surface of one lab. `async with LabControl(url) as lab: ...`. Answers are its JSON as it came.

    Raises `aiohttp.ClientResponseError` when the surface refuses.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self._url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connection."""
        if self._session is not None:
            await self._session.close()

    async def venues(self) -> list[dict[str, Any]]:
        """What venues there are, and where."""
        return list(await self._call("GET", "/venues"))

    async def book(self, venue: str, symbol: str, depth: int = 20) -> dict[str, list[list[str]]]:
        """`bids` and `asks`, best first, as [price, size]."""
        return dict(await self._call("GET", "/books", {"venue": venue, "symbol": symbol, "depth": str(depth)}))

    async def orders(self, venue: str, **query: str) -> list[dict[str, Any]]:
        """All orders of all accounts, narrowed by `account`, `symbol`, `client_id`, `open`."""
        return list(await self._call("GET", "/orders", {"venue": venue, **query}))

    async def trades(self, venue: str, **query: str) -> list[dict[str, Any]]:
        """All trades of all accounts, narrowed by `account`, `symbol`, `order_id`."""
        return list(await self._call("GET", "/trades", {"venue": venue, **query}))

    async def prints(self, venue: str, symbol: str) -> list[dict[str, Any]]:
        """The newest public trades, oldest first: anybody's."""
        return list(await self._call("GET", "/prints", {"venue": venue, "symbol": symbol}))

    async def print_trade(
        self, venue: str, symbol: str, side: str, quantity: str | Decimal, price: str | Decimal
    ) -> None:
        """Strangers trade with each other; `side` BUY or SELL took. Changes no book."""
        body = {"venue": venue, "symbol": symbol, "side": side, "quantity": str(quantity), "price": str(price)}
        await self._call("POST", "/print", body=body)

    async def balances(self, venue: str, **query: str) -> dict[str, dict[str, dict[str, str]]]:
        """`total` and `free` by account and asset."""
        return dict(await self._call("GET", "/balances", {"venue": venue, **query}))

    async def deposit(
        self, venue: str, asset: str, amount: str | Decimal, account: str | None = None, *, listed: bool = True
    ) -> None:
        """Credit an account; debit with a negative amount. `listed`: does the venue's own list of such moves say so?"""
        body = {"venue": venue, "asset": asset, "amount": str(amount), "account": account, "listed": listed}
        await self._call("POST", "/deposit", body=body)

    async def grant(self, venue: str, **powers: bool) -> None:
        """Say what the keys of a venue may do: `trade`, `withdraw`, `ip_restricted`, `ledger`."""
        await self._call("POST", "/key", body={"venue": venue, **powers})

    async def change_key(
        self, venue: str, *, give: Mapping[str, str] | None = None, revoke: bool = False, account: str | None = None
    ) -> None:
        """Give out a key (`key`, `secret`, `passphrase`); with `revoke` no other opens the account any more."""
        body = {"venue": venue, "account": account, "revoke": revoke, **({} if give is None else {"give": dict(give)})}
        await self._call("POST", "/key", body=body)

    async def charge(self, venue: str, **charge: str | bool) -> None:
        """What trades cost from now on: `bps`, `fee_in`; `listed`: does the venue tell so?

        `token`, `token_price`, `token_bps`: what it costs while there is enough of a token.
        """
        await self._call("POST", "/fee", body={"venue": venue, **charge})

    async def set_book(
        self, venue: str, symbol: str, *, bids: Levels = (), asks: Levels = (), replace: bool = True
    ) -> None:
        """Set outside levels by hand; with `replace` all others are taken away."""
        body = {
            "venue": venue,
            "symbol": symbol,
            "bids": [[str(price), str(size)] for price, size in bids],
            "asks": [[str(price), str(size)] for price, size in asks],
            "replace": replace,
        }
        await self._call("POST", "/outside", body=body)

    async def halt(self, venue: str, symbol: str, *, halted: bool = True) -> None:
        """Stop, or start, taking orders in a symbol."""
        await self._call("POST", "/halt", body={"venue": venue, "symbol": symbol, "halted": halted})

    async def place(
        self,
        venue: str,
        symbol: str,
        side: str,
        quantity: str | Decimal,
        price: str | Decimal,
        *,
        tif: str = "GTC",
        client_id: str | None = None,
        account: str | None = None,
    ) -> dict[str, Any]:
        """Somebody trades by hand on the account: `side` BUY or SELL. Returns the order."""
        body = {
            "venue": venue,
            "symbol": symbol,
            "side": side,
            "quantity": str(quantity),
            "price": str(price),
            "tif": tif,
            "client_id": client_id,
            "account": account,
        }
        return dict(await self._call("POST", "/place", body=body))

    async def cancel(self, venue: str, order_id: int, account: str | None = None) -> dict[str, Any]:
        """Somebody cancels by hand. Returns the order."""
        body = {"venue": venue, "order_id": order_id, "account": account}
        return dict(await self._call("POST", "/cancel", body=body))

    async def pause(self, venue: str | None = None) -> None:
        """Let the world stand still, of one venue or of all."""
        await self._call("POST", "/pause", body={"venue": venue} if venue else {})

    async def resume(self, venue: str | None = None) -> None:
        """Let it go on."""
        await self._call("POST", "/resume", body={"venue": venue} if venue else {})

    async def inject(
        self,
        venue: str,
        fault: FaultKind | str,
        *,
        call: Call | str = Call.ANY,
        after: int = 0,
        times: int | None = 1,
        probability: float = 1.0,
        seed: int = 0,
        method: str | None = None,
        path_contains: str | None = None,
        **params: str | float | None,
    ) -> int:
        """Let a fault stand. Returns its id, under which `faults` counts it."""
        body = {
            "venue": venue,
            "fault": str(fault),
            "match": {"call": str(call), "method": method, "path_contains": path_contains},
            "after": after,
            "times": times,
            "probability": probability,
            "seed": seed,
            "params": params,
        }
        answer = await self._call("POST", "/faults", body=body)
        return int(answer["ids"][0])

    async def inject_drawn(self, seed: int, count: int, venues: Sequence[str] | None = None) -> list[int]:
        """Let a plan drawn from a seed stand. Returns the ids of its rules."""
        body = {"draw": {"seed": seed, "count": count, "venues": list(venues) if venues else None}}
        return list((await self._call("POST", "/faults", body=body))["ids"])

    async def faults(self) -> list[dict[str, Any]]:
        """Every rule ever given with `matched` and `fired`."""
        return list(await self._call("GET", "/faults"))

    async def clear_faults(self, rule_id: int | None = None) -> None:
        """End one rule, or all."""
        await self._call("DELETE", "/faults", body={} if rule_id is None else {"id": rule_id})

    async def _call(
        self, method: str, path: str, query: dict[str, str] | None = None, body: object | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        assert self._session is not None
        async with self._session.request(method, path, params=query, json=body) as response:
            if not response.ok:
                raise aiohttp.ClientResponseError(
                    response.request_info, (), status=response.status, message=await response.text()
                )
            return await response.json()
