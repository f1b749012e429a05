"""The shapes of requests. Unknown fields are refused, amounts are text, and every refusal names its field.

Amounts match a plain pattern before they become numbers, so that `1e999999`, NaN, signs and foreign digits never get
that far (RELIABILITY §5).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from router.model.errors import BadInput
from router.model.money import plain
from router.model.orders import SweepParams
from router.model.side import Side

_AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,12})?$"
_ID = r"^[A-Za-z0-9_\-]{1,64}$"
_PAIR = r"^[A-Z0-9]{1,16}/[A-Z0-9]{1,16}$"
_SIGNED = r"^-?[0-9]{1,12}(\.[0-9]{1,12})?$"
_ACCOUNT = r"^[A-Za-z0-9_\-]{1,64}/[A-Za-z0-9_\-]{1,64}$"
_CHILD = r"^[0-9a-f]{32}$"
_VENUE_ID = r"^[!-~]{1,64}$"
_ASSET = r"^[A-Z0-9]{1,16}$"
_DEFAULTS = SweepParams()
_PATTERNS: Mapping[str, str] = {
    _AMOUNT: "must be a plain positive decimal of at most 12 digits before and after the point, as text",
    _ID: "letters, digits, - and _ only, at most 64",
    _SIGNED: "must be a plain decimal of at most 12 digits before and after the point, negative for what left",
    _ACCOUNT: "must be VENUE/ACCOUNT, such as kraken/main",
    _ASSET: "must be an asset in capitals, such as BTC",
    _PAIR: "must be a pair in capitals, such as BTC/USD",
    _CHILD: "must be a child's id, 32 hex digits as `sor show` prints it",
    _VENUE_ID: "must be the venue's own id: printable, no blanks, at most 64 characters",
}
_SENTENCES: Mapping[str, str] = {
    "extra_forbidden": "is not a field of this order",
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "list_type": "must be a list",
    "model_type": "must be an object with named fields",
    "model_attributes_type": "must be an object with named fields",
    "dict_type": "must be an object with named fields",
}


def _text_only(value: object) -> object:
    if not isinstance(value, str):
        message = 'must be text, such as "1.5", so that no digit is lost'
        raise ValueError(message)  # noqa: TRY004 - pydantic turns a ValueError into its own sentence
    return value


def _one_spelling(text: str) -> str:
    """`1.50` and `1.5` are the same order."""
    return plain(Decimal(text))


Amount = Annotated[str, BeforeValidator(_text_only), Field(pattern=_AMOUNT), AfterValidator(_one_spelling)]
Name = Annotated[str, Field(pattern=_ID)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class VenuesBody(_Body):
    """Where a parent may trade. Absent `include` means every configured venue; an empty one is refused."""

    include: list[Name] | None = Field(default=None, min_length=1, max_length=64)
    exclude: list[Name] = Field(default_factory=list, max_length=64)


class ParamsBody(_Body):
    """Parameters of SWEEP."""

    rounds_max: int = Field(default=_DEFAULTS.rounds_max, ge=1, le=1_000)
    round_wait_ms: int = Field(default=_DEFAULTS.round_wait_ms, ge=1, le=60_000)


class OrderBody(_Body):
    """A parent order as its owner writes it. `base_quantity` in base, `limit_price` in the reporting currency."""

    ref_id: Name
    instrument: Annotated[str, Field(pattern=_PAIR)]
    side: Literal["BUY", "SELL"]
    base_quantity: Amount | None = None
    quote_value: Amount | None = None
    limit_price: Amount | None = None
    policy: Literal["SWEEP"] = "SWEEP"
    params: ParamsBody = Field(default_factory=ParamsBody)
    venues: VenuesBody = Field(default_factory=VenuesBody)

    @property
    def quantity(self) -> Decimal:
        """Base."""
        assert self.base_quantity is not None
        return Decimal(self.base_quantity)

    @property
    def limit(self) -> Decimal | None:
        """Reporting currency per unit of base."""
        return None if self.limit_price is None else Decimal(self.limit_price)

    @property
    def way(self) -> Side:
        """The side, as the model names it."""
        return Side(self.side)


class CancelBody(_Body):
    """Stop a parent."""

    ref_id: Name


class AcknowledgeBody(_Body):
    """Explain what came to an account (negative: left it) without our doing, and say why."""

    account: Annotated[str, Field(pattern=_ACCOUNT)]
    asset: Annotated[str, Field(pattern=_ASSET)]
    amount: Annotated[str, BeforeValidator(_text_only), Field(pattern=_SIGNED), AfterValidator(_one_spelling)]
    reason: Annotated[str, Field(min_length=1, max_length=128)]


class HaltBody(_Body):
    """Stop or resume everything, and say why."""

    reason: Annotated[str, Field(min_length=1, max_length=128)]


class TradeBody(_Body):
    """One execution as the venue shows it to a person."""

    trade_id: Annotated[str, Field(pattern=_VENUE_ID)]
    quantity: Amount
    price: Amount
    fee_asset: Annotated[str, Field(pattern=_ASSET)] | None = None
    fee: Amount | None = None


class ResolveBody(_Body):
    """What became of a quarantined child, and what says so. `venue_order_id`: the venue's own name of the order."""

    child: Annotated[str, Field(pattern=_CHILD)]
    verdict: Literal["filled", "never-placed"]
    evidence: Annotated[str, Field(min_length=1, max_length=1_024)]
    venue_order_id: Annotated[str, Field(pattern=_VENUE_ID)] | None = None
    trades: list[TradeBody] = Field(default_factory=list, max_length=1_000)


