"""The tables people query. They follow the journal and can be thrown away and rebuilt from it at any time.

The two of the market record are the exception: they stand beside it.

`seq` on a row is the journal row it was last changed by. `at_ns` and its kin are UTC nanoseconds. Columns that hold
JSON are text in the codec's canonical spelling.
"""

from decimal import Decimal
from typing import cast

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text
from sqlmodel import Field, SQLModel

from router.store.money_text import MoneyText


def _money(*, nullable: bool = False) -> Column[Decimal]:
    return Column(MoneyText, nullable=nullable)


def _big(*, nullable: bool = False, index: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=nullable, index=index)


def _text(*, nullable: bool = False) -> Column[str]:
    return Column(Text, nullable=nullable)


class ParentTable(SQLModel, table=True):
    """A parent as it was given, and where it stands. What it did is the sum of its fills."""

    __tablename__ = "parent"
    __table_args__ = (Index("ix_parent_entity_ref", "entity", "ref_id"), Index("ix_parent_state", "state"))

    id: str = Field(primary_key=True)
    entity: str
    ref_id: str
    instrument: str
    side: str
    quantity: Decimal = Field(sa_column=_money())
    limit_price: Decimal | None = Field(sa_column=_money(nullable=True))
    policy: str
    order_json: str = Field(sa_column=_text())
    principal: str
    state: str
    reason: str = Field(sa_column=_text())
    accepted_ns: int = Field(sa_column=_big(index=True))
    updated_ns: int = Field(sa_column=_big())
    seq: int = Field(sa_column=_big())


class ChildTable(SQLModel, table=True):
    """An intent and what became of it. `executed` is what the venue says; `reserved` is what it may use up."""

    __tablename__ = "child"
    __table_args__ = (Index("ix_child_parent", "parent_id"), Index("ix_child_state", "state"))

    client_id: str = Field(primary_key=True)
    parent_id: str
    entity: str
    number: int
    venue: str
    account: str
    listing_id: str
    symbol: str
    base: str
    quote: str
    side: str
    quantity: Decimal = Field(sa_column=_money())
    limit_price: Decimal = Field(sa_column=_money())
    time_in_force: str
    reserved_asset: str
    reserved: Decimal = Field(sa_column=_money())
    notional: Decimal = Field(sa_column=_money())
    copies: int
    state: str
    reason: str = Field(sa_column=_text())
    venue_order_id: str | None
    executed: Decimal | None = Field(sa_column=_money(nullable=True))
    decided_ns: int = Field(sa_column=_big())
    deadline_ns: int | None = Field(sa_column=_big(nullable=True))
    durable_ns: int | None = Field(sa_column=_big(nullable=True))
    """When the intent of the copy that was answered was on disk."""
    sent_ns: int | None = Field(sa_column=_big(nullable=True))
    """When that copy's first byte left."""
    updated_ns: int = Field(sa_column=_big())
    intended_seq: int = Field(sa_column=_big())
    seq: int = Field(sa_column=_big())


class FillTable(SQLModel, table=True):
    """A venue trade booked to a child, once."""

    __tablename__ = "fill"
    __table_args__ = (
        Index("ix_fill_parent", "parent_id"),
        Index("ix_fill_child", "client_id"),
        Index("ix_fill_account_time", "account", "venue_time_ns"),
    )

    booking_key: str = Field(primary_key=True)
    client_id: str
    parent_id: str
    entity: str
    account: str
    symbol: str
    quote: str
    trade_id: str
    venue_order_id: str
    side: str
    price: Decimal = Field(sa_column=_money())
    quantity: Decimal = Field(sa_column=_money())
    fees_json: str = Field(sa_column=_text())
    maker: bool | None
    venue_time_ns: int = Field(sa_column=_big())
    booked_ns: int = Field(sa_column=_big())
    seq: int = Field(sa_column=_big())


