"""What a simulation must have shown before its silence means anything, by the names of its reach probes."""

from collections.abc import Mapping

RARE = (
    "429 storm",
    "IOC rests",
    "a fill was faster than a cancel",
    "another writer had the place",
    "archived",
    "archived reference again",
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
    "filled while it rested",
    "halt took hold",
    "halted",
    "id seen again",
    "killed at command",
    "killed at decided",
    "killed at durable",
    "killed at gated",
    "killed at looked up in doubt",
    "killed at sent",
    "late book",
    "late fill of an archived child",
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
    "recalled",
    "post-only would have taken",
    "record ahead of its trades",
    "rejects later",
    "rested",
    "rows of an archived child repeated",
    "symbol halted",
    "taken off by the venue while it rested",
    "torn tail",
    "traded by hand",
    "two drivers at once",
    "withdrawn after a part had filled",
)
"""Situations that matter: a world that no longer shows one of them proves less than it says.

A fill after its cancel was acknowledged is not among them: a hundred seeds may miss it.
"""
BASKETS = (
    "asked for a basket",
    "basket CANCELLED",
    "basket COMPLETED",
    "basket COMPLETED_ADJUSTED",
    "basket REJECTED",
    "buy scaled because a sell ended short",
    "buy waits for a sell in doubt",
    "buy waits for balances",
    "killed between release and send",
)
"""What seeds with baskets must have shown beside."""
MANY_CHILDREN = 100_000
TIMES_LEAST = 100
"""How often each must be seen in a run of so many children."""


def seldom(reached: Mapping[str, int], least: int = 1) -> dict[str, int]:
    """What was seen fewer than `least` times, and how often it was."""
    return {name: reached.get(name, 0) for name in RARE if reached.get(name, 0) < least}
