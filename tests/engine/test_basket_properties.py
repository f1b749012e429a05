"""Whatever prices, cash, fills and doubts: proceeds are spent once, the buffer stays, legs never exceed the plan."""

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.model import facts as f
from router.model.ids import AccountId, Asset
from router.model.money import ZERO, exactly
from router.model.orders import ParentState
from router.model.side import Side
from router.orders.records import Child
from tests.engine.floor import Floor

_USD = Asset("USD")
_FEES = ("0", "10", "26")


class Story:
    """One seed: two venues, three markets, a basket, and a venue's answer to each child."""

    def __init__(self, seed: int) -> None:
        self.draws = draws = random.Random(seed)
        cash = {venue: str(draws.choice((0, 100, 5_000))) for venue in ("kraken", "binance")}
        self.desk = Floor().open(cash)
        for venue in cash:
            for base, around in (("BTC", 100), ("ETH", 10), ("SOL", 1)):
                price = Decimal(around) * Decimal(draws.randint(95, 105)) / 100
                least = Decimal(draws.choice((1, 50)))
                self.desk.price(
                    venue, base, f"{price:.2f}", fee_bps=draws.choice(_FEES), min_notional=str(least), size="400"
                )
        self.start = self.desk.cash()
        in_doubt = draws.choice(("WAIT", "SCALE"))
        self.terms: dict[str, Any] = {"sell_first": draws.random() < 0.5, "when_in_doubt": in_doubt}
        constraint = draws.choice(("SELF_FUNDING", "STATED", "FREE"))
        self.allowed = Decimal(draws.randint(0, 6_000))
        self.buffer = Decimal(draws.choice((0, 0, 500, 7_000)))
        self.terms["cash_constraint"] = constraint
        if constraint == "STATED":
            self.terms["cash"] = {"USD": str(self.allowed)}
        if self.buffer:
            self.terms["buffer"] = {"USD": str(self.buffer)}
        if draws.random() < 0.3:
            self.terms["max_leg_imbalance"] = {"share": draws.choice(("0.2", "0.5"))}
        self.bound = {"SELF_FUNDING": Decimal(0), "STATED": self.allowed}.get(constraint)
        self.lost: list[tuple[Child, Decimal]] = []

    def run(self) -> None:
        """To the basket's end, every child checked as it leaves and as it fills."""
        draws, desk = self.draws, self.desk
        sell, eth, sol = (str(draws.randint(*bounds)) for bounds in ((5, 80), (5, 600), (10, 2_000)))
        legs = [f"sell {sell} BTC", f"buy {eth} ETH", f"buy {sol} SOL"]
        taken = desk.basket(*legs, **self.terms)
        assert len({leg.state is ParentState.REJECTED for leg in taken}) == 1
        for _ in range(300):
            for child in desk.placed():
                self.leaves(child)
                self.answer(child)
            self.find()
            desk.run(steps=1, fills=self.fills)
            if desk.ended():
                break
        assert desk.ended(), [(leg.state, leg.reason, leg.released) for leg in taken]

    def fills(self, child: Child) -> Decimal:
        """Of a child that leaves while time passes."""
        self.leaves(child)
        return self.part(child)

    def part(self, child: Child) -> Decimal:
        """As much of it as its venue fills."""
        share = self.draws.choice(("0", "0.3", "1", "1", "1"))
        return (child.order.quantity * Decimal(share)).quantize(Decimal("0.0001"), rounding="ROUND_FLOOR")

    def answer(self, child: Child) -> None:
        """It fills, in part or not at all; or the answer is lost, and what became of it is found out later."""
        if self.draws.random() < 0.25:
            quantity = self.part(child)
            self.desk.lose(child)
            self.lost.append((child, quantity))
        else:
            self.desk.fill(child, self.part(child))
        self.holds()

    def find(self) -> None:
        """The venue's record of one that was lost."""
        if self.lost and self.draws.random() < 0.3:
            child, quantity = self.lost.pop(0)
            if not child.state.ended:
                self.desk.fill(child, quantity)
                self.holds()

    def leaves(self, child: Child) -> None:
        """No child is under its venue's minimum."""
        listing = self.desk.ladders[str(child.order.venue), str(child.order.base)].listing
        assert child.order.quantity >= listing.min_quantity
        assert child.order.quantity * child.order.limit_price >= listing.min_notional
        self.holds()

    def holds(self) -> None:
        """By what the venues have done, and by the worst that may still come of what is out."""
        children = tuple(self.desk.engine.state.blotter.children.values())
        with exactly():
            came, went = self._sums(children, Side.SELL), self._sums(children, Side.BUY)
            beyond = (max(spent - came.get(account, ZERO), ZERO) for account, spent in went.items())
            assert self.bound is None or sum(beyond, ZERO) <= self.bound
            buying = (one for one in children if one.order.side is Side.BUY and not one.state.ended)
            worst = self.desk.cash() - sum((one.reserved for one in buying), ZERO)
            assert worst >= min(self.buffer, self.start) or not went
        for parent in self.desk.engine.state.blotter.parents.values():
            assert self.desk.engine.state.blotter.exposure(parent) <= parent.order.quantity

    def _sums(self, children: tuple[Child, ...], side: Side) -> Mapping[AccountId, Decimal]:
        found: dict[AccountId, Decimal] = {}
        for child in (one for one in children if one.order.side is side):
            book = self.desk.ladders[str(child.order.venue), str(child.order.base)]
            fee = child.spent * book.listing.taker_fee_bps / 10_000
            value = child.spent + side.sign * fee
            if side is Side.BUY and not child.state.ended:
                value = child.reserved
            found[child.order.account] = found.get(child.order.account, ZERO) + value
        return found


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_whatever_happens(seed: int) -> None:
    """The bounds hold at each step, and the basket ends."""
    Story(seed).run()


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1_000))
def test_whatever_happens_often(seed: int) -> None:
    """The same, a thousand times."""
    Story(seed).run()


def test_a_story_buys_something() -> None:
    """Of the seeds most let something be bought: else nothing was shown."""
    bought = 0
    for seed in range(6):
        story = Story(seed)
        story.run()
        bought += any(isinstance(fact, f.FillBooked) and fact.fill.trade.side is Side.BUY for fact in story.desk.facts)

    assert bought >= 3
