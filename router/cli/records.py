"""What decisions were proven to be: as the watcher kept it, or worked out now where it has not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies import POLICIES
from router.cli.deciding import Report, failed, record
from router.cli.proving import SHORT_ROWS
from router.model.ids import ParentId
from router.runtime.recovery import recover_before
from router.runtime.replay import Replay
from router.store import JournalStore
from router.store.decision_records import DecisionRecords, FailedDecision
from router.store.queries import Explanation

_PAGE_ROWS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """A decision's record. `kept`: by the watcher beside the driver; else it was made just now."""

    record: Report
    failed: str
    kept: bool


async def records_of(url: str, store: JournalStore, parent: str, rounds: Sequence[Explanation]) -> Mapping[int, Proven]:
    """By round, of those that are given; some may be missing."""
    if not rounds:
        return {}
    kept = DecisionRecords(url)
    try:
        known = await kept.of(ParentId(parent))
    finally:
        await kept.close()
    found = {number: Proven(record=made, failed=why, kept=True) for number, (why, made) in known.items()}
    missing = frozenset(one.seq for one in rounds if one.planned.round not in found)
    return found | await _made_now(store, parent, missing)


async def failed_decisions(url: str, limit: int) -> tuple[FailedDecision, ...]:
    """Those that do not stand up to their own proof, newest first."""
    kept = DecisionRecords(url)
    try:
        return await kept.failed(limit)
    finally:
        await kept.close()


async def _made_now(store: JournalStore, parent: str, seqs: frozenset[int]) -> dict[int, Proven]:
    """Decided again; nothing from the row on that comes out otherwise than it was written."""
    found: dict[int, Proven] = {}
    if not seqs:
        return found
    engine, seq = await recover_before(store, POLICIES, min(seqs) - 1, short=store.last_seq <= SHORT_ROWS)
    if not seq < min(seqs) <= max(seqs) <= seq + SHORT_ROWS:
        return found  # too far from any snapshot to do by the way: `sor replay --decision` takes its time
    replay = Replay(POLICIES, lambda row: row.seq in seqs, engine)
    while seq < max(seqs) and (page := await store.read(seq, _PAGE_ROWS)):
        for row in page:
            if replay.take((row,)) is not None:
                return found
            if row.seq in seqs:
                for asked in replay.asked:
                    if asked.parent_id == parent:
                        made = record(asked) | {"facts": replay.facts_hash}
                        found[asked.round] = Proven(record=made, failed=failed(made), kept=False)
        seq = page[-1].seq
    return found
