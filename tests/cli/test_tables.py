"""What a person is shown of an order."""

from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from router.cli import report, tables
from router.model.orders import ChildState
from router.store.tables import ChildTable


def drawn(what: RenderableType) -> str:
    console = Console(width=160, highlight=False)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


def child(**changes: object) -> ChildTable:
    return ChildTable(
        **{
            "client_id": "c1",
            "parent_id": "p1",
            "number": 1,
            "account": "kraken/main",
            "symbol": "BTC/USD",
            "base": "BTC",
            "quote": "USD",
            "quantity": Decimal(1),
            "limit_price": Decimal("61711.12345"),
            "state": ChildState.REJECTED.value,
            "reason": "not sent: the router is halted",
            "copies": 1,
            "venue_order_id": None,
            "decided_ns": 1_800_000_000_000_000_000,
            "durable_ns": 1_800_000_000_003_000_000,
            "sent_ns": None,
            **changes,
        }
    )


def test_a_child_that_never_left_was_not_rejected():
    """It says so, and why; its limit keeps every digit."""
    line = report.child_report(child(), ())

    shown = drawn(tables.children([line]))

    assert line["not_sent"] is True
    assert "REJECTED" not in shown
    assert "#1 not sent: the router is halted" in shown
    assert "61,711.12345 USD" in shown
    assert "+3 ms" in shown


@pytest.mark.parametrize("change", [{"sent_ns": 1_800_000_000_004_000_000}, {"venue_order_id": "V1"}])
def test_a_child_a_venue_refused_was_rejected(change: dict[str, object]):
    """By its answer, or as its record told after a restart."""
    line = report.child_report(child(reason="EOrder: no funds", **change), ())

    assert line["not_sent"] is False
    assert "#1 REJECTED: EOrder: no funds" in drawn(tables.children([line]))


def test_rounds_that_left_the_same_are_one_line():
    """Twelve empty rounds are no twelve pieces of news."""
    lefts = [("1", "beyond limit 60000")] * 3 + [("0.5", "beyond limit 60000"), ("0", None)]
    rounds = [
        {"round": number, "residual": left, "residual_reason": why} for number, (left, why) in enumerate(lefts, start=1)
    ]

    assert [drawn(line).rstrip() for line in tables.residuals(rounds, "BTC")[1:]] == [
        "rounds 1-3 left 1 BTC: beyond limit 60000",
        "round 4 left 0.5 BTC: beyond limit 60000",
    ]
