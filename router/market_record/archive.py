"""The record in the database: blocks with their own sequence, chained by hash, the oldest taken away in order.

One row beside them says where the chain ends and where it was cut, so that neither a missing tail nor a missing
beginning goes unseen. Every write is a transaction of its own, never the journal's, and as small as it can be: on
SQLite it holds the one write lock for well under a millisecond, because its COMMIT does not wait for the disk.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from router.market_record.encoding import GENESIS, BlockUnreadable, block_hash, block_of, packed, text_of, unpacked
from router.market_record.samples import Block
from router.model.errors import StoreUnavailable
from router.model.ids import InstrumentId, Nanos
from router.store import statements as sql
from router.store.beside import Beside
from router.store.session import MaybeWritten, NotWritten, Row, Step, Taken

_PAGE = 200
_CUT_AT_ONCE = 100
_WALKS_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The last block: its number, its hash, and the time it reaches. 0 and `GENESIS` before the first."""

    seq: int = 0
    hash: str = GENESIS
    last_ns: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Walked:
    """What a walk over the record found. `blocks` that are there, the `head` hash, and a sentence per fault."""

    blocks: int
    head: str
    breaks: tuple[str, ...]


class Archive(Beside):
    """The market record of one shard, at `url`. Raises `StoreUnavailable` where the database cannot be used."""

    def __init__(self, url: str, shard: str = "main") -> None:
        super().__init__(url)
        self._shard = shard

    async def head(self) -> Head:
        """Where the chain ends."""
        found = await self._read(sql.MARKET_HEAD, self._shard)
        if not found:
            return Head()
        seq, chained, _, _, last_ns = found[0]
        return Head(seq=cast("int", seq), hash=cast("str", chained), last_ns=cast("int", last_ns or 0))

    async def append(self, head: Head, block: Block) -> Head | None:
        """Write a block behind `head`. None when somebody else has written there first: nothing was written.

        Safe to repeat with the same block when it was not told how it ended: the one that is there is found to be it.
        """
        text, seq = text_of(block), head.seq + 1
        chained = block_hash(head.hash, self._shard, seq, block.first_ns, block.last_ns, text)
        written = Head(seq=seq, hash=chained, last_ns=block.last_ns)
        row = (self._shard, seq, block.first_ns, block.last_ns, packed(text), head.hash, chained)
        if await self._write([self._move(head, written), Step(sql.MARKET_BLOCK, (row,))]):
            return written
        return written if await self.head() == written else None

    async def cut(self, before_ns: int) -> int:
        """Take away blocks that ended before then, oldest first, a bounded number at once. Returns how many went."""
        gone = []
        for seq, chained, last_ns in await self._read(sql.MARKET_OLDEST, self._shard, _CUT_AT_ONCE):
            if cast("int", last_ns) >= before_ns:
                break
            gone.append((seq, chained))
        if not gone:
            return 0
        seq, chained = gone[-1]
        at = Step(sql.MARKET_CUT_AT, ((self._shard, seq, chained),), must="the record was cut before there")
        cut = await self._write([at, Step(sql.MARKET_CUT, ((self._shard, seq),))])
        return len(gone) if cut else 0

    async def blocks(self, from_ns: int, to_ns: int) -> AsyncIterator[Block]:
        """Every block that says something of the time between, oldest first. Raises `BlockUnreadable`."""
        after, page = 0, _PAGE
        while page == _PAGE:
            rows = await self._read(sql.MARKET_BETWEEN, self._shard, from_ns, to_ns, after, _PAGE)
            for seq, first_ns, last_ns, payload in rows:
                text = unpacked(cast("bytes", payload))
                yield block_of(Nanos(cast("int", first_ns)), Nanos(cast("int", last_ns)), text)
                after = cast("int", seq)
            page = len(rows)

    async def verify(self) -> Walked:
        """Walk the chain from where it was cut to its end. Blocks written meanwhile are not judged."""
        for _ in range(_WALKS_MAX):
            found = await self._read(sql.MARKET_HEAD, self._shard)
            walked = await self._walk(found[0]) if found else await self._no_end()
            if await self._cut_at() == (found[0][2] if found else 0):
                return walked  # else blocks were taken away while we walked: begin again behind them
        raise StoreUnavailable("the market record is being cut faster than it can be walked")

    async def last_worked_on(self, since_ns: int) -> Mapping[InstrumentId, Nanos]:
        """When parents of each instrument last changed, as the query tables know it: sampling goes on after them."""
        rows = await self._read(sql.WORKED_ON, since_ns)
        return {InstrumentId(str(instrument)): Nanos(cast("int", at_ns)) for instrument, at_ns in rows}

    async def _walk(self, record: Row) -> Walked:
        head_seq, head_hash, cut_seq, cut_hash = (cast("Any", record[place]) for place in range(4))
        walk, after, page = _Walk(self._shard, cut_seq, cut_hash), 0, _PAGE
        while page == _PAGE:
            rows = await self._read(sql.MARKET_BLOCKS, self._shard, after, head_seq, _PAGE)
            for row in rows:
                walk.step(row)
                after = cast("int", row[0])
            page = len(rows)
        return walk.ended(head_seq, head_hash)

    async def _no_end(self) -> Walked:
        ((stray,),) = await self._read(sql.MARKET_STRAY, self._shard)
        breaks = (f"{stray} blocks, and the row that names their end is missing",) if stray else ()
        return Walked(blocks=0, head=GENESIS, breaks=breaks)

    async def _cut_at(self) -> int:
        found = await self._read(sql.MARKET_HEAD, self._shard)
        return cast("int", found[0][2]) if found else 0

    def _move(self, head: Head, written: Head) -> Step:
        """The row beside the blocks: made with the first of them, and moved only from where it was seen."""
        if head.seq == 0:
            return Step(sql.MARKET_BEGIN, ((self._shard, written.seq, written.hash, GENESIS),))
        moved = (self._shard, written.seq, written.hash, head.seq, head.hash)
        return Step(sql.MARKET_GO_ON, (moved,), must="the record ends where it was seen to end")

    async def _write(self, steps: Sequence[Step]) -> bool:
        """One transaction; False when it does not fit what is there."""
        session = await self._connected()
        try:
            await session.write(steps)
        except Taken:
            return False
        except NotWritten as error:
            raise StoreUnavailable(f"the market record: {error}") from error
        except MaybeWritten as error:
            await self.close()  # how it ended is read over a new connection
            raise StoreUnavailable(f"the market record: {error}") from error
        return True


