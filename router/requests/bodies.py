"""The shapes of requests. Unknown fields are refused, amounts are text, and every refusal names its field.

Amounts match a plain pattern before they become numbers, so that `1e999999`, NaN, signs and foreign digits never get
that far (RELIABILITY §5).
"""

from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from router.model.errors import BadInput
from router.model.money import plain
from router.model.orders import SweepParams
from router.model.side import Side

_AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,12})?$"
_ID = r"^[A-Za-z0-9_\-]{1,64}$"
_DEFAULTS = SweepParams()


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
    instrument: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,16}/[A-Z0-9]{1,16}$")]
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


class HaltBody(_Body):
    """Stop or resume everything, and say why."""

    reason: Annotated[str, Field(min_length=1, max_length=128)]


B = TypeVar("B", bound=_Body)


def parse(kind: type[B], data: object) -> B:
    """The body, or `BadInput` with the first field that is wrong."""
    try:
        body = kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "order"
        raise BadInput(field, _sentence(first["type"], first["msg"])) from None
    if isinstance(body, OrderBody):
        _check_order(body)
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


def _sentence(kind: str, message: str) -> str:
    """Pydantic's words, where they are not a sentence a trader would write."""
    match kind:
        case "extra_forbidden":
            return "is not a field of this order"
        case "missing":
            return "is missing"
        case "string_pattern_mismatch" if _AMOUNT in message:
            return "must be a plain positive decimal of at most 12 digits before and after the point, as text"
        case _:
            return message.removeprefix("Value error, ")
