"""A basket as its owner writes it: what binds the legs, and each leg as an order without a reference of its own."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from router.model.baskets import BasketTerms, Cash, CashConstraint, InDoubt, Leg
from router.model.errors import BadInput
from router.model.ids import Asset, EntityId, ParentId, RefId
from router.model.money import plain
from router.model.orders import ParentOrder
from router.model.side import Side
from router.orders.client_ids import leg_id
from router.requests.fields import ASSET, Amount, Body, Name, Share, sentence
from router.requests.orders import TAKING, OrderBody, order_model, order_written, parse_order
from router.requests.parameters import VwapBody

LEGS_MOST = 100
_AssetName = Annotated[str, Field(pattern=ASSET)]


class ImbalanceBody(Body):
    """How far one side may be ahead of the other: a share of the sides, or reporting currency. One of them."""

    share: Share | None = None
    notional: Amount | None = None


class BasketBody(Body):
    """What binds the legs together. Amounts by asset, each of all accounts together."""

    ref_id: Name
    cash_constraint: Literal["SELF_FUNDING", "STATED", "FREE"] = "SELF_FUNDING"
    cash: dict[_AssetName, Amount] = Field(default_factory=dict)
    buffer: dict[_AssetName, Amount] = Field(default_factory=dict)
    sell_first: bool = True
    max_leg_imbalance: ImbalanceBody | None = None
    when_in_doubt: Literal["WAIT", "SCALE"] = "WAIT"
    legs: list[dict[str, Any]] = Field(min_length=1, max_length=LEGS_MOST)

    def orders(self) -> tuple[OrderBody, ...]:
        """The legs, checked one by one. Raises `BadInput` that names leg and field; legs count from 1."""
        return tuple(self._leg(number, data) for number, data in enumerate(self.legs, start=1))

    def _leg(self, number: int, data: Mapping[str, Any]) -> OrderBody:
        if "ref_id" in data:
            raise BadInput(f"legs.{number}.ref_id", "a leg goes by its basket's reference and its number")
        try:
            body = parse_order({**data, "ref_id": self.ref_id})
        except BadInput as error:
            raise BadInput(f"legs.{number}.{error.field}", error.message) from None
        if body.policy not in TAKING:
            names = ", ".join(sorted(TAKING))
            raise BadInput(f"legs.{number}.policy", f"{body.policy} is not offered in a basket yet; there is {names}")
        field = next((name for name, given in _not_yet(body) if given), None)
        if field is not None:
            raise BadInput(f"legs.{number}.{field}", "is not offered in a basket yet")
        return body

    def terms(self) -> BasketTerms:
        """As the model names them."""
        bound = self.max_leg_imbalance
        return BasketTerms(
            cash_constraint=CashConstraint(self.cash_constraint),
            cash=_cash(self.cash),
            buffer=_cash(self.buffer),
            sell_first=self.sell_first,
            max_imbalance_share=None if bound is None or bound.share is None else Decimal(bound.share),
            max_imbalance_notional=None if bound is None or bound.notional is None else Decimal(bound.notional),
            when_in_doubt=InDoubt(self.when_in_doubt),
        )


def _not_yet(body: OrderBody) -> tuple[tuple[str, bool], ...]:
    """What an order may ask for and a leg may not, and whether it does."""
    by_name = isinstance(body.params, VwapBody) and body.params.curve_id is not None
    return (
        ("quote_value", body.quote_value is not None),
        ("size_includes_fees", body.size_includes_fees),
        ("pilot_pct", body.pilot_pct is not None),
        ("estimate", body.estimate is not None),
        ("time_in_force", body.time_in_force == "FOK"),
        ("params.curve_id", by_name),
    )


def _cash(amounts: Mapping[str, str]) -> tuple[Cash, ...]:
    return tuple(Cash(asset=Asset(asset), amount=Decimal(amount)) for asset, amount in sorted(amounts.items()))


def parse_basket(data: object) -> BasketBody:
    """The basket, or `BadInput` with the first field that is wrong."""
    try:
        body = BasketBody.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadInput(_field(first["loc"]), sentence(first)) from None
    legs = body.orders()
    _check_cash(body, legs)
    _check_imbalance(body, legs)
    seen: dict[str, int] = {}
    for number, leg in enumerate(legs, start=1):
        if (other := seen.setdefault(leg.instrument, number)) != number:
            raise BadInput(f"legs.{number}.instrument", f"{leg.instrument} is leg {other} already: net them first")
    return body


def _field(where: Sequence[int | str]) -> str:
    """Legs count from 1, as they do everywhere."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in where) or "basket"


