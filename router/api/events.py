"""From the journal's facts to what is told outside. Pure: the same row tells the same, however often it is read.

An id is the journal's row and the fact's place in it, so it grows, and resuming after one misses and repeats nothing.
"""

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from router.model import facts as f
from router.model.events import HaltLevel
from router.model.moments import moment
from router.model.money import plain
from router.model.orders import ChildOrder, ParentOrder

Event = dict[str, Any]
LAST = 999_999_999
"""A place after every fact of a row."""


def events_of(seq: int, at_ns: int, facts: Sequence[f.Fact]) -> list[Event]:
    """What one journal row tells, in order."""
    found = []
    for number, fact in enumerate(facts):
        told = _told(fact)
        if told is not None:
            kind, fields = told
            found.append({"id": f"{seq}-{number}", "type": kind, "at": moment(at_ns), **fields})
    return found


def place_of(event_id: str) -> tuple[int, int]:
    """`12-3` -> (12, 3)."""
    seq, _, number = event_id.partition("-")
    return int(seq), int(number)


Told = tuple[str, Mapping[str, Any]] | None


@singledispatch
def _told(_fact: object) -> Told:
    """What is nobody's outside."""
    return None


@_told.register
def _(fact: f.ParentTaken) -> Told:
    return "order.accepted", _order(fact.order)


@_told.register
def _(fact: f.ParentTurnedDown) -> Told:
    return "order.rejected", _order(fact.order) | {"state": fact.state.value, "reason": fact.reason}


@_told.register
def _(fact: f.ParentMoved) -> Told:
    return "order.moved", {"parent_id": fact.parent_id, "state": fact.state.value, "reason": fact.reason}


@_told.register
def _(fact: f.ParentAmended) -> Told:
    return "order.amended", _order(fact.order) | {"by": fact.principal}


@_told.register
def _(fact: f.AmendRefused) -> Told:
    return "order.amend_refused", {"parent_id": fact.parent_id, "reason": fact.why, "by": fact.principal}


@_told.register
def _(fact: f.RoundPlanned) -> Told:
    return "order.planned", {
        "parent_id": fact.parent_id,
        "round": fact.round,
        "due": plain(fact.due),
        "children": len(fact.children),
        "residual": plain(fact.residual),
        "residual_reason": fact.residual_reason,
    }


@_told.register
def _(fact: f.ChildIntended) -> Told:
    return "child.intended", _child(fact.order)


@_told.register
def _(fact: f.ChildAdopted) -> Told:
    return "child.adopted", _child(fact.order) | {"venue_order_id": fact.venue_order_id}


@_told.register
def _(fact: f.ChildMoved) -> Told:
    return "child.in_doubt" if fact.state.in_doubt else "child.moved", {
        "client_id": fact.client_id,
        "state": fact.state.value,
        "reason": fact.reason,
        "venue_order_id": fact.venue_order_id,
        "executed": None if fact.executed is None else plain(fact.executed),
    }


@_told.register
def _(fact: f.FillBooked) -> Told:
    fill, trade = fact.fill, fact.fill.trade
    return "fill.booked", {
        "booking_key": fill.booking_key,
        "parent_id": fill.parent_id,
        "client_id": fill.client_id,
        "account": trade.account,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "quantity": plain(trade.quantity),
        "price": plain(trade.price),
        "fees": [{"asset": fee.asset, "amount": plain(fee.amount)} for fee in trade.fees],
        "maker": trade.maker,
        "traded_at": moment(trade.venue_time_ns),
    }


@_told.register
def _(fact: f.GateMoved) -> Told:
    return "venue.opened" if fact.open else "venue.closed", {"account": fact.account, "reason": fact.reason}


@_told.register
def _(fact: f.HaltMoved) -> Told:
    kind = "router.resumed" if fact.level is HaltLevel.NONE else "router.halted"
    return kind, {"level": fact.level.value, "reason": fact.reason, "by": fact.principal}


@_told.register
def _(fact: f.BreachRaised) -> Told:
    child = {"client_id": fact.client_id, "detail": fact.detail}
    return "breach", {"kind": fact.kind.value, "account": fact.account} | child


@_told.register
def _(_fact: f.DecisionFailed) -> Told:
    return "router.halted", {"level": HaltLevel.NEW.value, "reason": "a decision failed", "by": "router"}


def _order(order: ParentOrder) -> dict[str, Any]:
    return {
        "parent_id": order.id,
        "ref_id": order.ref_id,
        "instrument": order.instrument,
        "side": order.side.value,
        "quantity": plain(order.quantity),
        "limit_price": None if order.limit_price is None else plain(order.limit_price),
        "policy": order.policy,
    }


def _child(order: ChildOrder) -> dict[str, Any]:
    return {
        "client_id": order.client_id,
        "parent_id": order.parent_id,
        "number": order.number,
        "account": order.account,
        "symbol": order.symbol,
        "side": order.side.value,
        "quantity": plain(order.quantity),
        "limit_price": plain(order.limit_price),
    }
