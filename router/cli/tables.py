"""Reports drawn for people. Nothing in here computes: it only chooses what to show and how."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.cli.report import Report
from router.model.money import grouped, readable

_LOUD = frozenset({"IN_DOUBT", "QUARANTINED", "FAILED", "REJECTED"})
_DONE = frozenset({"FILLED"})


def _state(state: str) -> Text:
    """A state in its colour; the word itself says it too."""
    return Text(state, style="bold red" if state in _LOUD else "green" if state in _DONE else "")


def _cell(value: object) -> RenderableType:
    if value is None:
        return Text("-", style="dim")
    return value if isinstance(value, Text) else Text(str(value))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> Table:
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
    return table(
        "orders",
        ["ref", "state", "instrument", "side", "quantity", "limit", "accepted"],
        [
            [
                one["ref_id"],
                _recorded(one) if one["state"] is None else _state(one["state"]),
                one["instrument"],
                one["side"],
                _size(one),
                exact(one["limit_price"], _reporting(one)),
                one["accepted_at"],
            ]
            for one in lines
        ],
        left=4,
    )


def _size(one: Report) -> str | None:
    """What it asks for: base, or money."""
    if one["quote_value"] is not None:
        return f"{one['quote_value']} {_reporting(one)}"
    return None if one["quantity"] is None else f"{one['quantity']} {_base(one)}"


def _recorded(one: Report) -> Text:
    return Text(one["reason"], style="yellow")


def _base(one: Report) -> str:
    return str(one["instrument"]).partition("/")[0]


def _reporting(one: Report) -> str:
    return str(one["instrument"]).partition("/")[2]


def _left_of(report: Report) -> str:
    if report["quote_value"] is None:
        return f"{report['remaining']} {_base(report)}"
    return f"{_with(figure(report['value_left']), _reporting(report))} of {report['quote_value']}"


def order(report: Report) -> RenderableType:
    """What there is under a reference: a parent, or what was asked for."""
    if report["state"] is not None:
        return parent(report)
    named = (report["ref_id"], report["side"], _size(report) if report["instrument"] else None, report["instrument"])
    known = [one for one in named if one is not None]
    return Text.assemble((" ".join(known), "bold"), "  ", _recorded(report))


def parent(report: Report) -> RenderableType:
    """One parent: what it came to, where, by which children."""
    head = Text.assemble(
        (f"{report['ref_id']}  ", "bold"),
        f"{report['side']} {_size(report)} {report['instrument']}  ",
        _state(report["state"]),
        f"  {report['reason']}" if report["reason"] else "",
    )
    if report["in_doubt"]:
        head.append("  a child is in doubt", style="bold red")
    base, reporting = _base(report), _reporting(report)
    return Group(
        head,
        Text(
            f"filled {report['filled']} {base}, remaining {_left_of(report)}; "
            f"all-in {_with(figure(report['all_in_price']), reporting)}, "
            f"arrival mid {_with(figure(report['arrival_mid']), reporting)}, "
            f"slippage {_with(figure(report['arrival_slippage_bps']), 'bps')}"
        ),
        *_warnings(report),
        Text(""),
        table(
            "by venue",
            ["account", "symbol", f"quantity {base}", "average", "fees", f"all-in {reporting}", "fills"],
            [
                [
                    one["account"],
                    one["symbol"],
                    one["quantity"],
                    _with(figure(one["average"]), one["quote"]),
                    _fees(one["fees"]),
                    figure(one["all_in_price"]),
                    one["fills"],
                ]
                for one in report["venues"]
            ],
            left=2,
        ),
        Text(""),
        children(report["children"]),
        *[Text(f"{one['at']} {one['kind']} {one['subject']}: {one['detail']}") for one in report.get("words", ())],
        *residuals(report["rounds"], base),
    )


def children(lines: Sequence[Report]) -> RenderableType:
    """Children with the times that matter: decided, durable, sent, filled (by the venue's clock), booked."""
    base = lines[0]["base"] if lines else ""
    again = any(one["copies"] > 1 for one in lines)
    columns = ["#", "account", "symbol", "state", f"quantity {base}", "limit", f"filled {base}"]
    columns += ["decided", "durable", "sent", "filled", "booked"] + ["copies"] * again
    return Group(table("children", columns, [_child(one, again=again) for one in lines], left=4), *_troubles(lines))


def _child(one: Report, *, again: bool) -> list[object]:
    began = one["decided_at"]
    after = [_after(began, one[name]) for name in ("durable_at", "sent_at", "filled_at", "booked_at")]
    return [
        one["number"],
        one["account"],
        one["symbol"],
        Text("not sent", style="yellow") if one["not_sent"] else _state(one["state"]),
        one["quantity"],
        exact(one["limit_price"], one["quote"]),
        one["filled"],
        began[11:23],
        *after,
        *[one["copies"]] * again,
    ]


def _troubles(lines: Sequence[Report]) -> list[RenderableType]:
    """Why a child did not do what it was made for."""
    return [
        Text(f"#{one['number']} {'not sent' if one['not_sent'] else one['state']}: {one['reason']}", style="dim")
        for one in lines
        if one["reason"] and (one["not_sent"] or one["state"] in _LOUD)
    ]


def residuals(rounds: Sequence[Report], base: str) -> list[RenderableType]:
    """What rounds left over; rounds in a row that left the same for the same reason are one line."""
    lines = []
    left = ((one["residual"], one["residual_reason"], one["round"]) for one in rounds)
    for (residual, reason), same in groupby(left, key=lambda one: one[:2]):
        numbers = [number for _, _, number in same]
        if reason:
            which = f"round {numbers[0]}" if len(numbers) == 1 else f"rounds {numbers[0]}-{numbers[-1]}"
            lines.append(Text(f"{which} left {residual} {base}: {reason}", style="dim"))
    return [Text(""), *lines] if lines else []


def figure(text: str | None) -> str | None:
    """As many places as a person reads: the JSON has them all."""
    return None if text is None else readable(Decimal(text))


def exact(text: str | None, unit: str | None) -> str | None:
    """Every digit, and what it is in: a limit is never shown rounded."""
    return None if text is None else f"{grouped(Decimal(text))} {unit or ''}".rstrip()


def _with(text: str | None, unit: str | None) -> str:
    return "-" if text is None else f"{text} {unit or ''}".rstrip()


def _after(began: str | None, at: str | None) -> str | None:
    """`+8 ms`."""
    if began is None or at is None:
        return None
    return f"+{(datetime.fromisoformat(at) - datetime.fromisoformat(began)) / timedelta(milliseconds=1):.0f} ms"


def _fees(fees: dict[str, str]) -> str:
    return ", ".join(f"{amount} {asset}" for asset, amount in fees.items())


def book(report: Report) -> RenderableType:
    """The ladder, asks above bids, best in the middle."""
    base, reporting = _base(report), _reporting(report)
    columns = ["", "listing", "price", "fee bps", f"all-in {reporting}", f"size {base}", f"cumulative {base}", "age ms"]
    rows: list[list[object]] = [_rung("ask", one) for one in reversed(report["asks"])]
    mid = Text(figure(report["mid"]) or "-", style="bold")
    rows.append([Text("mid", style="bold"), "", "", "", mid, "", "", ""])
    rows += [_rung("bid", one) for one in report["bids"]]
    unusable = [
        Text(f"{one['listing']} stands aside: {one['unusable']}", style="red")
        for one in report["listings"]
        if one["unusable"]
    ]
    marks = [
        Text(f"1 {one['asset']} = {one['rate']} {reporting} ({one['source']}, {one['age_ms']} ms old)", style="dim")
        for one in report["fx"]
        if one["asset"] != reporting
    ]
    return Group(table(f"{report['instrument']} at {report['at']}", columns, rows, left=2), *unusable, *marks)


def _rung(side: str, one: Report) -> list[object]:
    return [
        Text(side, style="red" if side == "ask" else "green"),
        one["listing"],
        exact(one["price"], one["quote"]),
        one["fee_bps"],
        figure(one["all_in_price"]),
        one["size"],
        one["cumulative"],
        one["age_ms"],
    ]


_RIVALS = (
    ("best_single", "best single venue"),
    ("proportional", "proportional to depth"),
    ("sequential", "one after another"),
    ("fee_blind", "fee-blind sweep"),
)


def estimate(report: Report) -> RenderableType:
    """The plan beside what others would do, and what is known before it is sent."""
    return Group(*_compared(report), *_before_sending(report), *_warnings(report), *_left(report))


def _compared(report: Report) -> list[RenderableType]:
    """The plan beside what others would do."""
    base, reporting = _base(report), _reporting(report)
    rows: list[list[object]] = [_alternative("this router", report)]
    for name, label in _RIVALS:
        other = report[name]
        if other is not None:
            where = f" ({other['venue']})" if other["venue"] else ""
            rows.append(_alternative(f"{label}{where}", other))
    columns = ["way", f"all-in {reporting}", "bps to mid", f"left over {base}", f"saving {reporting}", "saving bps"]
    return [
        _plan(report["lines"], f"{report['side']} {report['quantity']} {base} on the books of {report['at']}", report),
        Text(""),
        table("compared", columns, rows),
    ]


def _warnings(report: Report) -> list[Text]:
    """What speaks against what an order goes by."""
    return [Text(one, style="yellow") for one in report["warnings"]]


def _before_sending(report: Report) -> list[RenderableType]:
    """What an estimate knows beyond the comparison."""
    lines: list[RenderableType] = [Text("")]
    if report["rests"]:
        lines.append(Text("first it rests, and fills when others come to it; above is the same order taken at once"))
        lines += [Text(f"  {one['quantity']} at {one['price']} in {one['listing']}") for one in report["rests"]]
    if report["book_bps"] is not None:
        lines.append(Text(f"spread and depth {figure(report['book_bps'])} bps, fees {figure(report['fee_bps'])} bps"))
    band = report["band"]
    if band is not None:
        rests = "watched" if band["watched"] else "a prior, not watched"
        ends = f"{figure(band['low'])} to {figure(band['high'])}"
        moves = f"the mid moves {figure(band['moves_bps_per_s'])} bps a second, {rests}"
        lines.append(Text(f"four in five end all in at {ends} if sent within {band['within_ms'] // 1_000} s ({moves})"))
    lines += _cash(report["cash"], _reporting(report))
    if report["bridges"] is not None:
        lines.append(Text(_bridges(report["bridges"], _reporting(report))))
    beyond = report["impact"]["beyond_the_books_bps"]
    if beyond is not None:
        lines.append(Text(f"beyond the books, by the square-root law: {figure(beyond)} bps", style="yellow"))
    if report["over_time"]:
        columns = ["way", "over", "slices", "cost bps", "of it impact", "risk bps (1 sd)", ""]
        ways = [
            [
                one["policy"],
                f"{one['horizon_s']} s",
                str(one["slices"]),
                figure(one["cost_bps"]),
                figure(one["impact_bps"]),
                figure(one["risk_bps"]),
                one["why_not"] or "",
            ]
            for one in report["over_time"]
        ]
        lines.append(table("cost against time", columns, ways))
    lines.append(Text(f"estimate {report['estimate_id']}"))
    return lines


def _alternative(name: str, one: Report) -> list[object]:
    return [
        name,
        figure(one["all_in_price"]),
        figure(one["slippage_bps"]),
        one["residual"],
        figure(one.get("saving")),
        figure(one.get("saving_bps")),
    ]


def _plan(lines: Sequence[Report], title: str, report: Report) -> Table:
    return table(
        title,
        ["listing", f"quantity {_base(report)}", "limit", "expected", f"all-in {_reporting(report)}"],
        [
            [
                one["listing"],
                one["quantity"],
                exact(one["limit_price"], one["quote"]),
                _with(figure(one["expected_price"]), one["quote"]),
                figure(one["all_in_price"]),
            ]
            for one in lines
        ],
    )


def _left(report: Report) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if report["residual_reason"]:
        left = f"{report['residual']} {_base(report)} left over: {report['residual_reason']}"
        lines.append(Text(left, style="yellow"))
    return lines + [Text(f"{name}: {why}", style="dim") for name, why in report["exclusions"].items()]


def _token_fee(one: Report) -> str:
    if one["why_not"] is not None:
        return f"{one['listing']}: no discount for paying in {one['token']}: {one['why_not']}"
    mark = f"1 {one['token']} is {one['rate']} by {one['source']}"
    return f"{one['listing']}: {one['fee_bps']} bp in {one['token']}, of which {one['held']} are there; {mark}"


def explanation(report: Report) -> RenderableType:
    """One decision."""
    parts: list[RenderableType] = [
        Text(f"round {report['round']} at {report['at']}, journal row {report['journal_seq']}", style="bold"),
        _plan(report["plan"], f"due {report['due']} {_base(report)}", report),
        *_left(report),
        *(Text(_token_fee(one), style="dim") for one in report["token_fees"]),
        *_chances(report),
        *_proof(report),
    ]
    if report["seen"] is not None:
        parts += [Text(""), book(report["seen"])]
    if report["against"] is not None:
        parts += [Text(""), *_compared(report["against"]), *_left(report["against"])]
    return Group(*parts)


def _bridges(bridges: Report, reporting: str) -> str:
    if not bridges["through"]:
        return "no route through a third asset is cheaper"
    routes = ", ".join(f"{quantity} by {route}" for route, quantity in bridges["through"].items())
    saved = f"{figure(bridges['saving'])} {reporting} ({figure(bridges['saving_bps'])} bps)"
    return f"through a third asset {saved} would be saved: {routes}; no order is ever sent that way"


def _chances(report: Report) -> Iterator[Text]:
    if report["fill_chances"] is not None:
        yield Text(f"by expected price, with the learned chances {report['fill_chances']}", style="dim")


def _cash(cash: Report | None, reporting: str) -> Iterator[Text]:
    """What is lost to where the cash sits, if anything is, and which balance one more unit of would save how much."""
    if cash is None or cash["lost_bps"] == "0":
        return
    yield Text(f"{figure(cash['lost_bps'])} bps are lost to where the cash sits")
    for one in cash["shadow_prices"]:
        worth = f"one more {one['asset']} at {one['account']} would save {figure(one['worth'])}"
        yield Text(f"  {worth} {reporting}")


def _proof(report: Report) -> Iterator[Text]:
    """What the decision was proven to be, and what it cost that the cash lay where it lay."""
    proof = report["proof"]
    if report["rests"]:
        yield Text("it rests: nothing was split, so there is nothing to prove", style="dim")
        return
    if proof is None:
        yield Text(f"not proven yet: sor replay --decision {report['decision']}", style="dim")
        return
    if proof["failed"]:
        yield Text(f"its proof does not hold: {proof['failed']}", style="bold red")
    if proof["gap_bps"] is not None:
        yield Text(f"{proof['status']}: within {proof['gap_bps']} bps of the best there was", style="dim")
    yield from _cash(proof["cash"], _reporting(report))


def venues(lines: Sequence[Report]) -> RenderableType:
    """Accounts with tier, gate and holdings; each holding is as old as it says."""
    mode = f", mode {lines[0]['mode']}" if lines else ""
    return table(
        f"venues{mode}",
        ["account", "tier", "fence", "gate", "books", "streams", "key", "symbols", "free", "as of"],
        [
            [
                one["account"],
                one["tier"],
                one["fence"],
                _gate(one),
                _books(one["books_now"]),
                _streams(one["streams_now"]),
                _key(one["key"]),
                ", ".join(one["symbols"]),
                ", ".join(f"{held['free']} {asset}" for asset, held in one["balances"].items()) or None,
                min((held["asked_at"] for held in one["balances"].values()), default=None),
            ]
            for one in lines
        ],
        left=10,
    )


def _books(books: Report | None) -> RenderableType:
    """Those that are out of routing, with the reason; nobody drives: no word."""
    if books is None:
        return Text("nobody drives", style="dim")
    out = [f"{symbol}: {one['unusable']}" for symbol, one in books.items() if one["unusable"]]
    if out:
        return Text("; ".join(out), style="red")
    return Text(f"routed on, at most {max(one['age_ms'] for one in books.values())} ms old", style="green")


def _streams(streams: Report | None) -> RenderableType:
    """What was odd about them since the driver started, the clock first."""
    if streams is None:
        return Text("nobody drives", style="dim")
    if not streams["says"]:
        return Text("nothing odd", style="green")
    return Text("; ".join(streams["says"]), style="yellow")


def _key(key: Report | None) -> RenderableType:
    """Fit to trade with, by the venue's word or somebody's; else everything that is wrong with it."""
    if key is None:
        return Text("not asked", style="dim")
    if key["doubts"]:
        return Text("; ".join(key["doubts"]), style="red" if key["refused"] else "yellow")
    attested = [f"{what} by {one['by']} until {one['until']}" for what, one in key["attested"].items()]
    return Text(f"fit ({', '.join(attested)})" if attested else "fit", style="green")


def _gate(one: Report) -> Text:
    if one["gate_open"] is None:
        return Text("not started", style="dim")
    return Text("open", style="green") if one["gate_open"] else Text(f"closed: {one['gate_reason']}", style="red")


def alerts(lines: Sequence[Report]) -> RenderableType:
    """What a person should know."""
    if not lines:
        return Text("none")
    return table(
        "alerts",
        ["at", "kind", "account", "subject", "detail"],
        [[one["at"], one["kind"], one["account"], one["subject"], one["detail"]] for one in lines],
        left=5,
    )


def doubts(lines: Sequence[Report]) -> RenderableType:
    """Children whose outcome is unknown, and what is said of each."""
    if not lines:
        return Text("none: the outcome of every child is known")
    rows = [
        [
            f"{one['ref_id']}/{one['number']}",
            one["account"],
            _state(one["state"]),
            one["side"],
            f"{one['exposure']} {one['base']}",
            figure(one["notional"]),
            one["since"],
            one["decided_by"],
        ]
        for one in lines
    ]
    columns = ["child", "account", "state", "side", "may come to", "worth at most", "since", "decided by"]
    said = [
        Text(f"{one['ref_id']}/{one['number']}: asks for {one['asked']}; {one['why']}", style="dim") for one in lines
    ]
    return Group(table("in doubt", columns, rows, left=4), *said)


def tied(report: Report) -> RenderableType:
    """A day against the venue's statement."""
    title = f"{report['account']} on {report['day']}: {report['theirs']} trades in the statement"
    if not report["breaks"]:
        return Text(f"{title}, no breaks", style="green")
    rows = [
        [
            *(one[name] for name in ("kind", "trade_id", "order_id", "symbol", "side", "quantity", "price")),
            f"{timedelta(seconds=one['age_s'])}",
            "; ".join(one["what"]) or None,
        ]
        for one in report["breaks"]
    ]
    columns = ["break", "trade", "order", "symbol", "side", "quantity", "price", "age", "what"]
    return table(title, columns, rows, left=5)


def account_now(report: Report) -> RenderableType:
    """An account held against the books."""
    agrees, differs = report["agrees"], report["differs"]
    assets = agrees["assets"]
    held = "its books are not open yet" if assets is None else f"{len(assets)} assets"
    lines = [Text(f"{report['account']} at {report['read_at']}, account {report['gate']}")]
    lines.append(Text(f"agrees: {agrees['orders']} open orders, {agrees['trades']} trades, {held}", style="green"))
    lines += [Text(f"differs: {one['what']}: {one['detail']}", style="bold red") for one in differs]
    lines += [Text(f"not ours, left alone: {one}") for one in report["foreign_orders"]]
    lines += [Text(f"done: {one}") for one in report.get("done", ())]
    lines += [Text(f"a driver would: {one}") for one in report.get("a_driver_would", ())]
    return Group(*lines)


def explanations(reports: Sequence[Report]) -> RenderableType:
    """Decisions, one after the other."""
    if not reports:
        return Text("no round was planned")
    words = [Text(f"{one['at']} {one['kind']}: {one['detail']}") for one in reports[0].get("words", ())]
    return Group(*(part for one in reports for part in (explanation(one), Text(""))), *words)


def sentence(report: Report) -> RenderableType:
    """What became of a request."""
    return Text(report["sentence"])


def not_taken(report: Report) -> RenderableType:
    """A parent nobody has looked at yet."""
    return Text(f"{report['ref_id']}: no driver has taken it yet")


def walked(report: Report) -> RenderableType:
    """The journal's chain."""
    if not report["breaks"]:
        heads = f", {report['heads']} signed heads" if report.get("heads") else ""
        return Text(f"journal verified: {report['rows']} rows, head {report['head'][:16]}{heads}", style="green")
    return Group(*(Text(f"row {one['seq']}: {one['why']}", style="bold red") for one in report["breaks"]))


def verified(report: Report) -> RenderableType:
    """The journal's chain, and the market record's."""
    record = report["market_record"]
    says = f"market record verified: {record['blocks']} blocks, head {record['head'][:16]}"
    lines = [Text(says, style="green")] if not record["breaks"] else []
    lines += [Text(f"market record: {why}", style="bold red") for why in record["breaks"]]
    return Group(walked(report), *lines)
