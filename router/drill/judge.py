"""What a case came to: the venue's own record against what the subject says. Pure; the same for every subject."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from router.model.money import plain


class Word(StrEnum):
    """In one word."""

    DONE = "done"
    """All of it, once, and told so."""
    SHORT = "short"
    """Less than all of it, and told exactly how much."""
    ASKS = "asks"
    """It says that it does not know, and nothing is wrong: a person has to look."""
    BREACH = "BREACH"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a subject says of a reference. `filled` None: it did not say. `unknown`: it says that it cannot tell."""

    filled: Decimal | None
    unknown: bool = False
    words: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """The venue's record, without lag. Nobody else trades there."""

    orders: Sequence[Mapping[str, Any]]
    trades: Sequence[Mapping[str, Any]]
    redirects_followed: int = 0

    @property
    def executed(self) -> Decimal:
        """Base, over all orders."""
        return sum((Decimal(trade["quantity"]) for trade in self.trades), Decimal(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What it came to. `breaches`: why, where the word is BREACH."""

    word: Word
    executed: Decimal
    orders: int
    breaches: tuple[str, ...] = ()

    def fits(self, *, short_is_right: bool, person_is_right: bool) -> bool:
        """Is this how the row should end?"""
        right = {Word.DONE: True, Word.SHORT: short_is_right, Word.ASKS: person_is_right, Word.BREACH: False}
        return right[self.word]


def judge(truth: Truth, told: Told | None, *, wanted: Decimal, limit: Decimal) -> Verdict:
    """`told` None: the subject did not come to an end within its bound."""
    breaches = tuple(_breaches(truth, told, wanted, limit))
    return Verdict(
        word=_word(truth, told, wanted, breaches),
        executed=truth.executed,
        orders=len(truth.orders),
        breaches=breaches,
    )


def _word(truth: Truth, told: Told | None, wanted: Decimal, breaches: Sequence[str]) -> Word:
    if breaches or told is None:
        return Word.BREACH
    if told.unknown:
        return Word.ASKS
    return Word.DONE if truth.executed == wanted else Word.SHORT


def _breaches(truth: Truth, told: Told | None, wanted: Decimal, limit: Decimal) -> list[str]:
    executed, found = truth.executed, []
    if executed > wanted:
        found.append(f"over: {plain(executed)} of {plain(wanted)}")
    if any(Decimal(trade["price"]) > limit for trade in truth.trades):
        found.append("beyond the limit")
    ids = Counter(order["client_id"] for order in truth.orders if order["client_id"] is not None)
    again = sum(times - 1 for times in ids.values())
    if again:
        found.append(f"{again} order{'s' if again > 1 else ''} more under one id")
    if any(order["status"] == "OPEN" for order in truth.orders):
        found.append("an order left open")
    if truth.redirects_followed:
        found.append("a signed request followed a redirect")
    if told is None:
        found.append("no end within the bound")
    elif _untrue(told, executed):
        says = "nothing" if told.filled is None else plain(told.filled)
        found.append(f"says {says}, the venue did {plain(executed)}")
    return found


def _untrue(told: Told, executed: Decimal) -> bool:
    """Who says that he does not know may know less than there is, never more."""
    if told.unknown:
        return told.filled is not None and told.filled > executed
    return told.filled != executed
