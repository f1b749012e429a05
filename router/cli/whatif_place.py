"""`sor whatif place`: how much to take now and what to rest in which queue, from a file alone (Cont and Kukanov)."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from rich.console import RenderableType
from rich.table import Table

from policies.cont_kukanov import Costs, Placement, Problem, Queue, cost, place
from router.cli.case import Case, case_of
from router.model.errors import BadInput
from router.model.money import plain, ratio, roughly
from router.model.rounding import on_grid, steps_in
from router.requests.fields import Amount, Body, Name, Signed

Report = dict[str, Any]
_SCENARIOS_MAX = 5_000
_QUEUES_MAX = 30
Outflow = Annotated[str, Field(pattern=r"^([0-9]{1,12}(\.[0-9]{1,12})?|through)$")]


class QueueBody(Body):
    """One place to rest. `outflows`: what left its front in each scenario; `through`: the price was traded through.

    `rebate`: what a fill earns per unit, a maker's fee negative, adverse selection taken off it.
    """

    name: Name
    ahead: Amount
    rebate: Signed
    outflows: list[Outflow] = Field(min_length=1, max_length=_SCENARIOS_MAX)
    smallest: Amount | None = None
    largest: Amount | None = None


class PlaceCase(Case):
    """What to place, what it costs, and the queues it may rest in. Costs in price per unit, quantities in base."""

    quantity: Amount
    lot: Amount
    half_spread: Amount
    taker_fee: Signed
    impact: Amount = "0"
    under: Amount
    over: Amount
    queues: list[QueueBody] = Field(min_length=1, max_length=_QUEUES_MAX)
    taken_smallest: Amount | None = None
    orders_max: int | None = Field(default=None, ge=1, le=_QUEUES_MAX + 1)


def place_report(data: object) -> Report:
    """The placement of a case, and what the simple ones would cost. Raises `BadInput` for a case that is not one."""
    case = case_of(PlaceCase, data)
    problem, lot = _problem(case), Decimal(case.lot)
    found = place(problem)
    return {
        "quantity": case.quantity,
        "taken": plain(found.taken * lot),
        "resting": [
            {"name": queue.name, "quantity": plain(lots * lot)}
            for queue, lots in zip(case.queues, found.resting, strict=True)
        ],
        "cost": _per_unit(found, problem),
        "cost_of": _simple(problem, [queue.name for queue in case.queues]),
        "scenarios": len(case.queues[0].outflows),
    }


def _problem(case: PlaceCase) -> Problem:
    lot = Decimal(case.lot)
    if lot == 0:
        raise BadInput("lot", "must be more than zero")
    quantity = _lots("quantity", case.quantity, lot)
    if quantity == 0:
        raise BadInput("quantity", "must be more than zero")
    scenarios = len(case.queues[0].outflows)
    queues = []
    for number, queue in enumerate(case.queues):
        where = f"queues.{number}"
        if len(queue.outflows) != scenarios:
            raise BadInput(f"{where}.outflows", f"must have as many scenarios as the first queue, {scenarios}")
        queues.append(
            Queue(
                ahead=steps_in(Decimal(queue.ahead), lot),
                rebate=Decimal(queue.rebate),
                outflows=tuple(None if one == "through" else steps_in(Decimal(one), lot) for one in queue.outflows),
                smallest=1 if queue.smallest is None else max(_lots(f"{where}.smallest", queue.smallest, lot), 1),
                largest=None if queue.largest is None else _lots(f"{where}.largest", queue.largest, lot),
            )
        )
    return Problem(
        quantity=quantity,
        costs=Costs(
            half_spread=Decimal(case.half_spread),
            taker_fee=Decimal(case.taker_fee),
            impact=Decimal(case.impact),
            under=Decimal(case.under),
            over=Decimal(case.over),
        ),
        queues=tuple(queues),
        taken_smallest=1 if case.taken_smallest is None else max(_lots("taken_smallest", case.taken_smallest, lot), 1),
        orders_max=case.orders_max,
    )


def _lots(field: str, text: str, lot: Decimal) -> int:
    if not on_grid(Decimal(text), lot):
        raise BadInput(field, f"{text} is not a whole number of lots of {plain(lot)}")
    return steps_in(Decimal(text), lot)


def _simple(problem: Problem, names: list[str]) -> Report:
    """All taken; all resting in one queue; equal parts."""
    none, part = [0] * len(names), problem.quantity // (len(names) + 1)
    equal = _at(problem, problem.quantity - part * len(names), [part] * len(names))
    alone = {
        f"all in {name}": _at(problem, 0, [*none[:number], problem.quantity, *none[number + 1 :]])
        for number, name in enumerate(names)
    }
    return {"all taken": _at(problem, problem.quantity, none)} | alone | {"equal parts": equal}


def _at(problem: Problem, taken: int, resting: list[int]) -> str:
    return _per_unit(Placement(taken=taken, resting=tuple(resting), cost=cost(problem, taken, resting)), problem)


def _per_unit(found: Placement, problem: Problem) -> str:
    """In price per unit of the quantity."""
    with roughly():
        return f"{ratio(found.cost, Decimal(problem.quantity)):.12g}"


def place_table(report: Report) -> RenderableType:
    """What to do, and what else it would have cost."""
    table = Table("what", "quantity", "cost per unit", title=f"place {report['quantity']}")
    table.add_row("take", report["taken"], "")
    for one in report["resting"]:
        table.add_row(f"rest in {one['name']}", one["quantity"], "")
    table.add_row("expected", "", report["cost"])
    for name, costs in report["cost_of"].items():
        table.add_row(name, "", costs)
    return table
