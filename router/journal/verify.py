"""Walk the journal and say where the chain breaks.

Each row is judged against the row before it, as stored; a broken row does not make the rows after it look broken, so
what is reported is what was touched.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from router.journal.chain import GENESIS
from router.journal.converters import CodecError
from router.journal.rows import StoredRow, row_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """One thing wrong with the row at `seq`."""

    seq: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """How far the walk has come: what the next row has to follow from."""

    seq: int = 0
    hash: str = GENESIS
    epoch: int = 0
    at_ns: int = 0


def step(walk: Walk, row: StoredRow) -> tuple[Walk, tuple[Break, ...]]:
    """One row on: where the walk stands now, and what was wrong with the row."""
    found = tuple(Break(seq=row.seq, why=why) for check in _CHECKS if (why := check(walk, row)) is not None)
    return Walk(seq=row.seq, hash=row.hash, epoch=row.epoch, at_ns=row.at_ns), found


def breaks(rows: Iterable[StoredRow], walk: Walk | None = None) -> tuple[Break, ...]:
    """Everything wrong with these rows, which follow on `walk` (the beginning, if none is given)."""
    walk = walk or Walk()
    found: list[Break] = []
    for row in rows:
        walk, wrong = step(walk, row)
        found.extend(wrong)
    return tuple(found)


def _gap(walk: Walk, row: StoredRow) -> str | None:
    return None if row.seq == walk.seq + 1 else f"it follows seq {walk.seq}: rows are missing or out of place"


def _hash(walk: Walk, row: StoredRow) -> str | None:
    if row.hash == row.hash_after(walk.hash):
        return None
    return "its hash does not fit its content and the row before"


def _epoch(walk: Walk, row: StoredRow) -> str | None:
    return None if row.epoch >= walk.epoch else f"epoch {row.epoch} after epoch {walk.epoch}: a stale writer"


def _time(walk: Walk, row: StoredRow) -> str | None:
    return None if row.at_ns >= walk.at_ns else "its time lies before the time of the row before"


def _payload(_walk: Walk, row: StoredRow) -> str | None:
    try:
        decoded = row_of(row.at_ns, row.payload)
    except CodecError as error:
        return f"its payload cannot be read: {error}"
    kind = type(decoded.stamped.event).__name__
    return None if kind == row.kind else f"it says {row.kind} and holds {kind}"


_CHECKS: tuple[Callable[[Walk, StoredRow], str | None], ...] = (_gap, _hash, _epoch, _time, _payload)
