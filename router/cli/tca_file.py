"""An order from anywhere as a file, for `sor tca --input`: other systems' fills, or a check of ours."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from router.cli.case import Case, case_of
from router.cli.whatif_split import Currency, LevelBody, Symbol
from router.model.errors import BadInput
from router.model.ids import AccountId, Asset, InstrumentId, ListingId, VenueId, account_id, listing_id
from router.model.instruments import FeeIn, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.money import ONE, ZERO
from router.model.orders import Fee
from router.model.side import Side
from router.requests.fields import Amount, Body, Moment, Name, Signed, nanoseconds, text_only
from router.tca.record import Blind, ChildSeen, DecisionSeen, FillSeen, Instant, OrderRecord, TapePiece

_ACCOUNT = "main"
_MANY = 1_000_000
Key = Annotated[str, BeforeValidator(text_only), Field(min_length=1, max_length=256)]


class FeeBody(Body):
    """What a venue took; a rebate is negative."""

    asset: Currency
    amount: Signed


class FillBody(Body):
    """One execution: base, and quote per unit of it. `child` absent: nobody knows how it was sent."""

    id: Key
    child: Key | None = None
    quantity: Amount
    price: Amount
    quote: Currency
    fees: list[FeeBody] = Field(default_factory=list, max_length=16)
    maker: bool | None = None
    at: Moment


class ChildBody(Body):
    """One order at a venue. `round`: the decision it came from."""

    id: Key
    round: int = Field(ge=1, le=_MANY)
    venue: Name
    account: Name = _ACCOUNT
    symbol: Symbol
    quantity: Amount
    limit_price: Amount
    state: Name = "FILLED"
    decided_at: Moment
    sent_at: Moment | None = None
    copies: int = Field(default=1, ge=0, le=1_000)


class BookBody(Body):
    """What one listing showed when a decision was made, best levels first."""

    venue: Name
    account: Name = _ACCOUNT
    symbol: Symbol
    fee_bps: Signed = "0"
    fee_in: Literal["QUOTE", "BASE", "RECEIVED"] = "QUOTE"
    step: Amount = "0.00000001"
    min_quantity: Amount = "0"
    min_notional: Amount = "0"
    bids: list[LevelBody] = Field(default_factory=list, max_length=10_000)
    asks: list[LevelBody] = Field(default_factory=list, max_length=10_000)


class DecisionBody(Body):
    """One routing decision. `books` absent: what it saw was not kept. `marks`: the reporting currency is 1."""

    round: int = Field(ge=1, le=_MANY)
    at: Moment
    due: Amount | None = None
    books: list[BookBody] | None = Field(default=None, max_length=100)
    marks: dict[Currency, Amount] = Field(default_factory=dict)


class InstantBody(Body):
    """The consolidated best prices in reporting currency at a moment, and what other currencies were worth."""

    at: Moment
    bid: Amount | None = None
    ask: Amount | None = None
    marks: dict[Currency, Amount] = Field(default_factory=dict)


class TapeBody(Body):
    """What was traded in public at a listing from one moment to the next: base, and its worth in quote."""

    venue: Name
    account: Name = _ACCOUNT
    symbol: Symbol
    since: Moment
    until: Moment
    quantity: Amount
    notional: Amount
    whole: bool = True


class BlindBody(Body):
    """A time in which nobody looked at the market."""

    since: Moment
    until: Moment


class TcaCase(Case):
    """One order that has ended, its fills, and the market around it."""

    ref_id: Name
    instrument: Symbol
    side: Literal["BUY", "SELL"]
    quantity: Amount
    limit_price: Amount | None = None
    policy: Name = "SWEEP"
    submitter: Name = "unknown"
    state: Name = "FILLED"
    reason: str = Field(default="", max_length=1_024)
    decided_at: Moment
    ended_at: Moment
    decisions: list[DecisionBody] = Field(default_factory=list, max_length=_MANY)
    children: list[ChildBody] = Field(default_factory=list, max_length=_MANY)
    fills: list[FillBody] = Field(max_length=_MANY)
    instants: list[InstantBody] = Field(default_factory=list, max_length=_MANY)
    blind: list[BlindBody] = Field(default_factory=list, max_length=_MANY)
    tape: list[TapeBody] = Field(default_factory=list, max_length=_MANY)


def record_of(data: object) -> OrderRecord:
    """The record a file describes. Raises `BadInput` with the first field that is wrong."""
    case = case_of(TcaCase, data)
    base, _, reporting = case.instrument.partition("/")
    if Decimal(case.quantity) == 0:
        raise BadInput("quantity", "must be more than zero")
    _check(case, base)
    instrument = InstrumentId(case.instrument)
    return OrderRecord(
        ref_id=case.ref_id,
        parent_id=case.ref_id,
        instrument=instrument,
        base=Asset(base),
        reporting=Asset(reporting),
        side=Side(case.side),
        quantity=Decimal(case.quantity),
        limit_price=None if case.limit_price is None else Decimal(case.limit_price),
        policy=case.policy,
        principal=case.submitter,
        state=case.state,
        reason=case.reason,
        decided_ns=nanoseconds(case.decided_at),
        ended_ns=nanoseconds(case.ended_at),
        decisions=tuple(_decision(one, instrument, Asset(reporting)) for one in case.decisions),
        children=tuple(map(_child, case.children)),
        fills=tuple(map(_fill, case.fills)),
        instants=tuple(
            Instant(at_ns=nanoseconds(one.at), bid=_number(one.bid), ask=_number(one.ask), marks=_marks(one.marks))
            for one in case.instants
        ),
        blind=tuple(Blind(from_ns=nanoseconds(one.since), to_ns=nanoseconds(one.until)) for one in case.blind),
        tape=tuple(map(_tape, case.tape)),
    )


def _check(case: TcaCase, base: str) -> None:
    """What one field cannot say alone."""
    if nanoseconds(case.ended_at) < nanoseconds(case.decided_at):
        raise BadInput("ended_at", "is before decided_at")
    for field, names in (
        ("fills", [one.id for one in case.fills]),
        ("children", [one.id for one in case.children]),
        ("decisions", [str(one.round) for one in case.decisions]),
    ):
        twice = next((index for index, name in enumerate(names) if name in set(names[:index])), None)
        if twice is not None:
            raise BadInput(f"{field}.{twice}", f"{names[twice]} is given twice")
    for index, one in enumerate(case.fills):
        if not Decimal(one.quantity) or not Decimal(one.price):
            raise BadInput(f"fills.{index}", "quantity and price must be more than zero")
    symbols = [("children", index, child.symbol) for index, child in enumerate(case.children)]
    symbols += [("tape", index, piece.symbol) for index, piece in enumerate(case.tape)]
    for field, index, symbol in symbols:
        if symbol.partition("/")[0] != base:
            raise BadInput(f"{field}.{index}.symbol", f"is not of {base}")


def _decision(one: DecisionBody, instrument: InstrumentId, reporting: Asset) -> DecisionSeen:
    at_ns = nanoseconds(one.at)
    view = None
    if one.books is not None:
        rates = {**_marks(one.marks), reporting: ONE}
        view = MarketView(
            instrument=instrument,
            at_ns=at_ns,
            listings=tuple(_listing_view(book, instrument) for book in one.books),
            fx=tuple(FxMark(asset=asset, rate=rate, age_ns=0, source="the file") for asset, rate in rates.items()),
        )
    return DecisionSeen(round=one.round, at_ns=at_ns, due=ZERO if one.due is None else Decimal(one.due), view=view)


def _listing_view(one: BookBody, instrument: InstrumentId) -> ListingView:
    base, _, quote = one.symbol.partition("/")
    account = _account(one.venue, one.account)
    return ListingView(
        listing=Listing(
            id=listing_id(account, one.symbol),
            instrument=instrument,
            venue=VenueId(one.venue),
            account=account,
            symbol=one.symbol,
            base=Asset(base),
            quote=Asset(quote),
            tick=Decimal("1E-8"),
            step=Decimal(one.step),
            min_quantity=Decimal(one.min_quantity),
            min_notional=Decimal(one.min_notional),
            max_quantity=None,
            taker_fee_bps=Decimal(one.fee_bps),
            fee_in=FeeIn(one.fee_in),
        ),
        bids=_levels(one.bids),
        asks=_levels(one.asks),
        book_age_ns=0,
        book_seq=1,
    )


def _levels(levels: Sequence[LevelBody]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(one.price), Decimal(one.size)) for one in levels)


def _child(one: ChildBody) -> ChildSeen:
    return ChildSeen(
        id=one.id,
        round=one.round,
        venue=VenueId(one.venue),
        listing_id=_listing_id(one.venue, one.account, one.symbol),
        quantity=Decimal(one.quantity),
        limit_price=Decimal(one.limit_price),
        state=one.state,
        left=one.copies > 0,
        copies=one.copies,
        decided_ns=nanoseconds(one.decided_at),
        sent_ns=None if one.sent_at is None else nanoseconds(one.sent_at),
    )


def _fill(one: FillBody) -> FillSeen:
    return FillSeen(
        key=one.id,
        child=one.child or "",
        quantity=Decimal(one.quantity),
        price=Decimal(one.price),
        quote=Asset(one.quote),
        fees=tuple(Fee(asset=Asset(fee.asset), amount=Decimal(fee.amount)) for fee in one.fees),
        maker=one.maker,
        at_ns=nanoseconds(one.at),
    )


def _tape(one: TapeBody) -> TapePiece:
    return TapePiece(
        listing_id=_listing_id(one.venue, one.account, one.symbol),
        quote=Asset(one.symbol.partition("/")[2]),
        from_ns=nanoseconds(one.since),
        to_ns=nanoseconds(one.until),
        quantity=Decimal(one.quantity),
        notional=Decimal(one.notional),
        whole=one.whole,
    )


def _marks(marks: Mapping[str, str]) -> dict[Asset, Decimal]:
    return {Asset(asset): Decimal(rate) for asset, rate in marks.items()}


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _account(venue: str, account: str) -> AccountId:
    return account_id(VenueId(venue), account)


def _listing_id(venue: str, account: str, symbol: str) -> ListingId:
    return listing_id(_account(venue, account), symbol)
