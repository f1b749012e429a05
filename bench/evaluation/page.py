"""docs/EVALUATION.md, written from what was replayed. Every figure on the page comes through here."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from bench.evaluation import cells
from bench.evaluation.bands import Banded, by_size, coverage, factors
from bench.evaluation.cells import FEES, OURS, PATIENT, Cell
from bench.evaluation.halves import DRIFTING, SEQUENTIAL, Taught
from bench.evaluation.seeded import DUPLICATED
from router.evaluation.statistics import Mean, clustered_mean, holm, sign_flip
from router.tca.band import HIGH, LOW, WATCH_MS, WITHIN_MS

Job = tuple[str, str, str, str, int]
_NOISE = 5e-5
"""Means closer than this (bps) print alike."""


def page(
    found: Mapping[Job, Cell],
    bands: Mapping[str, Sequence[Banded]],
    lessons: Mapping[str, Taught],
    *,
    tapes: bool,
) -> str:
    """The whole page."""
    parents = next(iter(found))[-1]
    parts = [_HEAD.format(parents=parents, fees=_fees(), delays=_delays(), duplicated=DUPLICATED)]
    if not tapes:
        parts.append("**The recorded tapes were not there: only the seeded market was replayed.**")
    parts += [_verdict(found), _READING]
    for market in dict.fromkeys(job[0] for job in found):
        for fees in FEES:
            rows = [one for job, one in found.items() if job[:3] == (market, fees, "main")]
            parts.append(_main(market, fees, rows))
    parts += [_why(found), _harder(found), _halves(found, lessons), _tails(found), _bands(bands)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(found: Mapping[Job, Cell]) -> str:
    """Where we are not better, in so many words: as an order is worked by default, and when it is patient."""
    lines = ["## Verdict"]
    for base in (OURS, PATIENT):
        worse, compared, sure = [], 0, 0
        for (market, fees, asked, size, _), one in found.items():
            for rival in _rivals(one) if asked == "main" else ():
                compared += 1
                mean = _paired(one, rival, base)
                if mean.mean < -_NOISE:
                    beyond = mean.high is not None and mean.high < -_NOISE
                    sure += beyond
                    word = ", **beyond chance**" if beyond else ": chance could have made it"
                    worse.append(
                        f"- {market}, {fees}, {size} BTC: {rival} is {-mean.mean:.4f} bps cheaper {_ends(mean)}{word}"
                    )
        name = base[0].upper() + base[1:]
        if worse:
            told = f"{name} is not better in {len(worse)} of {compared} comparisons, in {sure} of them beyond chance"
            lines += ["", f"{told} (the 95 % interval of the difference leaves zero out):", "", *worse]
        else:
            lines += ["", f"{name} is not worse in the mean in any of {compared} comparisons."]
    return "\n".join(lines)


def _ends(mean: Mean) -> str:
    return "" if mean.low is None or mean.high is None else f"(interval {-mean.high:.4f} to {-mean.low:.4f})"


def _main(market: str, fees: str, rows: Sequence[Cell]) -> str:
    head = f"## {market.capitalize()} market, {fees} fees"
    costs = _table(
        ["BTC", *[f"{name}" for name in rows[0].runs], "clairvoyant"],
        [
            [
                one.size,
                *[_interval(_mean(one, name)) if name == OURS else f"{_mean(one, name).mean:.3f}" for name in one.runs],
                f"{sum(one.oracle) / len(one.oracle):.3f}",
            ]
            for one in rows
        ],
    )
    rivals = [name for name in rows[0].runs if name != OURS]
    paired = [[_paired(one, rival) for rival in rivals] for one in rows]
    chances = [holm([_chance(one, rival) for rival in rivals]) for one in rows]
    differences = _table(
        ["BTC", *rivals],
        [
            [one.size, *[f"{_interval(mean)}{_star(p)}" for mean, p in zip(means, chance, strict=True)]]
            for one, means, chance in zip(rows, paired, chances, strict=True)
        ],
    )
    captured = _table(
        [
            "BTC",
            "share of the clairvoyant saving over the best single venue",
            "filled",
            "missed",
            "rounds",
            "orders",
            "ms",
        ],
        [[one.size, _captured(one), *_facts(one, OURS)] for one in rows],
    )
    compared = (
        "What each rival costs more than this router, bps, paired per parent with its 95 % interval (negative: it"
        " is cheaper; * significant at 5 % after Holm's correction):"
    )
    parts = [
        head,
        "Mean all-in shortfall against the arrival mid, bps:",
        costs,
        compared,
        differences,
        "This router's rounds:",
        captured,
    ]
    return "\n\n".join(parts)


def _why(found: Mapping[Job, Cell]) -> str:
    """The experiments behind the planning rule."""
    parts = ["## What the planning rule rests on"]
    for asked, text in (("limits", _LIMITS), ("reaches", _REACHES)):
        rows = [one for job, one in found.items() if job[2] == asked]
        if not rows:
            continue
        names = [name for name in rows[0].runs if name != OURS]
        parts += [
            text,
            _table(
                ["BTC", *names],
                [[one.size, *[_interval(_paired(one, name)) for name in names]] for one in rows],
            ),
        ]
        if asked == "reaches":
            parts += [
                "The same for the first and the second half of the market, reach 0.2 bps:",
                _table(
                    ["BTC", "first half", "second half"],
                    [[one.size, *[_interval(_half(one, late)) for late in (False, True)]] for one in rows],
                ),
            ]
    return "\n\n".join(parts)


def _harder(found: Mapping[Job, Cell]) -> str:
    rows = [one for job, one in found.items() if job[2] == "harder"]
    names = [name for name in rows[0].runs if name != OURS]
    return "\n\n".join(
        [
            _HARDER,
            _table(
                ["market", "fees", "BTC", *names],
                [[one.market, one.fees, one.size, *[_interval(_paired(one, name)) for name in names]] for one in rows],
            ),
        ]
    )


def _halves(found: Mapping[Job, Cell], lessons: Mapping[str, Taught]) -> str:
    """Learned on the first half, judged on the second."""
    parts = ["## What is learned, and what it is worth", _HALVES]
    for market, taught in lessons.items():
        latencies = ", ".join(f"{venue} {ms}" for venue, ms in taught.latency_ms.items())
        firsts = ", ".join(
            f"{cell.steps[0].chance:.3f} at {cell.venue} ({_age(taught, cell.age_bucket)};"
            f" {cell.orders} orders, {cell.looks} looks)"
            for cell in taught.chances.cells
        )
        parts.append(
            f"{market.capitalize()} market, first half: the mid moves {taught.drift_bps} bps in"
            f" {taught.round_trip_ms} ms; three orders in four arrive within {latencies} ms; a first lot is there with"
            f" {firsts}."
        )
    rows = [(job[2], one) for job, one in found.items() if job[2].startswith("halves")]
    if rows:
        names = [name for name in rows[0][1].runs if name != OURS]
        cells_of = [
            [one.market, "harder" if "harder" in asked else "as above", one.size]
            + [_interval(_paired(one, name)) for name in names]
            + [_interval(_paired(one, SEQUENTIAL, DRIFTING))]
            for asked, one in rows
        ]
        parts.append(_table(["market", "reading", "BTC", *names, f"{SEQUENTIAL} above that reach"], cells_of))
    return "\n\n".join(parts)


def _age(taught: Taught, bucket: int) -> str:
    edges = taught.chances.age_ms_edges
    return f"book below {edges[bucket]} ms old" if bucket < len(edges) else f"book {edges[-1]} ms old or more"


def _tails(found: Mapping[Job, Cell]) -> str:
    rows = [one for job, one in found.items() if job[2] == "main"]
    return "\n\n".join(
        [
            "## Spread of the outcome",
            "Standard deviation of the cost, bps. Patience costs certainty: the market moves meanwhile.",
            _table(
                ["market", "fees", "BTC", OURS, PATIENT, "sequential"],
                [
                    [
                        one.market,
                        one.fees,
                        one.size,
                        *[f"{_deviation(_costs(one, name)):.2f}" for name in (OURS, PATIENT, "sequential")],
                    ]
                    for one in rows
                ],
            ),
        ]
    )


def _bands(found: Mapping[str, Sequence[Banded]]) -> str:
    """Coverage of the estimate's band, by market and size."""
    parts = ["## The estimate's band", _BANDS.format(low=LOW, high=HIGH, within=WITHIN_MS, watch=WATCH_MS)]
    for market, parents in found.items():
        low, high = factors(parents)
        sizes = by_size(parents)
        rows = [[size, f"{100 * coverage(own):.1f} %"] for size, own in sizes.items()]
        parts += [
            f"{market.capitalize()} market: its first half would have the factors {low:.2f} and {high:.2f}.",
            f"The shipped band covers {100 * coverage(parents):.1f} % of the parents of its second half:",
            _table(["BTC", "covered"], rows),
        ]
    return "\n\n".join(parts)


