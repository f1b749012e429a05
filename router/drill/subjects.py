"""Who is rehearsed: this router, or the installed `ccxt.OrderRouter`. Each is a command that a person may run again."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from router.app.exits import ExitCode
from router.drill.judge import Told
from router.drill.process import Started, command, start
from router.drill.rows import LIMIT, QUANTITY
from router.model.errors import SorError

REF = "drill-1"
WAIT_S = 12
"""How long `sor execute` may take before it says that it is not final yet."""
END_S = 25.0
"""A process that has not ended by then never will."""
_PATIENT = {"rounds_max": 40, "round_wait_ms": 50}


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """What the command is given: the settings, in whose folder it works, and where quotes come from."""

    config: Path
    quotes: str
    times: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """A run that came to its own end: it was not killed."""

    code: int
    printed: str


class Subject(Protocol):
    """A command, and what its output means."""

    name: str

    def start(self, errand: Errand, name: str) -> Started:
        """Run it, in a process."""
        ...

    def told(self, runs: Sequence[Ran]) -> Told:
        """What it says of the reference, all runs taken together."""
        ...


class Router:
    """`sor execute`."""

    name = "router"

    def start(self, errand: Errand, name: str) -> Started:
        """The order file is the same for every run."""
        order = {
            "ref_id": REF,
            "instrument": "BTC/USD",
            "side": "BUY",
            "base_quantity": QUANTITY,
            "limit_price": LIMIT,
            "params": _PATIENT,
        }
        folder = errand.config.parent
        path = folder / "order.json"
        path.write_text(json.dumps(order))
        words = ("execute", "--order", str(path), "--wait", str(WAIT_S), "--json", "--config", str(errand.config))
        return start(_commands, words, errand.times, folder=folder, name=name)

    def told(self, runs: Sequence[Ran]) -> Told:
        """Each run tells all there is of the reference, so the last one counts."""
        last = runs[-1]
        documents = list(_documents(last.printed))
        found: Mapping[str, Any] = documents[-1] if documents else {}
        words = f"{found.get('state') or found.get('error') or 'nothing'}, exit code {last.code}"
        if last.code == ExitCode.IN_DOUBT:
            return Told(filled=_number(found.get("filled")), unknown=True, words=words)
        # Without a result nothing was done: that is what its exit codes 1 and 2 say.
        return Told(filled=_number(found.get("filled", "0")), words=words)


class CcxtRouter:
    """`ccxt.OrderRouter`, quote to report."""

    name = "ccxt-router"

    def start(self, errand: Errand, name: str) -> Started:
        """A process such as cron would start: it knows what it is given, and what the venue tells it."""
        return start(_peer, str(errand.config), errand.quotes, errand.times, folder=errand.config.parent, name=name)

    def told(self, runs: Sequence[Ran]) -> Told:
        """A report tells of its own run, so fills are summed, each order once; the last run says if it cannot tell."""
        filled: dict[str, Decimal] = {}
        unknown, words = False, []
        for ran in runs:
            for report in next(_documents(ran.printed), []):
                steps = report.get("steps", [])
                words += [step["status"] + (f" ({step['errorCode']})" if step["errorCode"] else "") for step in steps]
                words += [f"raised {report['raised']}"] if "raised" in report else []
                if steps:  # a report that only refuses takes nothing back
                    unknown = any(step["status"] == "outcome_unknown" for step in steps)
                filled |= {step["orderId"]: Decimal(str(step["filledAmount"])) for step in steps if step["orderId"]}
        return Told(filled=sum(filled.values(), Decimal(0)), unknown=unknown, words=", ".join(words))


SUBJECTS: Mapping[str, Subject] = {subject.name: subject for subject in (Router(), CcxtRouter())}


def _commands(words: tuple[str, ...], times: int) -> int:
    code = 0
    for _ in range(times):
        code = command(*words)
    return code


def _peer(config: str, quotes: str, times: int) -> int:
    from connectors.ccxt_venue.order_router import execute  # noqa: PLC0415 - brings the synchronous ccxt with it
    from router.config import load  # noqa: PLC0415

    [venue] = load(Path(config)).venues
    reports = execute(venue, quotes, REF, Decimal(QUANTITY), times=times)
    sys.stdout.write(json.dumps(reports, default=str))
    return 0


def _documents(text: str) -> Iterator[Any]:
    """JSON documents, one after the other."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        try:
            found, end = decoder.raw_decode(rest)
        except ValueError:
            raise SorError(f"this is no report: {rest[:200]}") from None
        yield found
        rest = rest[end:].strip()


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
