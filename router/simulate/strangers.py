"""Held against the journal's own readings: a stranger's order is said once, and not remembered for ever (D68)."""

from collections.abc import Iterable, Iterator

from router.engine.state import State, stranger_key
from router.model.events import AccountSeen
from router.model.facts import StrangerSeen
from router.model.ids import AccountId, Nanos
from router.model.outcomes import AccountRead
from router.ports import JournalRow

Broken = tuple[str, str]
"""An invariant, and how it did not hold."""


class _Seen:
    """When each order that was said was last shown, and since which reading its account shows it no more."""

    def __init__(self) -> None:
        self.shown_ns: dict[str, Nanos] = {}
        self.gone_ns: dict[str, Nanos] = {}
        self.read_ns: dict[AccountId, Nanos] = {}

    def take(self, read: AccountRead, said: Iterable[str]) -> None:
        there = {stranger_key(order) for order in read.open_orders}
        self.read_ns[read.account] = read.asked_ns
        self.shown_ns.update(dict.fromkeys(said, read.asked_ns))
        for key in self.shown_ns:
            if key in there:
                self.shown_ns[key] = read.asked_ns
                self.gone_ns.pop(key, None)
            elif _account(key) == read.account:
                self.gone_ns.setdefault(key, read.asked_ns)


def misremembered(rows: Iterable[JournalRow], state: State, after_ns: int) -> Iterator[Broken]:
    """What was said again too soon, and what is still known although it went long ago."""
    seen = _Seen()
    for row in rows:
        event = row.stamped.event
        said = [stranger_key(fact.order) for fact in row.facts if isinstance(fact, StrangerSeen)]
        if not isinstance(event, AccountSeen):
            continue
        for key in said:
            if key in seen.shown_ns and event.read.asked_ns - seen.shown_ns[key] < after_ns:
                yield "I4", f"{key}, a stranger's order, is said again"
        seen.take(event.read, said)
    for key in sorted(state.strangers):
        since_ns = seen.gone_ns.get(key)
        if since_ns is not None and seen.read_ns[_account(key)] - since_ns >= 2 * after_ns:
            yield "I18", f"{key}, a stranger's order, is still remembered"
    for key in sorted(state.strangers_gone.keys() - state.strangers):
        yield "I18", f"{key} is waited for and not known"


def _account(key: str) -> AccountId:
    return AccountId(key.partition("|")[0])