def _rivals(one: Cell) -> list[str]:
    return [name for name in one.runs if name not in {OURS, PATIENT}]


def _costs(one: Cell, name: str) -> list[float]:
    return [run.cost_bps for run in one.runs[name]]


def _mean(one: Cell, name: str) -> Mean:
    return clustered_mean(_costs(one, name), one.clusters)


def _differences(one: Cell, name: str, base: str) -> list[float]:
    return [theirs - ours for theirs, ours in zip(_costs(one, name), _costs(one, base), strict=True)]


def _paired(one: Cell, name: str, base: str = OURS) -> Mean:
    return clustered_mean(_differences(one, name, base), one.clusters)


def _half(one: Cell, late: bool) -> Mean:
    chosen = [index for index, is_late in enumerate(one.late) if is_late is late]
    differences = _differences(one, PATIENT, OURS)
    return clustered_mean([differences[index] for index in chosen], [one.clusters[index] for index in chosen])


def _chance(one: Cell, rival: str) -> float:
    return sign_flip(_differences(one, rival, OURS), one.clusters)


def _captured(one: Cell) -> str:
    base, ours = _costs(one, "best single venue"), _costs(one, OURS)
    saving = sum(base) - sum(one.oracle)
    if saving < 0.005 * len(base):
        return "no saving to be had"
    return f"{100 * (sum(base) - sum(ours)) / saving:.0f} %"