class DecisionTable(SQLModel, table=True):
    """One planning round. The view it was made on is the event of journal row `seq`."""

    __tablename__ = "decision"

    parent_id: str = Field(primary_key=True)
    round: int = Field(primary_key=True)
    entity: str
    at_ns: int = Field(sa_column=_big())
    due: Decimal = Field(sa_column=_money())
    residual: Decimal = Field(sa_column=_money())
    residual_reason: str | None = Field(sa_column=_text(nullable=True))
    all_in_cost: Decimal | None = Field(sa_column=_money(nullable=True))
    marginal_price: Decimal | None = Field(sa_column=_money(nullable=True))
    plan_json: str = Field(sa_column=_text())
    exclusions_json: str = Field(sa_column=_text())
    seq: int = Field(sa_column=_big())


class AlertTable(SQLModel, table=True):
    """Something a person should know: a breach, a gate, a halt, a stranger, a quarantine, a failed decision."""

    __tablename__ = "alert"
    __table_args__ = (Index("ix_alert_kind", "kind"),)

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    number: int = Field(primary_key=True)
    """Which fact of the journal row."""
    kind: str
    entity: str | None
    account: str | None
    subject: str | None
    """The child, parent or venue order it is about."""
    detail: str = Field(sa_column=_text())
    at_ns: int = Field(sa_column=_big())


class VenueAccountTable(SQLModel, table=True):
    """A venue account's gate, and how far its trades have been read."""

    __tablename__ = "venue_account"

    account: str = Field(primary_key=True)
    entity: str
    gate_open: bool
    reason: str = Field(sa_column=_text())
    gate_moved_ns: int | None = Field(sa_column=_big(nullable=True))
    trades_until_ns: int | None = Field(sa_column=_big(nullable=True))
    key_json: str = Field(sa_column=_text())
    """The newest check of its key; empty while there was none."""
    seq: int = Field(sa_column=_big())


class BalanceTable(SQLModel, table=True):
    """The venue's word on one asset of an account."""

    __tablename__ = "balance"

    account: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    entity: str
    total: Decimal = Field(sa_column=_money())
    free: Decimal = Field(sa_column=_money())
    asked_ns: int = Field(sa_column=_big())
    seq: int = Field(sa_column=_big())


class DifferenceTable(SQLModel, table=True):
    """What an account holds of an asset beyond what our books explain; negative where something is gone."""

    __tablename__ = "difference"

    account: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    entity: str
    expected: Decimal = Field(sa_column=_money())
    unexplained: Decimal = Field(sa_column=_money())
    since_ns: int = Field(sa_column=_big())
    seq: int = Field(sa_column=_big())


class CursorTable(SQLModel, table=True):
    """How far a follower of the journal has come."""

    __tablename__ = "cursor"

    name: str = Field(primary_key=True)
    shard: str = Field(primary_key=True)
    as_of_seq: int = Field(sa_column=_big())


class MarketBlockTable(SQLModel, table=True):
    """One block of the market record: compressed text, chained to the block before. Not rebuilt from anything."""

    __tablename__ = "market_block"
    __table_args__ = (Index("ix_market_block_until", "shard", "last_ns"),)

    shard: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    first_ns: int = Field(sa_column=_big())
    last_ns: int = Field(sa_column=_big())
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    previous: str = Field(sa_column=_text())
    hash: str = Field(sa_column=_text())


class MarketRecordTable(SQLModel, table=True):
    """Where the market record ends, and the last block that was taken away at its beginning (0: none)."""

    __tablename__ = "market_record"

    shard: str = Field(primary_key=True)
    head_seq: int = Field(sa_column=_big())
    head_hash: str = Field(sa_column=_text())
    cut_seq: int = Field(sa_column=_big())
    cut_hash: str = Field(sa_column=_text())


def core(table: type[SQLModel]) -> Table:
    """The table itself, as SQLAlchemy's own statements want it."""
    return cast("Table", table.__table__)  # type: ignore[attr-defined]


JOURNAL = Table(
    "journal",
    MetaData(),
    Column("shard", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("epoch", BigInteger),
    Column("at_ns", BigInteger),
    Column("kind", Text),
    Column("payload", Text),
    Column("hash", Text),
)
"""The journal, to read from. It is written by `router.store.base` and nothing else."""

FOLLOWING = (
    ParentTable,
    ChildTable,
    FillTable,
    DecisionTable,
    AlertTable,
    VenueAccountTable,
    BalanceTable,
    DifferenceTable,
)
"""Every table that is rebuilt from the journal."""
