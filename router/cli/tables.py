"""Reports drawn for people. Nothing in here computes: it only chooses what to show and how."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.cli.report import Report

_LOUD = frozenset({"IN_DOUBT", "QUARANTINED", "FAILED", "REJECTED"})
_DONE = frozenset({"FILLED"})
_LARGE = 100


def _state(state: str) -> Text:
    """A state in its colour; the word itself says it too."""
    return Text(state, style="bold red" if state in _LOUD else "green" if state in _DONE else "")


def _cell(value: object) -> RenderableType:
    if value is None:
        return Text("-", style="dim")
    return value if isinstance(value, Text) else Text(str(value))


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> Table:
    """Numbers to the right; the first `left` columns are words."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def parents(lines: Sequence[Report]) -> RenderableType:
    """The blotter."""
    if not lines:
        return Text("no orders yet: try `sor execute --order order.json`")
    return _table(
        "orders",
        ["ref", "state", "instrument", "side", "quantity", "limit", "accepted"],
        [
            [
                one["ref_id"],
                _state(one["state"]),
                one["instrument"],
                one["side"],
                one["quantity"],
                one["limit_price"],
                one["accepted_at"],
            ]
            for one in lines
        ],
        left=4,
    )


def parent(report: Report) -> RenderableType:
    """One parent: what it came to, where, by which children."""
    head = Text.assemble(
        (f"{report['ref_id']}  ", "bold"),
        f"{report['side']} {report['quantity']} {report['instrument']}  ",
        _state(report["state"]),
        f"  {report['reason']}" if report["reason"] else "",
    )
    if report["in_doubt"]:
        head.append("  a child is IN_DOUBT", style="bold red")
    return Group(
        head,
        Text(
            f"filled {report['filled']}, remaining {report['remaining']}; "
            f"all-in {price(report['all_in_price']) or '-'}, "
            f"arrival mid {price(report['arrival_mid']) or '-'}, "
            f"slippage {price(report['arrival_slippage_bps']) or '-'} bps"
        ),
        Text(""),
        _table(
            "by venue",
            ["account", "symbol", "quantity", "average", "fees", "all-in", "fills"],
            [
                [
                    one["account"],
                    one["symbol"],
                    one["quantity"],
                    price(one["average"]),
                    _fees(one["fees"]),
                    price(one["all_in_price"]),
                    one["fills"],
                ]
                for one in report["venues"]
            ],
            left=2,
        ),
        Text(""),
        children(report["children"]),
        *_residuals(report["rounds"]),
    )


def children(lines: Sequence[Report]) -> RenderableType:
    """Children with the times that matter: durable, sent, booked."""
    return _table(
        "children",
        ["#", "account", "symbol", "state", "quantity", "limit", "filled", "decided", "sent", "booked", "copies"],
        [
            [
                one["number"],
                one["account"],
                one["symbol"],
                _state(one["state"]),
                one["quantity"],
                price(one["limit_price"]),
                one["filled"],
                one["decided_at"][11:23],
                _after(one["decided_at"], one["sent_at"]),
                _after(one["decided_at"], one["booked_at"]),
                one["copies"],
            ]
            for one in lines
        ],
        left=4,
    )


def _residuals(rounds: Sequence[Report]) -> list[RenderableType]:
    lines = [
        Text(f"round {one['round']} left {one['residual']}: {one['residual_reason']}", style="dim")
        for one in rounds
        if one["residual_reason"]
    ]
    return [Text(""), *lines] if lines else []


def price(text: str | None) -> str | None:
    """As many places as a person reads: the JSON has them all."""
    if text is None:
        return None
    value = Decimal(text)
    return f"{value:,.2f}" if abs(value) >= _LARGE else f"{value:.4f}".rstrip("0").rstrip(".")


def _after(began: str | None, at: str | None) -> str | None:
    """`+8 ms`."""
    if began is None or at is None:
        return None
    return f"+{(datetime.fromisoformat(at) - datetime.fromisoformat(began)) / timedelta(milliseconds=1):.0f} ms"


def _fees(fees: dict[str, str]) -> str:
    return ", ".join(f"{amount} {asset}" for asset, amount in fees.items())


def book(report: Report) -> RenderableType:
    """The ladder, asks above bids, best in the middle."""
    columns = ["", "listing", "price", "fee bps", "all-in", "size", "cumulative", "age ms"]
    rows: list[list[object]] = [_rung("ask", one) for one in reversed(report["asks"])]
    rows.append([Text("mid", style="bold"), "", "", "", Text(price(report["mid"]) or "-", style="bold"), "", "", ""])
    rows += [_rung("bid", one) for one in report["bids"]]
    unusable = [
        Text(f"{one['listing']} stands aside: {one['unusable']}", style="red")
        for one in report["listings"]
        if one["unusable"]
    ]
    marks = [
        Text(f"1 {one['asset']} = {one['rate']} ({one['source']}, {one['age_ms']} ms old)", style="dim")
        for one in report["fx"]
    ]
    return Group(_table(f"{report['instrument']} at {report['at']}", columns, rows, left=2), *unusable, *marks)


