"""The hash that chains each journal row to the row before, so that no row can be changed, moved or dropped unseen.

What the chain alone cannot show is a cut tail: the newest rows taken away leave a shorter, valid chain. Against that
stand the other tables (`router.store.audit`) and, outside this database, the exported head.
"""

import hashlib

from router.model.errors import SorError
from router.model.ids import Nanos

GENESIS = "0" * 64
"""What the first row is chained to."""


class ChainBroken(SorError):
    """The journal is not what was written: `seq` is the first row that does not follow from the row before."""

    def __init__(self, seq: int, why: str) -> None:
        self.seq = seq
        self.why = why
        super().__init__(f"the journal's chain breaks at seq {seq}: {why}")


def row_hash(previous: str, shard: str, seq: int, epoch: int, at_ns: Nanos, kind: str, sealed: str) -> str:
    """SHA-256 in hex over the previous hash, every column of the row, and its payload as `seal` gives it.

    One line per column: no other row gives the same bytes, as none of the columns can hold a line break.
    """
    text = f"{previous}\n{shard}\n{seq}\n{epoch}\n{at_ns}\n{kind}\n{sealed}"
    assert text.count("\n") == 6  # noqa: PLR2004 - one per column
    return hashlib.sha256(text.encode()).hexdigest()


def seal(payload: str) -> str:
    """What stands for a payload in the chain: whoever must not read a row can still check that it is in its place."""
    return hashlib.sha256(payload.encode()).hexdigest()