def _facts(one: Cell, name: str) -> list[str]:
    runs = one.runs[name]
    count = len(runs)
    asked = sum((run.filled + run.left for run in runs), Decimal(0))
    return [
        f"{100 * float(sum((run.filled for run in runs), Decimal(0)) / asked):.3f} %",
        f"{100 * sum(run.missed for run in runs) / count:.1f} %",
        f"{sum(run.rounds for run in runs) / count:.2f}",
        f"{sum(run.children for run in runs) / count:.2f}",
        f"{sum(run.took_ms for run in runs) / count:.0f}",
    ]


def _deviation(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return float((sum((one - mean) ** 2 for one in values) / (len(values) - 1)) ** 0.5)


def _interval(mean: Mean) -> str:
    if mean.low is None or mean.high is None:
        return f"{mean.mean:.3f}"
    return f"{mean.mean:.3f} [{mean.low:.3f}, {mean.high:.3f}]"


def _star(p: float) -> str:
    return " *" if p < 0.05 else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *[f"| {' | '.join(row)} |" for row in rows]])


def _fees() -> str:
    return "; ".join(
        f"`{name}`: {', '.join(f'{venue} {bps}' for venue, bps in table.items())}" for name, table in FEES.items()
    )


def _delays() -> str:
    feed = ", ".join(f"{venue} {ms}" for venue, ms in cells.DELAYS.feed_ms.items())
    order = ", ".join(f"{venue} {ms}" for venue, ms in cells.DELAYS.order_ms.items())
    return f"books are seen {feed} ms late; an order takes {order} ms one way in the median, lognormal, sigma 0.4"


