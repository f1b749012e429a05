"""The table as a document: both subjects, the same rows, on the same lab."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from connectors.ccxt_venue.order_router import VERSION as CCXT
from router.app.version import VERSION
from router.drill.judge import Word
from router.drill.play import Outcome
from router.drill.rows import QUANTITY, Group
from router.drill.run import counted
from router.model.money import plain

VERSIONS: Mapping[str, str] = {"crypto-sor": VERSION, "ccxt": CCXT}
SUBJECTS = ("router", "ccxt.OrderRouter")
COMMAND = "sor drill --compare docs/COMPARE.md"
COUNTS = ("| rows | cases | router | ccxt.OrderRouter |", "|---|---|---|---|")

_BREACHES = (
    "more than was ordered, two orders under one id, another figure than the venue's, a signed request that followed a "
    "redirect, an order left open, or no end within 25 s"
)
_HEAD = """# The same faults for this router and for `ccxt.OrderRouter`

Written by `{command}` on {date}: crypto-sor {sor}, ccxt {ccxt}, {rows} rows on each
of {protocols}, for both. Anybody can make it again with `make compare`: it needs no keys and no network.

**How a case goes.** A loopback exchange of its own speaks the venue's protocol. A process is told to buy {quantity} BTC
under a reference. One thing goes wrong, as the row says; where a row says *the same command again* or *run again*, it
is started again with the same reference, quantity and limit, as cron or a person would. Then the exchange's own record
is compared with what the subject says. Nobody else trades there. A case whose fault met nothing is played once more.

| word | meaning |
|---|---|
| done | all of it, once, and told so |
| short *n* | less than all of it, and told exactly how much |
| asks | it says that it does not know, and nothing is wrong: a person has to look |
| **bold** | a breach: {breaches} |
| * | the fault found nothing of the subject's to meet: no such request, no such socket, or no process any more |

**How the peer is driven.** The installed `ccxt.OrderRouter`, unmodified, on ccxt's synchronous client, with the hosts,
keys and time-out the router has. `fetch_route`, then `execute` with the default strategy; `idempotencyKey` is the
reference, `maxPlanAgeMs` is 5,000 (its default is no limit), and `orderParams` carries a client order id that is the
same for every run of the reference, which its documentation names for callers whose plans must never run twice.
`retryFailedSteps` is left at its default, 0. Its quotes come from a loopback service with the answers of the hosted
one, made from the lab's books. Its reports are read together, each order once. Where its last report says
`outcome_unknown` it asks for a person: the rows that run the command again all the same show what that does. At
coinbase this ccxt drops `clientOrderId`, so the id is given under the venue's own name there, and the venue answers a
used id with its first order.

The router's account at coinbase has its id dedupe licensed.

Two rows are races: of *the same command twice at once* and *killed as the trade is made* another run may show another
cell for a subject whose runs do not know of each other.

What this does not show: splits over several venues, sells, resting orders, hops, or what a real venue does.

## Counts

"""


def cell(outcome: Outcome) -> str:
    """A case in the table: its word, or what was breached; `*` where the fault found nothing to meet."""
    verdict = outcome.verdict
    words = {
        Word.DONE: "done",
        Word.SHORT: f"short {plain(verdict.executed)}",
        Word.ASKS: "asks",
        Word.BREACH: f"**{'; '.join(verdict.breaches)}**",
    }
    return words[verdict.word] + ("" if outcome.reached else " *")


def written(results: Sequence[Sequence[Outcome]], protocols: Sequence[str], date: str) -> str:
    """The whole page. `results`: of the router and of the peer, over the same rows and protocols."""
    rows = list(dict.fromkeys(outcome.case.row.name for outcome in results[0]))
    head = _HEAD.format(
        command=COMMAND,
        date=date,
        sor=VERSIONS["crypto-sor"],
        ccxt=VERSIONS["ccxt"],
        rows=len(rows),
        protocols=", ".join(protocols),
        quantity=QUANTITY,
        breaches=_BREACHES,
    )
    lines = [*COUNTS, *_counts(results), "", "## Every case", "", *_table(results, protocols, rows)]
    return head + "\n".join(lines) + "\n"


def heading(protocols: Sequence[str]) -> str:
    """The first line of the large table."""
    columns = [f"{subject}: {protocol}" for subject in SUBJECTS for protocol in protocols]
    return _line("", "row", *columns)


def _counts(results: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    for group in Group:
        of_group = [[one for one in outcomes if one.case.row.group is group] for outcomes in results]
        if of_group[0]:
            yield _line(str(group), str(len(of_group[0])), *(_summary(outcomes) for outcomes in of_group))
    yield _line("**all**", str(len(results[0])), *(_summary(outcomes) for outcomes in results))


def _summary(outcomes: Sequence[Outcome]) -> str:
    counts = counted(outcomes)
    words = [f"{counts[word]} {word}" for word in ("done", "short", "asks") if counts[word]]
    words += [f"**{counts['breach']} breached**"] if counts["breach"] else []
    return ", ".join(words) + (f"; {counts['not_reached']} not reached" if counts["not_reached"] else "")


def _table(results: Sequence[Sequence[Outcome]], protocols: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    found = {
        (place, one.case.row.name, one.case.seat.name): one
        for place, outcomes in enumerate(results)
        for one in outcomes
    }
    yield heading(protocols)
    yield "|" + "---|" * (2 + len(protocols) * len(results))
    for row in rows:
        cells = chain.from_iterable(
            (cell(found[place, row, protocol]) for protocol in protocols) for place in range(len(results))
        )
        yield _line(str(found[0, row, protocols[0]].case.row.group), row, *cells)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
