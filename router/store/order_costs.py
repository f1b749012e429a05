"""What each order cost, kept as a line once its markouts are over. All of it can be worked out again."""

from collections.abc import Sequence
from typing import cast

from router.model.errors import StoreUnavailable
from router.model.ids import Nanos, ParentId
from router.store import statements as sql
from router.store.beside import Beside
from router.store.session import MaybeWritten, NotWritten, Step


class OrderCosts(Beside):
    """The lines at `url`, as text. Raises `StoreUnavailable` where the database cannot be used."""

    async def between(self, from_ns: Nanos, to_ns: Nanos) -> tuple[str, ...]:
        """Lines of orders that ended from `from_ns` until before `to_ns`, oldest first."""
        return tuple(cast("str", row[0]) for row in await self._read(sql.ORDER_COSTS, from_ns, to_ns))

    async def to_measure(self, from_ns: Nanos, to_ns: Nanos, limit: int) -> tuple[ParentId, ...]:
        """Orders that ended then and have no line, or had another fill since; the oldest `limit` of them."""
        rows = await self._read(sql.ORDERS_TO_MEASURE, from_ns, to_ns, limit)
        return tuple(ParentId(cast("str", row[0])) for row in rows)

    async def keep(self, lines: Sequence[tuple[ParentId, Nanos, int, str, str]]) -> None:
        """Parent, when it ended, how many fills it had, its record's hash, and its line."""
        session = await self._connected()
        try:
            await session.write([Step(sql.KEEP_ORDER_COST, tuple(lines))])
        except (NotWritten, MaybeWritten) as error:
            await self.close()
            raise StoreUnavailable(f"costs of orders: {error}") from error
