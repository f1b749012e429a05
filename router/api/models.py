"""The shapes of queries and answers. Decimals are text, times RFC 3339 in UTC; the document is made from these."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from router.requests.fields import PAIR, Amount, Body, Moment, Name, Said

JsonObject = dict[str, Any]
Decimal = Annotated[str, Field(examples=["1.5"])]
When = Annotated[str, Field(examples=["2026-11-20T10:00:00.123456Z"])]
CURSOR = r"^[A-Za-z0-9_\-]{1,512}$"
T = TypeVar("T")


class Query(BaseModel):
    """What stands behind the question mark. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(Query):
    """Nothing does."""


class PageQuery(Query):
    """A page of a list, newest first or in its own order; `page_cursor` is `next_page_cursor` of the page before."""

    limit: int = Field(default=100, ge=1, le=500)
    page_cursor: Annotated[str, Field(pattern=CURSOR)] | None = None


class OrdersQuery(PageQuery):
    """Orders that fit everything given."""

    instrument: Annotated[str, Field(pattern=PAIR)] | None = None
    state: (
        Literal[
            "PENDING_APPROVAL",
            "ACCEPTED",
            "WORKING",
            "PAUSED",
            "CANCEL_PENDING",
            "FILLED",
            "DONE_PARTIAL",
            "CANCELLED",
            "EXPIRED",
            "REJECTED",
            "FAILED",
        ]
        | None
    ) = None
    open: bool = False
    created_at_gte: Moment | None = Field(default=None, alias="created_at.gte")
    created_at_lt: Moment | None = Field(default=None, alias="created_at.lt")


class SubmitQuery(Query):
    """`await_fill_millis`: wait so long for the order's end before answering."""

    await_fill_millis: int = Field(default=0, ge=0, le=10_000)


class BookQuery(Query):
    """Which ladder, and how deep."""

    instrument: Annotated[str, Field(pattern=PAIR)]
    depth: int = Field(default=10, ge=1, le=200)


class EventsQuery(Query):
    """Events after the one with this id, oldest first; from the journal's first row where none is named."""

    after: Annotated[str, Field(pattern=r"^[0-9]{1,18}-[0-9]{1,9}$")] | None = None
    limit: int = Field(default=100, ge=1, le=1_000)


class AmendTerms(Body):
    """Other terms of an order; what is not named stays as it is."""

    base_quantity: Amount | None = None
    limit_price: Amount | None = None
    end_time: Moment | None = None


class Empty(Body):
    """Nothing is said beside the path."""


class HaltOrder(Body):
    """Stop. `NEW`: no new child leaves, cancels and look-ups go on. `CANCEL_ALL`: every open order is cancelled too."""

    level: Literal["NEW", "CANCEL_ALL"] = "NEW"
    reason: Said


class ResumeOrder(Body):
    """Let everything go on, and say why."""

    reason: Said


class LogInBody(Body):
    """A person comes in. Without a code the roles that need a second factor are not in the session."""

    name: Name
    password: Annotated[str, Field(min_length=1, max_length=256)]
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None


