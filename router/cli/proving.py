"""`python -m router.cli.proving`: follow the journal beside a driver, and keep what each decision was proven to be.

A process of its own, so that no order ever waits for a proof: it reads what is durable, decides again each row that
planned a round, holds the facts against those written down, proves and compares the plan, and writes the record. The
journal is its queue; what it does not get to in time is folded and left for whoever asks. It goes when its parent goes.

Its first line of input says where the database is; every line it prints says what it did.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from policies import POLICIES
from router.app.version import VERSION
from router.cli.deciding import failed, record
from router.engine import Engine
from router.model.errors import SorError
from router.model.events import Started
from router.model.facts import RoundPlanned
from router.ports import Appended
from router.runtime.recovery import recover_before
from router.runtime.replay import Divergence, Replay
from router.store import JournalStore, open_store
from router.store.decision_records import DecisionRecord, DecisionRecords
from router.store.newest import newest

PAGE_ROWS = 200
DECISIONS_AT_ONCE = 64
"""Of one page of the journal; where there are more, we are behind, and the oldest of them are left out."""
SHORT_ROWS = 20_000
"""A journal of no more is read from its first row where no snapshot is old enough; that takes seconds."""
_EVERY_S = 0.5
_NICE = 10
_STARTS_MOST = 64


class Diverged(SorError):
    """A row is decided otherwise than it was written: nothing after it can be judged."""


class Prover:
    """Takes the journal's rows in order and makes records. `reached`: rows up to there have theirs.

    Only what this release decided is decided again (`ours`): another may have had its reasons.
    """

    def __init__(self, engine: Engine, reached: int, *, ours: bool) -> None:
        self._reached = reached
        self._ours = ours
        self._chosen: frozenset[int] = frozenset()
        self._replay = Replay(POLICIES, lambda row: row.seq in self._chosen, engine)
        self.left_out = 0
        """Decisions that were not proven, because there were too many at once."""

    def take(self, rows: Sequence[Appended]) -> list[DecisionRecord]:
        """The records of what these rows decided. Raises `Diverged`."""
        self._choose(rows)
        found: list[DecisionRecord] = []
        for row in rows:
            diverged = self._replay.take((row,))
            if diverged is not None:
                raise Diverged(_said(diverged))
            if row.seq in self._chosen:
                found += self._records(row)
        return found

    def _choose(self, rows: Sequence[Appended]) -> None:
        chosen = []
        for row in rows:
            event = row.row.stamped.event
            if isinstance(event, Started):
                self._ours = event.version == VERSION
            if self._ours and row.seq > self._reached and planned(row):
                chosen.append(row.seq)
        self.left_out += max(0, len(chosen) - DECISIONS_AT_ONCE)
        self._chosen = frozenset(chosen[-DECISIONS_AT_ONCE:])

    def _records(self, row: Appended) -> list[DecisionRecord]:
        found = []
        for asked in self._replay.asked:
            made = record(asked) | {"facts": self._replay.facts_hash}
            found.append(
                DecisionRecord(
                    parent_id=asked.parent_id,
                    round=asked.round,
                    seq=row.seq,
                    at_ns=row.row.stamped.at_ns,
                    failed=failed(made),
                    record=made,
                )
            )
        return found


def planned(row: Appended) -> bool:
    """Did a round come of it?"""
    return any(isinstance(fact, RoundPlanned) for fact in row.row.facts)


def _said(diverged: Divergence) -> str:
    written, decided = diverged.first
    return f"row {diverged.seq} ({diverged.event}) comes out otherwise: {written[:200]} against {decided[:200]}"


async def prover_of(store: JournalStore, records: DecisionRecords) -> tuple[Prover, int]:
    """A prover that goes on where the records end, and the row its engine stands at."""
    reached = await records.reached()
    engine, at_seq = await recover_before(store, POLICIES, reached, short=store.last_seq <= SHORT_ROWS)
    starts = await newest(store, "Started", _STARTS_MOST)
    before = next((one for one in starts if one.seq <= at_seq), None)
    event = None if before is None else before.row.stamped.event
    ours = isinstance(event, Started) and event.version == VERSION
    return Prover(engine, reached, ours=ours), at_seq


async def follow(store: JournalStore, records: DecisionRecords, tell: Callable[[dict[str, Any]], None]) -> None:
    """Until cancelled; returns where a row diverges, after it was told."""
    prover, seq = await prover_of(store, records)
    while True:
        rows = await store.read(seq, PAGE_ROWS)
        if not rows:
            await asyncio.sleep(_EVERY_S)
            continue
        left_out = prover.left_out
        try:
            made = prover.take(rows)
        except Diverged as error:
            tell({"diverged": str(error)})
            return
        await records.keep(made)
        seq = rows[-1].seq
        if made or prover.left_out > left_out:
            tell({"proven": len(made), "seq": seq, "left_out": prover.left_out - left_out})
        for one in made:
            if one.failed:
                tell({"decision": f"{one.parent_id}.{one.round}", "failed": one.failed})


async def _main(given: dict[str, str]) -> None:
    try:
        store = await open_store(given["database_url"], given["mode"], create=False)
        records = DecisionRecords(given["database_url"])
        try:
            await follow(store, records, _tell)
        finally:
            await records.close()
            await store.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, who started us has to hear of it
        _tell({"raised": f"{type(error).__name__}: {error}"})


def _tell(note: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(note) + "\n")
    sys.stdout.flush()


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    os.nice(_NICE)
    first = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    asyncio.run(_main(first))
