"""The estimate an order was given with: its name is a digest of what was asked, what was seen and what came of it.

So nobody has to keep an estimate for its order to be held to it: the figures come with the order, and one that is of
another order, or was changed on the way, has another name.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from router.model.errors import BadInput
from router.model.money import plain
from router.model.orders import EstimateGiven
from router.requests.fields import Amount, Body, Moment, Signed, moment, nanoseconds

_DIGEST = r"^[0-9a-f]{64}$"
_NAME = r"^[0-9a-f]{32}$"
_DIGITS = 32


class EstimateBody(Body):
    """As `sor estimate --json` prints it under `estimate`. `view`: the digest of the market it was made on."""

    estimate_id: Annotated[str, Field(pattern=_NAME)]
    at: Moment
    view: Annotated[str, Field(pattern=_DIGEST)]
    all_in_price: Amount | None = None
    slippage_bps: Signed | None = None

    def model(self) -> EstimateGiven:
        """As the model has it."""
        return EstimateGiven(
            id=self.estimate_id,
            at_ns=nanoseconds(self.at),
            view=self.view,
            all_in_price=None if self.all_in_price is None else Decimal(self.all_in_price),
            slippage_bps=None if self.slippage_bps is None else Decimal(self.slippage_bps),
        )


def named(asked: Mapping[str, object], given: EstimateGiven) -> EstimateGiven:
    """The estimate under the name that belongs to it. `asked`: the order as its owner would write it."""
    digest = hashlib.sha256(json.dumps([_without_names(asked), _figures(given)], sort_keys=True).encode()).hexdigest()
    return EstimateGiven(
        id=digest[:_DIGITS],
        at_ns=given.at_ns,
        view=given.view,
        all_in_price=given.all_in_price,
        slippage_bps=given.slippage_bps,
    )


def check(asked: Mapping[str, object], given: EstimateGiven) -> None:
    """Raises `BadInput` where the name is another one."""
    if named(asked, given).id != given.id:
        raise BadInput(
            "estimate.estimate_id", "is of another order, or of other figures: ask for an estimate of this one"
        )


def written(given: EstimateGiven) -> dict[str, object]:
    """As an order has it."""
    return {"estimate_id": given.id} | _figures(given)


def _figures(given: EstimateGiven) -> dict[str, object]:
    return {
        "at": moment(given.at_ns),
        "view": given.view,
        "all_in_price": None if given.all_in_price is None else plain(given.all_in_price),
        "slippage_bps": None if given.slippage_bps is None else plain(given.slippage_bps),
    }


def _without_names(asked: Mapping[str, object]) -> dict[str, object]:
    """What the estimate rests on: not the reference, nor the chance that follows from it."""
    left = {name: said for name, said in asked.items() if name not in {"ref_id", "estimate"}}
    chance = left.get("randomize")
    if isinstance(chance, dict):
        left["randomize"] = {name: said for name, said in chance.items() if name != "seed"}
    return left