class Shape(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class Report(BaseModel):
    """An answer that says what the command line's `--json` says, and may say more in a later release."""

    model_config = ConfigDict(extra="allow")


class Page(Shape, Generic[T]):
    """A page of a list. `next_page_cursor` is null at its end; the page after it is stable under what comes in."""

    items: list[T]
    next_page_cursor: str | None


class OrderLine(Report):
    """One line of the blotter. `state` is RECEIVED until a driver takes it, REFUSED where one could not."""

    ref_id: str
    parent_id: str | None
    instrument: str | None
    side: Literal["BUY", "SELL"] | None
    quantity: Decimal | None
    quote_value: Decimal | None
    limit_price: Decimal | None
    policy: str | None
    state: str
    reason: str
    accepted_at: When | None


class Order(OrderLine):
    """An order and what came of it. `version` goes into If-Match; null before a driver took it."""

    version: str | None
    entity: str
    order: JsonObject | None
    asked_at: When | None
    filled: Decimal
    remaining: Decimal | None
    in_doubt: bool
    fills: int
    fees: dict[str, Decimal]
    all_in_price: Decimal | None
    arrival_mid: Decimal | None
    arrival_slippage_bps: Decimal | None
    venues: list[JsonObject]
    ended_at: When | None
    as_of_seq: int


class Child(Report):
    """What was sent to a venue, and what became of it."""

    number: int
    client_id: str
    account: str
    symbol: str
    base: str
    quote: str
    quantity: Decimal
    limit_price: Decimal
    state: str
    reason: str
    not_sent: bool
    filled: Decimal
    copies: int
    venue_order_id: str | None
    decided_at: When
    durable_at: When | None
    sent_at: When | None
    filled_at: When | None
    booked_at: When | None


class Fee(Shape):
    """What a venue took."""

    asset: str
    amount: Decimal


class Fill(Shape):
    """A venue's trade, booked once."""

    booking_key: str
    client_id: str
    account: str
    symbol: str
    trade_id: str
    venue_order_id: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal
    quote: str
    fees: list[Fee]
    maker: bool | None
    traded_at: When
    booked_at: When


class Decision(Shape):
    """One planning round, in short."""

    round: int
    at: When
    due: Decimal
    children: int
    residual: Decimal
    residual_reason: str | None
    exclusions: dict[str, str]


class Explanation(Report):
    """One planning round: what was seen, planned, left out and why, beside what others would have done."""

    decision: str
    round: int
    at: When
    journal_seq: int
    journal_hash: str
    due: Decimal
    plan: list[JsonObject]
    residual: Decimal
    exclusions: dict[str, str]
    seen: JsonObject | None
    against: JsonObject | None


class Taken(Shape):
    """A request that is on disk. A driver takes it; what it comes to is seen in the order, or in the events."""

    kind: str
    key: str
    asked_at: When


class TakenAll(Shape):
    """So many orders are asked to stop."""

    halted: bool
    cancelled: list[str]
    asked_at: When


class HaltState(Shape):
    """May children leave? `why` and `at` of the halt that holds."""

    halted: bool
    why: str | None
    by: str | None
    at: When | None


class Estimate(Report):
    """What an order should come to now; `sor estimate --json` says the same."""

    estimate_id: str
    estimate: JsonObject
    instrument: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    policy: str
    at: When
    feasible: bool
    lines: list[JsonObject]
    planned: Decimal
    all_in_cost: Decimal
    all_in_price: Decimal | None
    residual: Decimal
    residual_reason: str | None
    exclusions: dict[str, str]
    fees: dict[str, Decimal]
    listings: list[JsonObject]


class Book(Report):
    """The consolidated ladder, all in, with the age of every book."""

    instrument: str
    at: When
    mid: Decimal | None
    asks: list[JsonObject]
    bids: list[JsonObject]
    listings: list[JsonObject]
    fx: list[JsonObject]


class Venue(Report):
    """A venue account: tier, fence, gate, books, key, holdings."""

    account: str
    mode: str
    tier: str
    symbols: dict[str, str]
    fence: str
    gate_open: bool | None
    gate_reason: str | None


class Balance(Report):
    """One asset of one account, and how old that is."""

    account: str
    asset: str
    total: Decimal
    free: Decimal
    reserved: Decimal
    in_doubt: Decimal
    unexplained: Decimal
    asked_at: When
    age_s: int


class Event(Report):
    """Something that happened, from the journal. `id` grows; after a loss go on from the last one you have."""

    id: str
    type: str
    at: When


class Events(Shape):
    """Events in order. `next_after` is where to go on, also when there was none."""

    items: list[Event]
    next_after: str


class Me(Shape):
    """Who asks, and as what."""

    name: str
    person: str
    roles: list[str]
    entities: list[str]
    second_factor: bool
    csrf: str | None
    mode: str
    deployment: str


class Session(Shape):
    """Somebody came in. The session is in the cookie; `csrf` goes into X-CSRF-Token with everything that changes."""

    csrf: str
    until: When
    second_factor: bool


class ChangeOut(Shape):
    """A proposal that takes another person."""

    id: str
    kind: str
    subject: str
    body: str
    state: str
    proposed_by: str
    proposed_at: When
    expires_at: When
    decided_by: str | None
    decided_at: When | None


class Resumed(Shape):
    """A resume that was taken, or (outside the lab) proposed."""

    taken: Taken | None
    change: ChangeOut | None


class Probe(Report):
    """Yes or no, and why not."""


class ProblemError(Shape):
    """One field that is wrong; `pointer` as RFC 6901 has it."""

    pointer: str
    message: str


class Problem(Shape):
    """RFC 9457. `code` is stable; `outcome` says what became of what was asked for."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    outcome: Literal["rejected", "accepted", "unknown"]
    retryable: bool
    errors: list[ProblemError]
    request_id: str