class RestoredBody(_Body):
    """The database was brought back from a backup of `since_ns` (UTC nanoseconds), and is in life `incarnation` now."""

    incarnation: int = Field(ge=2)
    since_ns: int = Field(gt=0, le=2**63 - 1)


B = TypeVar("B", bound=_Body)


def parse(kind: type[B], data: object) -> B:
    """The body, or `BadInput` with the first field that is wrong."""
    try:
        body = kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "order"
        raise BadInput(field, _sentence(first)) from None
    if isinstance(body, OrderBody):
        _check_order(body)
    if isinstance(body, AcknowledgeBody) and not Decimal(body.amount):
        raise BadInput("amount", "must not be zero")
    if isinstance(body, ResolveBody):
        _check_trades(body)
    return body


def _check_order(body: OrderBody) -> None:
    if body.quote_value is not None:
        raise BadInput("quote_value", "orders by value are not supported yet: give base_quantity")
    if body.base_quantity is None:
        raise BadInput("base_quantity", "is missing")
    if body.quantity == 0:
        raise BadInput("base_quantity", "must be more than zero")
    if body.limit == 0:
        raise BadInput("limit_price", "must be more than zero")
    both = set(body.venues.include or ()) & set(body.venues.exclude)
    if both:
        raise BadInput("venues", f"{', '.join(sorted(both))} is both included and excluded")


def _check_trades(body: ResolveBody) -> None:
    for number, trade in enumerate(body.trades):
        for field, amount in (("quantity", trade.quantity), ("price", trade.price)):
            if Decimal(amount) == 0:
                raise BadInput(f"trades.{number}.{field}", "must be more than zero")
        if (trade.fee is None) != (trade.fee_asset is None):
            raise BadInput(f"trades.{number}.fee", "a fee and its currency are given together, or neither")


def _sentence(error: ErrorDetails) -> str:
    """What is wrong, as a trader would write it, from pydantic's code for it; its own words are nobody's."""
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "string_pattern_mismatch":
            return _PATTERNS[context["pattern"]]
        case "literal_error":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "too_short":
            return f"must name at least {context['min_length']}"
        case "too_long":
            return f"must name at most {context['max_length']}"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must be at most {context['max_length']} characters long"
        case "value_error":
            return str(context["error"])
        case kind:
            return _SENTENCES.get(kind, "is not what is expected here")
