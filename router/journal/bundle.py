"""One parent's story as a file of its own, which anybody can check without the database.

It holds the journal's rows from the parent's first to its last: those that concern it in full, all others sealed (their
place and their hash, not what they say). So the chain can be followed from end to end, and what is shown is shown to
stand in it. A row decided for several parents at once is shown whole. Signed heads that lie in the range tie the chain
to what was exported at the time.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from router.journal.chain import GENESIS, row_hash, seal
from router.journal.converters import CodecError
from router.journal.heads import HeadUnreadable, SignedHead, read_head
from router.journal.rows import StoredRow, row_of
from router.journal.verify import Break
from router.model.facts import ChildAdopted, ChildIntended
from router.model.ids import Nanos, ParentId

VERSION = 1
_COLUMNS = ("seq", "epoch", "at_ns", "kind", "hash")


@dataclass(slots=True)
class Bundler:
    """Fed all rows in order, keeps those between the parent's first and last."""

    parent_id: ParentId
    _words: set[str]
    _kept: list[dict[str, object]]
    _waiting: list[dict[str, object]]
    _previous: str = GENESIS
    _after: str = GENESIS
    _shard: str = ""

    @classmethod
    def of(cls, parent_id: ParentId) -> "Bundler":
        """For one parent."""
        return cls(parent_id=parent_id, _words={parent_id}, _kept=[], _waiting=[])

    def take(self, row: StoredRow) -> None:
        """The next row of the journal."""
        concerns = any(word in row.payload for word in self._words)
        if concerns:
            self._learn(row)
            if not self._kept:
                self._after, self._shard = self._previous, row.shard
            self._kept += [*self._waiting, _columns(row) | {"payload": row.payload}]
            self._waiting = []
        elif self._kept:
            self._waiting.append(_columns(row) | {"sealed": seal(row.payload)})
        self._previous = row.hash

    def bundle(self, deployment: str, heads: Iterable[SignedHead]) -> dict[str, Any]:
        """The file's content. The rows after the parent's last are there up to the first head that covers it."""
        rows = list(self._kept)
        last = _seq(rows[-1]) if rows else 0
        ours = [one for one in heads if (one.head.deployment, one.head.shard) == (deployment, self._shard)]
        covering = min((one.head.seq for one in ours if one.head.seq >= last), default=last)
        rows += [row for row in self._waiting if _seq(row) <= covering]
        places = {_seq(row) for row in rows}
        return {
            "version": VERSION,
            "what": "one parent out of a journal chained by SHA-256: check it with `sor audit verify --bundle`",
            "deployment": deployment,
            "shard": self._shard,
            "parent_id": self.parent_id,
            "after": self._after,
            "rows": rows,
            "heads": [
                asdict(one.head) | {"key": one.key, "signature": one.signature}
                for one in ours
                if one.head.seq in places
            ],
        }

    def _learn(self, row: StoredRow) -> None:
        """From here on its children's rows are its own."""
        try:
            facts = row_of(row.at_ns, row.payload).facts
        except CodecError:
            return
        for fact in facts:
            if isinstance(fact, ChildIntended | ChildAdopted) and fact.order.parent_id == self.parent_id:
                self._words.add(fact.order.client_id)


def check(bundle: Mapping[str, Any], key: str | None = None) -> tuple[Break, ...]:
    """Everything wrong with a bundle; `key` is the signer an auditor expects. Raises nothing for any content."""
    try:
        rows: Sequence[Mapping[str, Any]] = bundle["rows"]
        if bundle["version"] != VERSION or not rows:
            return (Break(seq=0, why=f"not a bundle of version {VERSION}, or an empty one"),)
        return (*_chain(bundle, rows), *_heads(bundle, rows, key))
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        return (Break(seq=0, why=f"not a bundle: {type(error).__name__}"),)


def _chain(bundle: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[Break]:
    found: list[Break] = []
    previous, seq = str(bundle["after"]), int(rows[0]["seq"]) - 1
    for row in rows:
        sealed = seal(row["payload"]) if "payload" in row else str(row["sealed"])
        place = (str(bundle["shard"]), int(row["seq"]), int(row["epoch"]), Nanos(int(row["at_ns"])), str(row["kind"]))
        if int(row["seq"]) != seq + 1:
            found.append(Break(seq=int(row["seq"]), why=f"it follows seq {seq}: rows are missing"))
        if row_hash(previous, *place, sealed) != row["hash"]:
            found.append(Break(seq=int(row["seq"]), why="its hash does not fit its content and the row before"))
        previous, seq = str(row["hash"]), int(row["seq"])
    return found


def _heads(bundle: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], key: str | None) -> list[Break]:
    found: list[Break] = []
    hashes = {int(row["seq"]): row["hash"] for row in rows}
    for one in bundle["heads"]:
        signed = _signed(one)
        if signed is None or not signed.genuine() or (key is not None and signed.key != key):
            found.append(Break(seq=int(one["seq"]), why="a head in the bundle is not signed by the expected key"))
        elif hashes.get(signed.head.seq) != signed.head.hash:
            found.append(Break(seq=signed.head.seq, why="it is not the row whose hash was exported"))
    return found


def _signed(one: Mapping[str, Any]) -> SignedHead | None:
    try:
        return read_head(json.dumps(dict(one)))
    except HeadUnreadable:
        return None


def _columns(row: StoredRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in _COLUMNS}


def _seq(row: Mapping[str, object]) -> int:
    return int(str(row["seq"]))