def _rung(side: str, one: Report) -> list[object]:
    return [
        Text(side, style="red" if side == "ask" else "green"),
        one["listing"],
        one["price"],
        one["fee_bps"],
        price(one["all_in_price"]),
        one["size"],
        one["cumulative"],
        one["age_ms"],
    ]


def estimate(report: Report) -> RenderableType:
    """The plan beside what others would do."""
    rows: list[list[object]] = [_alternative("this router", report)]
    for name, label in (("best_single", "best single venue"), ("fee_blind", "fee-blind sweep")):
        other = report[name]
        if other is not None:
            where = f" ({other['venue']})" if other["venue"] else ""
            rows.append(_alternative(f"{label}{where}", other))
    return Group(
        _plan(report["lines"], f"{report['side']} {report['quantity']} on the books of {report['at']}"),
        Text(""),
        _table("compared", ["way", "all-in", "bps to mid", "left over", "saving", "saving bps"], rows),
        *_left(report),
    )


def _alternative(name: str, one: Report) -> list[object]:
    return [
        name,
        price(one["all_in_price"]),
        price(one["slippage_bps"]),
        one["residual"],
        price(one.get("saving")),
        price(one.get("saving_bps")),
    ]


def _plan(lines: Sequence[Report], title: str) -> Table:
    return _table(
        title,
        ["listing", "quantity", "limit", "expected", "all-in"],
        [
            [
                one["listing"],
                one["quantity"],
                price(one["limit_price"]),
                price(one["expected_price"]),
                price(one["all_in_price"]),
            ]
            for one in lines
        ],
    )


def _left(report: Report) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if report["residual_reason"]:
        lines.append(Text(f"{report['residual']} left over: {report['residual_reason']}", style="yellow"))
    return lines + [Text(f"{name}: {why}", style="dim") for name, why in report["exclusions"].items()]


def explanation(report: Report) -> RenderableType:
    """One decision."""
    parts: list[RenderableType] = [
        Text(f"round {report['round']} at {report['at']}, journal row {report['journal_seq']}", style="bold"),
        _plan(report["plan"], f"due {report['due']}"),
        *_left(report),
    ]
    if report["seen"] is not None:
        parts += [Text(""), book(report["seen"])]
    if report["against"] is not None:
        parts += [Text(""), estimate(report["against"])]
    return Group(*parts)


def venues(lines: Sequence[Report]) -> RenderableType:
    """Accounts with tier, gate and holdings."""
    return _table(
        "venues",
        ["account", "tier", "fence", "gate", "symbols", "free"],
        [
            [
                one["account"],
                one["tier"],
                one["fence"],
                _gate(one),
                ", ".join(one["symbols"]),
                ", ".join(f"{held['free']} {asset}" for asset, held in one["balances"].items()) or None,
            ]
            for one in lines
        ],
        left=6,
    )


def _gate(one: Report) -> Text:
    if one["gate_open"] is None:
        return Text("not started", style="dim")
    return Text("open", style="green") if one["gate_open"] else Text(f"closed: {one['gate_reason']}", style="red")


def alerts(lines: Sequence[Report]) -> RenderableType:
    """What a person should know."""
    return _table(
        "alerts",
        ["at", "kind", "account", "subject", "detail"],
        [[one["at"], one["kind"], one["account"], one["subject"], one["detail"]] for one in lines],
        left=5,
    )


def explanations(reports: Sequence[Report]) -> RenderableType:
    """Decisions, one after the other."""
    if not reports:
        return Text("no round was planned")
    return Group(*(part for one in reports for part in (explanation(one), Text(""))))


def asked(report: Report) -> RenderableType:
    """A request and whether a driver has taken it."""
    return Text(f"{report['kind']} {report['key']}: {report['state']}")


def not_taken(report: Report) -> RenderableType:
    """A parent nobody has looked at yet."""
    return Text(f"{report['ref_id']}: no driver has taken it yet")


def walked(report: Report) -> RenderableType:
    """The journal's chain."""
    if report["clean"]:
        return Text(f"journal verified: {report['rows']} rows, head {report['head'][:16]}", style="green")
    return Group(*(Text(f"row {one['seq']}: {one['why']}", style="bold red") for one in report["breaks"]))
