"""`sor tca` drawn for people: the sign convention first, the record's hash last."""

from rich.console import Group, RenderableType
from rich.text import Text

from router.cli.report import Report
from router.cli.tables import table


def order_cost(report: Report) -> RenderableType:
    """One order's cost."""
    order, outcome = report["order"], report["outcome"]
    head = (
        f"{order['ref_id']}: {order['side']} {order['quantity']} {order['instrument']} by {order['policy']}, "
        f"{order['state']}: {outcome['filled']} filled at {outcome['average'] or '-'} {order['currency']}, "
        f"{outcome['average_all_in'] or '-'} all in, in {outcome['duration_s']} s"
    )
    parts: list[RenderableType] = [Text(report["convention"], style="dim"), Text(head)]
    if report["shortfall"] is not None:
        parts.append(_waterfall(report["shortfall"], order["currency"]))
    parts += [_benchmarks(report), _spreads(report)]
    parts += [draw(report) for name, draw in _LISTS.items() if report[name]]
    parts += [Text(f"note: {flag}", style="yellow") for flag in report["flags"]]
    return Group(*parts, Text(f"record {report['record']}", style="dim"))


def _waterfall(one: Report, currency: str) -> RenderableType:
    lines = [[name, one[name], one["bps"][name]] for name in one["bps"]]
    return table("implementation shortfall", ["part", currency, "bps"], lines)


def _benchmarks(report: Report) -> RenderableType:
    lines = [
        [one["name"], one["price"], one["slippage_bps"], one["all_in_bps"], one["coverage"]]
        for one in report["benchmarks"]
    ]
    return table("benchmarks", ["against", "price", "slippage bps", "all in bps", "seen"], lines)


def _spreads(report: Report) -> RenderableType:
    lines = [
        [f"{one['seconds']} s", *(one[name]["value"] for name in _FIGURES), f"{one['markout_bps']['observed']}"]
        for one in report["spreads"]["horizons"]
    ]
    title = f"spreads: effective {report['spreads']['effective_bps']['value'] or '-'} bps"
    return table(title, ["after", "realised bps", "impact bps", "markout bps", "fills seen"], lines)


_FIGURES = ("realised_bps", "impact_bps", "markout_bps")


def _savings(report: Report) -> RenderableType:
    lines = [
        [one["against"], one["venue"], one["planned_bps"], one["realised_bps"], one["short"]]
        for one in report["savings"]
    ]
    return table("saved on the view of arrival", ["against", "venue", "planned bps", "realised bps", "short"], lines, 2)


def _attribution(report: Report) -> RenderableType:
    lines = []
    for one in report["attribution"]:
        lines.append([f"round {one['round']}", "liquidity at the decision", one["liquidity"]])
        lines += [["", f"slippage of {part['listing']}", part["slippage"]] for part in one["venues"]]
        lines += [["", "routing", one["routing"]], ["", "total", one["total"]]]
    return table("which venue cost what", ["", "part", report["order"]["currency"]], lines, 2)


def _venues(report: Report) -> RenderableType:
    columns = ("children", "sent", "filled", "average", "fee", "rejected", "repeated")
    lines = [[one["listing"], *(one[name] for name in columns)] for one in report["venues"]]
    return table("venues", ["listing", *columns], lines)


_LISTS = {"savings": _savings, "attribution": _attribution, "venues": _venues}
"""What an order may have none of."""


def period_cost(report: Report) -> RenderableType:
    """A period's groups: means by notional, with their 95 % intervals."""
    names = list(dict.fromkeys(name for one in report["groups"] for name in one["bps"]))
    lines = [
        [
            " ".join(one["key"].values()),
            one["orders"],
            f"{one['notional']:,.0f}",
            *(_estimated(one["bps"].get(name)) for name in names),
        ]
        for one in report["groups"]
    ]
    head = f"{report['orders']} orders with {report['fills']} fills from {report['from']} to {report['to']}"
    notes = []
    if report["not_over_yet"]:
        notes.append(f"{report['not_over_yet']} more ended too lately: their markouts are not over")
    if report["unknown"]:
        notes.append(f"{report['unknown']} of them have no shortfall: what it rests on was not seen")
    return Group(
        Text(report["convention"], style="dim"),
        Text(head),
        table("bps, mean by notional", [" ".join(report["group_by"]), "orders", "notional", *names], lines),
        *(Text(f"note: {note}", style="yellow") for note in notes),
        Text(f"records {report['records']}", style="dim"),
    )


def _estimated(figure: Report | None) -> str | None:
    if figure is None:
        return None
    mean = figure["by_notional"]
    within = "" if mean["low"] is None else f" [{mean['low']:.2f}, {mean['high']:.2f}]"
    return f"{mean['value']:.2f}{within}"
