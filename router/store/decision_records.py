"""What every decision was proven to be, as a watcher worked it out: kept once, told with the decision.

Everything in here follows from the journal and can be worked out again; a power cut may take the last of it back.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from router.model.errors import StoreUnavailable
from router.model.ids import Nanos, ParentId
from router.store import statements as sql
from router.store.beside import Beside
from router.store.session import MaybeWritten, NotWritten, Step

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRecord:
    """One decision's record; `failed`: in a sentence what does not hold of it, empty where everything does."""

    parent_id: ParentId
    round: int
    seq: int
    at_ns: Nanos
    failed: str
    record: Record


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedDecision:
    """A decision whose proof does not hold."""

    parent_id: ParentId
    round: int
    seq: int
    at_ns: Nanos
    failed: str


class DecisionRecords(Beside):
    """Those of one shard, at `url`. Raises `StoreUnavailable` where the database cannot be used."""

    def __init__(self, url: str, shard: str = "main") -> None:
        super().__init__(url)
        self._shard = shard

    async def reached(self) -> int:
        """The journal row of the newest decision that is recorded; 0 before the first."""
        ((seq,),) = await self._read(sql.DECISIONS_PROVEN, self._shard)
        return cast("int", seq or 0)

    async def keep(self, records: Sequence[DecisionRecord]) -> None:
        """Write them, once each: what is there stays."""
        rows = [
            (self._shard, one.parent_id, one.round, one.seq, one.at_ns, one.failed, _packed(one.record))
            for one in records
        ]
        if not rows:
            return
        session = await self._connected()
        try:
            await session.write([Step(sql.KEEP_DECISION, tuple(rows))])
        except (NotWritten, MaybeWritten) as error:
            await self.close()
            raise StoreUnavailable(f"records of decisions: {error}") from error

    async def of(self, parent: ParentId) -> Mapping[int, tuple[str, Record]]:
        """By round: what failed, and the record."""
        rows = await self._read(sql.DECISION_RECORDS, self._shard, parent)
        return {cast("int", row[0]): (cast("str", row[1]), _unpacked(cast("bytes", row[2]))) for row in rows}

    async def failed(self, limit: int) -> tuple[FailedDecision, ...]:
        """Decisions whose proof does not hold, newest first."""
        rows = cast("Any", await self._read(sql.FAILED_DECISIONS, self._shard, limit))
        return tuple(
            FailedDecision(parent_id=ParentId(row[0]), round=row[1], seq=row[2], at_ns=Nanos(row[3]), failed=row[4])
            for row in rows
        )


def _packed(record: Record) -> bytes:
    return zlib.compress(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())


def _unpacked(payload: bytes) -> Record:
    return cast("Record", json.loads(zlib.decompress(bytes(payload))))
