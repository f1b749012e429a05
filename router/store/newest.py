"""The newest journal row of a kind: what was last started with, what was last measured."""

from router.journal.rows import StoredRow, appended
from router.ports import Appended
from router.store.base import JournalStore
from router.store.dialect import Sql

_NEWEST = Sql("""
    SELECT shard, seq, epoch, at_ns, kind, payload, hash FROM journal
    WHERE shard = $1 AND kind = $2 ORDER BY seq DESC LIMIT $3
""")


async def newest(store: JournalStore, kind: str, most: int = 1) -> tuple[Appended, ...]:
    """The last rows whose event is a `kind`, newest first. Raises `CodecError` for one that cannot be read."""
    found = await store.rows_of(_NEWEST, store.shard, kind, most)
    return tuple(
        appended(StoredRow(shard=r[0], seq=r[1], epoch=r[2], at_ns=r[3], kind=r[4], payload=r[5], hash=r[6]))  # type: ignore[arg-type]
        for r in found
    )
