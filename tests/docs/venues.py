"""Write docs/VENUES.md out of the capability map: `python -m tests.docs.venues`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from connectors.budget import NS_PER_MS
from connectors.ccxt_venue.capabilities import CAPABILITIES, Capabilities
from connectors.ccxt_venue.capabilities.wire import wire_of
from connectors.ccxt_venue.clock_sources import CLOCK_SOURCES
from connectors.ccxt_venue.hosts import told_of_testnet
from connectors.ccxt_venue.venue_clock import SKEW_NS_MAX

PAGE = Path(__file__).resolve().parents[2] / "docs" / "VENUES.md"

_HEAD = """# Venues

What each exchange does with our orders, and what ccxt puts on the wire for it. This page is written out of
`connectors/ccxt_venue/capabilities` by `python -m tests.docs.venues`; the same is told by `sor venues capabilities
[VENUE] --json`. The requests were captured from ccxt {ccxt} without a network, and a test captures them again: an
upgrade that changes one fails with the difference.

A tier says how far a connector is proven: **A** end to end against a lab that speaks the venue's protocol, **B**
captured requests and recorded payloads, **C** the venue's test network, **D** live. Live trading on A or B has to be
acknowledged per venue.

A fence is what makes it safe to say that a lost order will never appear. `DEADLINE`: the venue refuses a request that
arrives later. Where there is none, a lost order that cannot be found goes to a person. A venue without a fence has one
driver and no stand-by, and one that does not refuse used ids either has at most one child that may be in doubt or
working at a time.

Marks: *captured* in a request of this ccxt; *tried* against a server or handler of our own; *documented* by the venue;
*unchecked*: general knowledge, on which no fence and no licence rests.
"""


def page() -> str:
    """All of it."""
    ccxt = wire_of("binance").ccxt
    parts = [_HEAD.format(ccxt=ccxt), _overview(), *(_section(one) for one in CAPABILITIES.values())]
    return "\n".join(parts)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(each) for each in row)} |" for row in rows]
    return "\n".join([*lines, ""])


def _cell(value: object) -> str:
    return "-" if value is None else str(value).replace("|", "\\|")


def _overview() -> str:
    columns = ("venue", "tier", "fence", "children at once", "drivers", "a used id", "fee in", "private stream")
    return _table(
        columns,
        [
            (
                f"[{one.venue}](#{one.venue})",
                one.tier.value,
                one.fence.value,
                one.outstanding_max or "no bound",
                one.replicas_max,
                f"{one.client_id.uniqueness.value} ({one.client_id.uniqueness_mark.value})",
                one.fee_in.value.lower(),
                _channels(one),
            )
            for one in CAPABILITIES.values()
        ],
    )


def _channels(one: Capabilities) -> str:
    named = (("orders", one.channels.orders), ("trades", one.channels.trades), ("balances", one.channels.balances))
    return ", ".join(name for name, there in named if there)


def _section(one: Capabilities) -> str:
    title = f"## {one.venue}\n\nTier {one.tier.value} ({one.tier.meaning}), {one.proven}.\n"
    traps = [(trap.says, trap.mark.value, f"`{trap.test.partition('::')[2]}`") for trap in one.traps]
    return "\n".join(
        [
            title,
            _table(("", ""), _facts(one)),
            _table(("trap", "mark", "test"), traps),
            _table(("call", "what is sent"), _wire(one)),
        ]
    )


def _facts(one: Capabilities) -> list[tuple[str, object]]:
    client_id, expiry, route, crossing = one.client_id, one.expiry, one.cancel.route, one.kinds.crossing
    at_most = "" if client_id.length_max is None else f", at most {client_id.length_max}"
    routes = [f"`{way.endpoint}`, `{way.param}`: {_noted(way.covers.value, way.note)}" for way in one.look_up.routes]
    return [
        (
            "fence",
            f"{one.fence.value}; children at once: {one.outstanding_max or 'no bound'}; drivers: {one.replicas_max}",
        ),
        ("client id", f"`{client_id.field}`, {client_id.charset}{at_most} ({client_id.limits_mark.value})"),
        ("our spelling", f"{client_id.encoding.value}, given to ccxt as `{client_id.param}`"),
        ("ccxt's `clientOrderId`", f"{client_id.unified.value}; without one: {client_id.when_absent}"),
        ("a used id", f"{client_id.uniqueness.value} ({client_id.uniqueness_mark.value}); {client_id.on_reuse}"),
        ("look-up by our id", "; ".join(routes) or "none"),
        ("searched besides", one.look_up.instead),
        ("records kept", one.look_up.kept),
        ("ccxt's `fetch_order` by our id", one.look_up.fetch_order.value),
        (
            "cancel by our id",
            _noted(f"`{route.endpoint}`, `{route.param}`", route.note) if route else "no: by the venue's",
        ),
        ("ccxt's `cancel_order` by our id", one.cancel.cancel_order.value),
        ("immediate or cancel", f"`{one.kinds.ioc.wire}`"),
        ("fill or kill", f"`{one.kinds.fok.wire}`"),
        ("resting", f"`{one.kinds.gtc.wire}`"),
        ("post-only", _noted(f"`{one.kinds.post_only.wire}`", one.kinds.note)),
        ("post-only that would take", f"{crossing.shown.value}: {crossing.words} ({crossing.mark.value})"),
        ("answer to an order", one.answers_with),
        ("amend", one.amend),
        ("several orders at once", one.batch_max),
        ("dead-man timer", one.dead_man),
        ("request deadline", f"`{expiry.param}`, read at the {expiry.where} ({expiry.mark.value})" if expiry else None),
        ("fee", _noted(one.fee_in.value.lower(), one.fee_note)),
        ("a token's discount", one.discount.says if one.discount else None),
        ("a lost book message", one.book_check),
        ("its clock against ours", _clock(one)),
        ("what a key may do", f"`{one.key_powers}`" if one.key_powers else "not told: the operator attests it"),
        ("deposits and withdrawals", one.movements),
        ("ccxt's test network", one.testnet),
        ("mode testnet", told_of_testnet(one.venue)),
        ("ccxt asks before a first order", ", ".join(wire_of(one.venue).has["asks before a first order"]) or None),
    ]


def _clock(one: Capabilities) -> str:
    """By what it is read, and from when on the two are surely too far apart."""
    source = CLOCK_SOURCES[one.venue]
    told_ms = (SKEW_NS_MAX + source.resolution_ns) / NS_PER_MS
    return f"{source.says}; told of from {told_ms:g} ms apart on, and what the way there and back takes"


def _noted(text: str, note: str) -> str:
    return f"{text} ({note})" if note else text


def _wire(one: Capabilities) -> list[tuple[str, str]]:
    return [
        (call.name, "<br>".join(f"`{each.line}`" for each in call.sent) or f"nothing: {call.raised}")
        for call in wire_of(one.venue).calls
    ]


if __name__ == "__main__":
    PAGE.write_text(page())