def _check_cash(body: BasketBody, legs: Sequence[OrderBody]) -> None:
    sides = {leg.way for leg in legs}
    if body.cash_constraint == "SELF_FUNDING" and sides == {Side.BUY}:
        raise BadInput("cash_constraint", "SELF_FUNDING, and no leg sells: nothing could be bought")
    if body.cash_constraint == "STATED" and not body.cash:
        raise BadInput("cash", "is missing: STATED says how much of each asset may be spent")
    if body.cash_constraint != "STATED" and body.cash:
        raise BadInput("cash", f"goes with STATED, not with {body.cash_constraint}")


def _check_imbalance(body: BasketBody, legs: Sequence[OrderBody]) -> None:
    bound = body.max_leg_imbalance
    if bound is None:
        return
    if (bound.share is None) == (bound.notional is None):
        raise BadInput("max_leg_imbalance", "give share or notional, one of them")
    if Decimal(bound.share or bound.notional or 0) == 0:
        raise BadInput("max_leg_imbalance", "must be more than zero")
    if len({leg.way for leg in legs}) == 1:
        raise BadInput("max_leg_imbalance", "needs legs that sell and legs that buy")


def basket_legs(body: BasketBody, basket_id: ParentId, entity: EntityId, principal: str) -> tuple[ParentOrder, ...]:
    """The parents a checked basket describes, defaults filled in."""
    bodies, terms = body.orders(), body.terms()
    return tuple(
        order_model(
            one,
            leg_id(basket_id, number),
            entity,
            principal,
            ref_id=RefId(f"{body.ref_id}/{number}"),
            leg=Leg(basket_id=basket_id, ref_id=RefId(body.ref_id), number=number, legs=len(bodies), terms=terms),
        )
        for number, one in enumerate(bodies, start=1)
    )


def basket_text(body: BasketBody) -> str:
    """Canonical, as for an order: what the owner wrote, in one spelling."""
    written = body.model_dump(exclude_none=True, exclude_unset=True)
    written["legs"] = [
        {
            name: value
            for name, value in leg.model_dump(exclude_none=True, exclude_unset=True).items()
            if name != "ref_id" and value != {}
        }
        for leg in body.orders()
    ]
    return json.dumps(
        {name: value for name, value in written.items() if value != {}}, sort_keys=True, separators=(",", ":")
    )


def basket_written(legs: Sequence[ParentOrder]) -> dict[str, Any]:
    """An accepted basket as its owner would have to write it. It is the same basket when read."""
    leg = legs[0].leg
    assert leg is not None
    written = [{name: value for name, value in order_written(one).items() if name != "ref_id"} for one in legs]
    return {"ref_id": str(leg.ref_id), **terms_written(leg.terms), "legs": written}


def terms_written(terms: BasketTerms) -> dict[str, Any]:
    """What binds the legs, as its owner would have to write it, every default named."""
    share, notional = terms.max_imbalance_share, terms.max_imbalance_notional
    bound = {
        "share": None if share is None else plain(share),
        "notional": None if notional is None else plain(notional),
    }
    return {
        "cash_constraint": terms.cash_constraint.value,
        "cash": {str(one.asset): plain(one.amount) for one in terms.cash},
        "buffer": {str(one.asset): plain(one.amount) for one in terms.buffer},
        "sell_first": terms.sell_first,
        "max_leg_imbalance": None if share is None and notional is None else bound,
        "when_in_doubt": terms.when_in_doubt.value,
    }
