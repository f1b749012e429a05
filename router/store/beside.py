"""What is kept beside the journal, not with it: connected when first asked for, and again after a loss."""

from router.model.errors import StoreUnavailable, WrongStore
from router.store.dialect import Sql
from router.store.opening import open_beside
from router.store.session import Row, Session


class Beside:
    """Tables at `url`. Raises `StoreUnavailable` where the database cannot be used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: Session | None = None

    async def close(self) -> None:
        """Let go of the database."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _read(self, statement: Sql, *args: object) -> list[Row]:
        return await (await self._connected()).read(statement, *args)

    async def _connected(self) -> Session:
        if self._session is None:
            try:
                self._session = await open_beside(self._url)
            except WrongStore as error:
                raise StoreUnavailable(str(error)) from error
        return self._session
