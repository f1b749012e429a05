"""Writes a change and its record in one transaction, or neither."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from router.identity.record import FIRST, Entry, entry, read
from router.identity.rows import Image
from router.model.errors import StoreUnavailable
from router.store import JournalStore
from router.store import access_statements as sql
from router.store.session import Step, Taken

_TRIES = 16
_PAGE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Alteration:
    """One change of one subject. `step` makes its statement, given the number of its record."""

    action: str
    subject: str
    before: Image | None
    after: Image | None
    step: Callable[[int], Step]


class Recorder:
    """The one place that writes records."""

    def __init__(self, store: JournalStore, server_key: bytes, now: Callable[[], int]) -> None:
        self.store = store
        self.server_key = server_key
        self.now = now

    async def write(self, actor: str, *alterations: Alteration, also: Sequence[Step] = ()) -> None:
        """All of them and `also`, or none. Another's record at our place is no trouble: ours goes behind it.

        Raises `Taken` with `must` set where what was altered is not as it was thought to be.
        """
        for _ in range(_TRIES):
            head, at_ns, steps = await self.head(), self.now(), list[Step]()
            for one in alterations:
                made = entry(
                    self.server_key,
                    head,
                    at_ns=at_ns,
                    actor=actor,
                    action=one.action,
                    subject=one.subject,
                    before=one.before,
                    after=one.after,
                )
                steps += [Step(sql.RECORD, (made.row(),)), one.step(made.n)]
                head = (made.n, made.mac)
            try:
                await self.store.transact([*steps, *also])
            except Taken as error:
                if error.must is not None:
                    raise
            else:
                return
        raise StoreUnavailable("others change users and keys at this very moment: ask again")

    async def head(self) -> tuple[int, str]:
        """Number and code of the newest record."""
        found = await self.store.rows_of(sql.RECORD_HEAD)
        return cast("tuple[int, str]", tuple(found[0])) if found else (0, FIRST)

    async def entries(self, after: int = 0, most: int | None = None) -> list[Entry]:
        """Records after that one, in order."""
        found = list[Entry]()
        while most is None or len(found) < most:
            page = await self.store.rows_of(
                sql.RECORDS, after, _PAGE if most is None else min(_PAGE, most - len(found))
            )
            if not page:
                break
            found += map(read, page)
            after = found[-1].n
        return found
