"""How much, when, how urgently: what a policy sees and what it answers."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.orders import ParentOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a parent stands: quantities in base, none counted twice.

    `working` may still fill and will be heard of soon; `in_doubt` may have filled and is being looked for. `rounds`
    counts planning rounds so far; `last_round_sent` says whether the last one sent anything.
    """

    order: ParentOrder
    accepted_ns: Nanos
    filled: Decimal
    working: Decimal
    in_doubt: Decimal
    rounds: int
    last_round_ns: Nanos | None
    last_round_sent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """By now `quantity` (base, cumulative) should be done or working.

    `not_before_ns` asks to be called again then, if nothing else happens first. `finished` says that the policy wants
    nothing more, whatever is left; `reason` is for the record.
    """

    quantity: Decimal
    not_before_ns: Nanos | None = None
    finished: bool = False
    reason: str = ""


class Policy(Protocol):
    """How much should be done or working by now? Never 'send this'."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """The cumulative target at `now_ns`. Pure: same arguments, same answer."""
        ...