class _Walk:
    """One walk along the chain: what the next block has to follow from, and what did not."""

    def __init__(self, shard: str, cut_seq: int, cut_hash: str) -> None:
        self._shard = shard
        self._seq = cut_seq
        self._hash = cut_hash
        self._last_ns = 0
        self._blocks = 0
        self._breaks: list[str] = []

    def step(self, row: Row) -> None:
        """One block on. It is judged against the block before as stored, so what is reported is what was touched."""
        seq, first_ns, last_ns = (cast("int", row[place]) for place in range(3))
        payload, previous, stored_hash = (cast("Any", row[place]) for place in range(3, 6))
        if seq != self._seq + 1:
            self._wrong(seq, f"it follows block {self._seq}: blocks are missing or out of place")
        if previous != self._hash:
            self._wrong(seq, "it is not chained to the block before")
        if first_ns < self._last_ns or last_ns < first_ns:
            self._wrong(seq, "its times do not follow the block before")
        try:
            text = unpacked(payload)
            if block_hash(previous, self._shard, seq, first_ns, last_ns, text) != stored_hash:
                self._wrong(seq, "its hash does not fit its content")
            block_of(Nanos(first_ns), Nanos(last_ns), text)
        except BlockUnreadable as error:
            self._wrong(seq, str(error))
        self._seq, self._hash, self._last_ns = seq, stored_hash, last_ns
        self._blocks += 1

    def ended(self, head_seq: int, head_hash: str) -> Walked:
        """All blocks were seen; does the chain end where it should?"""
        if (self._seq, self._hash) != (head_seq, head_hash):
            self._breaks.append(f"the record ends at block {self._seq}, and was written up to block {head_seq}")
        return Walked(blocks=self._blocks, head=self._hash, breaks=tuple(self._breaks))

    def _wrong(self, seq: int, why: str) -> None:
        self._breaks.append(f"block {seq}: {why}")