_HEAD = """# Execution quality

    python -m bench evaluate --write

writes this page; `--quick` replays a tenth of the parents. Every figure below comes from one run of it.

**What is replayed.** {parents} parents per size at random times and sides, sizes spread by 30 % either way. *Recorded
market*: the raw frames of three matching engines, BTC, five and a half minutes of 2024-08-08, made one market by the
constant factors given with them. *Seeded market*: makers around one hidden price who see it 0, 60 and 140 ms late,
and who withdraw {duplicated} of what is taken elsewhere. A rule sees the books as they were known when it decides
({delays}; drawn per parent, the same for every rule). Each order is immediate-or-cancel and meets the book of the
moment it arrives; answers take as long again. What is left is planned again, for every rule in the same rounds (at
most 12), and after the last of them bought at the books of then. What was taken is missing at its price for a second.

**What is compared.** *This router*: the shipped splitter under SWEEP's rounds as an order gets them by default.
*reach_bps 0.2*: the same asked to be patient, its first round within 0.2 bps of the best all-in price, each next one
half as far again. *Best single venue*: where this size is cheapest, chosen anew each round. *Proportional*: by
displayed depth within 10 bps. *Sequential*: the split's best line only, the next venue after the answer.
*Fee-blind*: the sweep by raw price. *Merged levels*: the
quote rule of ccxt.OrderRouter's service, levels of all venues by fee-adjusted price without lots, legs cut to lots
when sent and refused below a minimum, limits 25 bps beyond the expected price (its default); it sends leg after leg by
default, here all go at once, which is kinder. *Clairvoyant*: the best split of the books that the first round's orders
will meet; who comes back for more can beat it. All pay the same fees (bps, taker, in quote; {fees}), keep the same
lots and minimums.

**How it is counted.** Cost is the all-in cash against quantity x the consolidated mid at arrival, fees included;
positive hurts. Intervals are 95 %, bias-corrected and accelerated bootstrap over clusters of 15 seconds, comparisons
are paired per parent; p-values are by sign flips of whole clusters.

**What it cannot show.** One pair, one evening, minutes of it; nobody reacts to us but by the rules above; order
latencies are assumed, not measured; sizes stay below 5 % of the depth within 10 bps."""

_LIMITS = """**How far beyond its worst level may a limit stand?** A wider limit misses less and pays more. Cost above a
limit at the worst level, bps (positive: dearer), all at once:"""
_REACHES = """**How deep should the first round go?** Cost above taking all at once, bps (negative: cheaper):"""
_HARDER = """## A harder reading

Here what was taken is missing for a second from the best that the venue then shows, wherever it quotes by then: nobody
refills for us. What each costs more than this router, bps:"""
_HALVES = """Nothing here was tuned on what it is judged by: chances, latencies and drift come from the first half of
each market, the parents from its second half. *Learned fill chances*: the split by expected price, with own orders of
the first half (Kaplan-Meier) and looks at its books (`sor learn fill` builds such a set from a journal and a market
record). *Arriving together*: each order held back by how much faster its venue is than the slowest. *Reach of the
market's drift*: a first round within what the mid is expected to move until the answers are back, a rule without a
knob. What each costs more than this router, bps (negative: cheaper), and in the last column the sequential rule more
than the reach of the drift:"""
_BANDS = """An estimate says in what band four outcomes in five should end. Here each parent is estimated, waits up to
{within} ms, and is then sent; the mid was watched for {watch} ms before. The band's ends are the factors {low} and
{high}, calibrated on the first half of the recorded market, times (mean move per second + 0.25 bps + depth of the
split). The second half had no part in the two
factors; but the form (horizon, watch, constant) was picked among 192 by how it did on it, and `reach_bps` among
some widths on these parents: neither is a figure for data nobody has looked at."""
_READING = """\
**What follows (run of 2026-11-20).** Limits stay at the worst level a line needs: no wider one is cheaper beyond its
noise, and at 10 BTC all are dearer. The only rival that is ever cheaper beyond chance is the sequential one, by at most
0.07 bps, mostly for parents of 4 BTC and more: not for where it sends, but because it takes its time, and the books
refill meanwhile. `reach_bps 0.2` takes that time at all venues at once and is, within the intervals, as cheap; its
outcome scatters more. How much of it is real is open: in the harder reading below, where nobody refills for us, no gain
of either over taking all at once can be told from chance on the recorded market. So it is a parameter of the order
(`params.reach_bps`), off by default, until own fills decide.

What the first half of a market teaches, judged on its second: learned fill chances are dearer beyond chance in six of
the twelve cells and cheaper in none, so `learned.fill` is off; orders made to arrive together are dearer in two and
cheaper in none, so they leave at once. A first round as deep as the market is expected to move until the answers are
back, which nobody tuned, is dearer than this router or the sequential rule beyond chance in no cell, and cheaper than
either in three; where nobody refills, it is dearer in the mean for 4 and 10 BTC on the recorded market. That is what to
give as `reach_bps` where patience is wanted; it is not the default, because what it rests on is the refilling."""
