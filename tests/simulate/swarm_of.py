"""A slice of seeds, run once for a test module, and what must be seen in every slice."""

from router.simulate.many import Ran, Tally, run_seeds
from router.simulate.swarm import PROFILES

RARE = (
    "429 storm",
    "IOC rests",
    "another writer had the place",
    "came after its deadline",
    "cancel of an order that had ended",
    "cancelled by the venue",
    "clock set between drivers",
    "commit answer lost",
    "commit answer read back",
    "commit refused",
    "commit slow",
    "crossed book",
    "database down",
    "database full",
    "died after the commit",
    "died before the commit",
    "ended: another process took the lease",
    "ended: another writer has the place",
    "ended: the database refused",
    "fee surprise",
    "halted",
    "id seen again",
    "killed at command",
    "killed at decided",
    "killed at durable",
    "killed at gated",
    "killed at looked up in doubt",
    "killed at sent",
    "late book",
    "look-up limited",
    "look-up no answer",
    "look-up not sent",
    "look-up the answer cannot be used",
    "look-up turned away",
    "looked up after the venue forgot it",
    "looked up where one endpoint was blind",
    "maintenance",
    "money moved",
    "order limited",
    "order not sent",
    "order turned away",
    "orphan",
    "outage",
    "paused at command",
    "paused at decided",
    "paused at durable",
    "paused at gated",
    "paused at looked up in doubt",
    "paused at sent",
    "paused longer than the lease",
    "record ahead of its trades",
    "rejects later",
    "symbol halted",
    "torn tail",
    "traded by hand",
    "two drivers at once",
)
"""Situations that matter, by their reach probes: a world that no longer shows one of them proves less than it says.

Left to the large run, as a hundred seeds may miss it: a fill after the cancel was acknowledged.
"""


def add(found: Tally, first: int, seeds: int) -> list[Ran]:
    """Some seeds of the usual profile; those that failed."""
    before = len(found.failed)
    for ran in run_seeds(first, seeds, PROFILES["default"], workers=1):
        found.add(ran)
    return found.failed[before:]


def told(failed: list[Ran]) -> str:
    """Every failure with the command that runs it again."""
    return "\n".join(f"{ran.again}: {breach.invariant}: {breach.detail}" for ran in failed for breach in ran.breaches)


def unreached(found: Tally) -> list[str]:
    """What was never seen."""
    return [name for name in RARE if not found.reached[name]]
