"""The shapes of requests. Unknown fields are refused, amounts are text, and every refusal names its field."""

from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError

from router.model.errors import BadInput
from router.requests.fields import (
    ACCOUNT,
    ASSET,
    CHILD,
    TOLD,
    VENUE_ID,
    Amount,
    Body,
    Moment,
    Name,
    Said,
    Signed,
    sentence,
)
from router.requests.orders import OrderBody, parse_order


class CancelBody(Body):
    """Stop a parent."""

    ref_id: Name


class PauseBody(Body):
    """Let a parent send nothing new, or let it go on: after its pilot with `confirm_pilot` only."""

    ref_id: Name
    confirm_pilot: bool = False


class AmendBody(Body):
    """Let a parent go on under other terms; what is not named stays as it is."""

    ref_id: Name
    base_quantity: Amount | None = None
    limit_price: Amount | None = None
    end_time: Moment | None = None


class AcknowledgeBody(Body):
    """Explain what came to an account (negative: left it) without our doing, and say why."""

    account: Annotated[str, Field(pattern=ACCOUNT)]
    asset: Annotated[str, Field(pattern=ASSET)]
    amount: Signed
    reason: Said


class ReconcileBody(Body):
    """Read an account now."""

    account: Annotated[str, Field(pattern=ACCOUNT)]


class HaltBody(Body):
    """Stop or resume everything, and say why."""

    reason: Said


class TradeBody(Body):
    """One execution as the venue shows it to a person."""

    trade_id: Annotated[str, Field(pattern=VENUE_ID)]
    quantity: Amount
    price: Amount
    fee_asset: Annotated[str, Field(pattern=ASSET)] | None = None
    fee: Amount | None = None


class ResolveBody(Body):
    """What became of a quarantined child, and what says so. `venue_order_id`: the venue's own name of the order."""

    child: Annotated[str, Field(pattern=CHILD)]
    verdict: Literal["filled", "never-placed"]
    evidence: Annotated[str, Field(pattern=TOLD)]
    venue_order_id: Annotated[str, Field(pattern=VENUE_ID)] | None = None
    trades: list[TradeBody] = Field(default_factory=list, max_length=1_000)


class RestoredBody(Body):
    """The database was brought back from a backup of `since_ns` (UTC nanoseconds), and is in life `incarnation` now."""

    incarnation: int = Field(ge=2)
    since_ns: int = Field(gt=0, le=2**63 - 1)


B = TypeVar("B", bound=Body)


def parse(kind: type[B], data: object) -> B:
    """The body, or `BadInput` with the first field that is wrong. An order's shape follows from its policy."""
    if issubclass(kind, OrderBody):
        order = parse_order(data)
        assert isinstance(order, kind)
        return order
    try:
        body = kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "order"
        raise BadInput(field, sentence(first)) from None
    if isinstance(body, AmendBody):
        _check_amend(body)
    if isinstance(body, AcknowledgeBody) and not Decimal(body.amount):
        raise BadInput("amount", "must not be zero")
    if isinstance(body, ResolveBody):
        _check_trades(body)
    return body


def _check_amend(body: AmendBody) -> None:
    for field in ("base_quantity", "limit_price"):
        if getattr(body, field) == "0":
            raise BadInput(field, "must be more than zero")
    if body.base_quantity is None and body.limit_price is None and body.end_time is None:
        raise BadInput("base_quantity", "name at least one term to change: base_quantity, limit_price or end_time")


def _check_trades(body: ResolveBody) -> None:
    for number, trade in enumerate(body.trades):
        for field, amount in (("quantity", trade.quantity), ("price", trade.price)):
            if Decimal(amount) == 0:
                raise BadInput(f"trades.{number}.{field}", "must be more than zero")
        if (trade.fee is None) != (trade.fee_asset is None):
            raise BadInput(f"trades.{number}.fee", "a fee and its currency are given together, or neither")
