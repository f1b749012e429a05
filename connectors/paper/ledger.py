"""The file a paper account is kept in: what it was credited with, holds, ordered and traded.

SQLite in WAL mode with full synchronisation: what was committed is there after a kill of the process or of the machine.
Several processes may have the file open; a step is one immediate transaction, so they take turns. Money is text.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.lab.core import OrderRecord, OrderStatus, TimeInForce, TradeRecord
from router.model.errors import SorError
from router.model.money import plain
from router.model.side import Side

_VERSION = 1
_BUSY_S = 5.0

_SCHEMA = (
    "CREATE TABLE owner (account TEXT NOT NULL)",
    "CREATE TABLE deposit (asset TEXT PRIMARY KEY, amount TEXT NOT NULL, at_ns INTEGER NOT NULL)",
    "CREATE TABLE holding (asset TEXT PRIMARY KEY, total TEXT NOT NULL)",
    """CREATE TABLE placed (
        order_id INTEGER PRIMARY KEY, client_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
        quantity TEXT NOT NULL, limit_price TEXT NOT NULL, tif TEXT NOT NULL, status TEXT NOT NULL,
        executed TEXT NOT NULL, cost TEXT NOT NULL, placed_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL)""",
    "CREATE INDEX placed_by_client_id ON placed (client_id)",
    "CREATE INDEX placed_open ON placed (order_id) WHERE status = 'OPEN'",
    """CREATE TABLE trade (
        execution_id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES placed, client_id TEXT NOT NULL,
        symbol TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL,
        fee_asset TEXT NOT NULL, fee TEXT NOT NULL, maker INTEGER NOT NULL, at_ns INTEGER NOT NULL)""",
    "CREATE INDEX trade_by_order ON trade (order_id)",
    "CREATE INDEX trade_by_time ON trade (at_ns)",
)


class Ledger:
    """One account's file. Opened, used and closed by one thread. Raises `sqlite3.Error`, and `SorError` on opening."""

    def __init__(self, file: Path, account: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.account = account
        self._connection = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._prepare(file)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written inside is committed as one, or not at all; nobody else writes meanwhile."""
        with self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is of one moment."""
        with self._transaction("BEGIN"):
            yield

    def credit(self, deposits: Mapping[str, Decimal], now_ns: int) -> None:
        """Credit each asset unless it was credited before."""
        for asset, amount in deposits.items():
            row = (asset, plain(amount), now_ns)
            if self._connection.execute("INSERT OR IGNORE INTO deposit VALUES (?, ?, ?)", row).rowcount:
                self._hold({asset: self.holdings().get(asset, Decimal(0)) + amount})

    def holdings(self) -> dict[str, Decimal]:
        """The total of every asset."""
        return {row["asset"]: Decimal(row["total"]) for row in self._connection.execute("SELECT * FROM holding")}

    def deposits(self) -> dict[str, Decimal]:
        """What was credited, ever."""
        return {row["asset"]: Decimal(row["amount"]) for row in self._connection.execute("SELECT * FROM deposit")}

    def open_orders(self) -> tuple[OrderRecord, ...]:
        """Oldest first."""
        return self._orders("status = 'OPEN'")

    def orders_of(self, client_id: str) -> tuple[OrderRecord, ...]:
        """Every order that was ever placed under this id, oldest first."""
        return self._orders("client_id = ?", client_id)

    def trades_of(self, order_id: int) -> tuple[TradeRecord, ...]:
        """Of one order, oldest first."""
        return self._trades("order_id = ?", order_id)

    def trades_since(self, since_ns: int) -> tuple[TradeRecord, ...]:
        """Of the account, oldest first."""
        return self._trades("at_ns >= ?", since_ns)

    def next_id(self) -> int:
        """Above every id given out."""
        columns = (("order_id", "placed"), ("execution_id", "trade"))
        given = (self._connection.execute(f"SELECT max({name}) FROM {table}").fetchone()[0] for name, table in columns)  # noqa: S608
        return max(int(last or 0) for last in given) + 1

    def keep(
        self, orders: Iterable[OrderRecord], trades: Iterable[TradeRecord], holdings: Mapping[str, Decimal]
    ) -> None:
        """Orders as they stand now, trades that are new, totals as they are now."""
        self._connection.executemany(
            "INSERT INTO placed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET "
            "status = excluded.status, executed = excluded.executed, cost = excluded.cost, "
            "updated_ns = excluded.updated_ns",
            [_row_of_order(record) for record in orders],
        )
        self._connection.executemany(
            "INSERT INTO trade VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_row_of_trade(trade) for trade in trades]
        )
        self._hold(holdings)

    def _hold(self, holdings: Mapping[str, Decimal]) -> None:
        self._connection.executemany(
            "INSERT INTO holding VALUES (?, ?) ON CONFLICT (asset) DO UPDATE SET total = excluded.total",
            [(asset, plain(total)) for asset, total in holdings.items()],
        )

    def _orders(self, where: str, *values: object) -> tuple[OrderRecord, ...]:
        rows = self._connection.execute(f"SELECT * FROM placed WHERE {where} ORDER BY order_id", values)  # noqa: S608
        return tuple(_order(self.account, row) for row in rows)

    def _trades(self, where: str, *values: object) -> tuple[TradeRecord, ...]:
        rows = self._connection.execute(f"SELECT * FROM trade WHERE {where} ORDER BY execution_id", values)  # noqa: S608
        return tuple(_trade(self.account, row) for row in rows)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _prepare(self, file: Path) -> None:
        with self.writing():
            version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            if version == 0:
                for statement in _SCHEMA:
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO owner VALUES (?)", (self.account,))
                self._connection.execute(f"PRAGMA user_version = {_VERSION}")
                return
            if version != _VERSION:
                raise SorError(f"{file} is a paper account of version {version}; this release knows {_VERSION}")
            owner = self._connection.execute("SELECT account FROM owner").fetchone()[0]
            if owner != self.account:
                raise SorError(f"{file} is the paper account of {owner}, not of {self.account}")


def _row_of_order(record: OrderRecord) -> tuple[object, ...]:
    assert record.limit_price is not None
    return (
        record.order_id,
        record.client_id,
        record.symbol,
        str(record.side),
        plain(record.quantity),
        plain(record.limit_price),
        str(record.tif),
        str(record.status),
        plain(record.executed),
        plain(record.cost),
        record.placed_ns,
        record.updated_ns,
    )


def _row_of_trade(trade: TradeRecord) -> tuple[object, ...]:
    return (
        trade.execution_id,
        trade.order_id,
        trade.client_id,
        trade.symbol,
        str(trade.side),
        plain(trade.price),
        plain(trade.quantity),
        trade.fee_asset,
        plain(trade.fee),
        int(trade.maker),
        trade.at_ns,
    )


def _order(account: str, row: Any) -> OrderRecord:  # noqa: ANN401 - a row of the file
    return OrderRecord(
        order_id=row["order_id"],
        client_id=row["client_id"],
        account=account,
        symbol=row["symbol"],
        side=Side(row["side"]),
        quantity=Decimal(row["quantity"]),
        limit_price=Decimal(row["limit_price"]),
        tif=TimeInForce(row["tif"]),
        post_only=False,
        status=OrderStatus(row["status"]),
        executed=Decimal(row["executed"]),
        cost=Decimal(row["cost"]),
        placed_ns=row["placed_ns"],
        updated_ns=row["updated_ns"],
    )


def _trade(account: str, row: Any) -> TradeRecord:  # noqa: ANN401 - a row of the file
    return TradeRecord(
        trade_id=row["execution_id"],
        execution_id=row["execution_id"],
        order_id=row["order_id"],
        client_id=row["client_id"],
        account=account,
        symbol=row["symbol"],
        side=Side(row["side"]),
        price=Decimal(row["price"]),
        quantity=Decimal(row["quantity"]),
        fee_asset=row["fee_asset"],
        fee=Decimal(row["fee"]),
        maker=bool(row["maker"]),
        at_ns=row["at_ns"],
    )
